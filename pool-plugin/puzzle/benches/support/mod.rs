//! Shared by the benches: epochs, CPU clocks, arguments, medians.
#![allow(dead_code)]

use std::collections::HashMap;

/// Upstream's allocator, as in upstream's binary, so that snarkVM is as fast here as there.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The epoch hash of a seed.
pub(crate) fn epoch_hash(seed: u64) -> [u8; 32] {
    // Below the modulus, which has 253 bits.
    let mut hash = [0; 32];
    hash[..8].copy_from_slice(&seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
    hash
}

/// A valid address: the identity of the curve.
pub(crate) const ADDRESS: [u8; 32] = [0; 32];

/// CPU time so far, in seconds, of this thread or of the whole process.
#[derive(Clone, Copy)]
pub(crate) enum Clock {
    Thread,
    Process,
}

impl Clock {
    #[allow(unsafe_code)]
    pub(crate) fn now(self) -> f64 {
        let clock = match self {
            Self::Thread => libc::CLOCK_THREAD_CPUTIME_ID,
            Self::Process => libc::CLOCK_PROCESS_CPUTIME_ID,
        };
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the pointer is to a valid timespec.
        unsafe { libc::clock_gettime(clock, &mut time) };
        time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
    }

    /// The CPU seconds that `work` takes.
    pub(crate) fn time(self, work: impl FnOnce()) -> f64 {
        let start = self.now();
        work();
        self.now() - start
    }
}

/// The command line: `--name N` and flags.
pub(crate) struct Arguments {
    numbers: HashMap<String, u64>,
    flags: Vec<String>,
}

impl Arguments {
    /// Reads the command line. Prints the usage and ends the process if asked to, or if an argument is
    /// unknown.
    pub(crate) fn read(usage: &str, numbers: &[&str], flags: &[&str]) -> Self {
        let mut read = Self { numbers: HashMap::new(), flags: Vec::new() };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            if word == "--help" || word == "-h" {
                println!("{usage}");
                std::process::exit(0);
            }
            // Cargo passes this to every bench.
            if word == "--bench" || flags.contains(&word.as_str()) {
                read.flags.push(word);
                continue;
            }
            let number = words.next().and_then(|number| number.replace(['_', ','], "").parse().ok());
            match number {
                Some(number) if numbers.contains(&word.as_str()) => drop(read.numbers.insert(word, number)),
                _ => {
                    eprintln!("'{word}' is not a known argument\n\n{usage}");
                    std::process::exit(2);
                }
            }
        }
        read
    }

    /// The number after `name`, or else `otherwise`.
    pub(crate) fn number(&self, name: &str, otherwise: u64) -> u64 {
        self.numbers.get(name).copied().unwrap_or(otherwise)
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.flags.iter().any(|flag| flag == name)
    }
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

pub(crate) fn num_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
