//! What the benches share: epochs, CPU clocks, arguments, medians.
#![allow(dead_code)]

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

/// The number after `--name`.
pub(crate) fn argument(name: &str) -> Option<u64> {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    arguments.nth(1)?.parse().ok()
}

pub(crate) fn flag(name: &str) -> bool {
    std::env::args().any(|argument| argument == name)
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

pub(crate) fn num_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
