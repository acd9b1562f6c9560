//! The evaluator against snarkVM. Prints plain `name: value` lines; times are CPU times, so that a busy machine and
//! snarkVM's threads do not distort the ratios.
#![allow(clippy::unwrap_used)]

mod support;

use std::time::{Duration, Instant};

use aleo_epoch_puzzle::{EpochEvaluator, Keccak, stock};
use support::{ADDRESS, Arguments, Clock, epoch_hash, median, num_threads};

const USAGE: &str = "\
scripts/bench puzzle [--quick] [--epochs N]

CPU time of an attempt, ours and snarkVM's, on one thread; then the miner's work loop against upstream's prover's.

  --quick     six epochs instead of forty, and short runs
  --epochs N  so many epochs";

struct Epoch {
    evaluator: EpochEvaluator,
    /// CPU seconds of an attempt: snarkVM's, ours on the fastest path, and for the latter the variables
    /// alone.
    stock: f64,
    native: f64,
    witness: f64,
    /// On each hash implementation.
    paths: Vec<f64>,
    /// CPU seconds of a permutation, measured with the attempts.
    permutation: f64,
    /// CPU seconds to build snarkVM's program, and to build and compile it.
    program: f64,
    compile: f64,
}

/// The shortest of some runs, to exclude the machine's noise.
fn best(runs: usize, mut run: impl FnMut() -> f64) -> f64 {
    (0..runs).map(|_| run()).fold(f64::INFINITY, f64::min)
}

/// CPU seconds of one permutation, hashing leaves in bulk.
fn permutation(keccak: Keccak) -> f64 {
    const LEAVES: usize = 2048;
    let leaves = vec![[1, 2, 3, 4]; LEAVES];
    let mut hashes = vec![[0; 4]; LEAVES];
    best(5, || Clock::Thread.time(|| keccak.hash_leaves(&leaves, &mut hashes)) / LEAVES as f64)
}

fn measure(seed: u64, stock_attempts: u64, attempts: u64) -> Epoch {
    let hash = epoch_hash(seed);
    let program = Clock::Thread.time(|| drop(stock::program(&hash)));
    let start = Clock::Thread.now();
    let evaluator = EpochEvaluator::new(hash).unwrap();
    let compile = Clock::Thread.now() - start;
    assert!(evaluator.is_native());

    let stock = stock::Stock::new();
    // The first attempt builds the program.
    let expected = stock.evaluate(&hash, &ADDRESS, 0).ok();
    let spent = Clock::Process.time(|| {
        for counter in 1..=stock_attempts {
            let _ = stock.evaluate(&hash, &ADDRESS, counter);
        }
    });

    let run = |keccak: Keccak| {
        let mut scratch = evaluator.scratch_with(keccak);
        assert_eq!(evaluator.evaluate(&mut scratch, &ADDRESS, 0).ok(), expected);
        best(3, || {
            let time = Clock::Thread.time(|| {
                for counter in 0..attempts {
                    let _ = evaluator.evaluate(&mut scratch, &ADDRESS, counter);
                }
            });
            time / attempts as f64
        })
    };
    let paths: Vec<f64> = Keccak::available().iter().map(|keccak| run(*keccak)).collect();
    let mut scratch = evaluator.scratch();
    let witness = best(3, || {
        let time = Clock::Thread.time(|| {
            for counter in 0..attempts {
                let _ = evaluator.witness(&mut scratch, &ADDRESS, counter);
            }
        });
        time / attempts as f64
    });
    Epoch {
        stock: spent / stock_attempts as f64,
        native: paths.last().copied().unwrap(),
        witness,
        paths,
        permutation: permutation(Keccak::detect()),
        program,
        compile,
        evaluator,
    }
}

/// Attempts a second of wall-clock time on some threads.
fn throughput(evaluator: &EpochEvaluator, threads: usize, seconds: f64) -> f64 {
    let start = Instant::now();
    let end = start + Duration::from_secs_f64(seconds);
    let attempts: u64 = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads as u64)
            .map(|thread| {
                scope.spawn(move || {
                    let (mut scratch, mut attempts) = (evaluator.scratch(), 0);
                    evaluator.evaluate_many(&mut scratch, &ADDRESS, thread << 32.., |_, _| {
                        attempts += 1;
                        Instant::now() < end
                    });
                    attempts
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    attempts as f64 / start.elapsed().as_secs_f64()
}

fn main() {
    let arguments = Arguments::read(USAGE, &["--epochs"], &["--quick"]);
    let (num_epochs, stock_attempts, attempts) =
        if arguments.flag("--quick") { (6, 2, 50) } else { (40, 3, 100) };
    let num_epochs = arguments.number("--epochs", num_epochs).max(1);
    // Tables that are built once per process.
    drop(measure(1 << 40, 1, 1));
    let epochs: Vec<Epoch> = (0..num_epochs).map(|seed| measure(seed, stock_attempts, attempts)).collect();
    let median_of = |value: &dyn Fn(&Epoch) -> f64| median(epochs.iter().map(value).collect());
    let shape = |epoch: &Epoch| epoch.evaluator.shape().unwrap();
    let floor = |epoch: &Epoch| epoch.permutation * shape(epoch).permutations as f64;

    println!("puzzle.epochs: {num_epochs}");
    println!(
        "puzzle.epochs_above_32768: {}",
        epochs.iter().filter(|epoch| shape(epoch).variables > 32_768).count()
    );
    println!("puzzle.variables: {}", median_of(&|epoch| shape(epoch).variables as f64));
    println!(
        "puzzle.bits_percent: {:.1}",
        median_of(&|epoch| 100.0 * shape(epoch).bits as f64 / shape(epoch).variables as f64)
    );
    println!("puzzle.permutations: {}", median_of(&|epoch| shape(epoch).permutations as f64));
    println!("puzzle.permutation_ns: {:.1}", 1e9 * median_of(&|epoch| epoch.permutation));
    println!("puzzle.stock_us: {:.0}", 1e6 * median_of(&|epoch| epoch.stock));
    for (i, keccak) in Keccak::available().iter().enumerate() {
        println!("puzzle.attempt_us.{}: {:.1}", keccak.name(), 1e6 * median_of(&|epoch| epoch.paths[i]));
        println!("puzzle.speedup.{}: {:.0}", keccak.name(), median_of(&|epoch| epoch.stock / epoch.paths[i]));
    }
    println!("puzzle.witness_us: {:.1}", 1e6 * median_of(&|epoch| epoch.witness));
    println!("puzzle.tree_us: {:.1}", 1e6 * median_of(&|epoch| epoch.native - epoch.witness));
    println!("puzzle.floor_us: {:.1}", 1e6 * median_of(&floor));
    println!("puzzle.program_ms: {:.1}", 1e3 * median_of(&|epoch| epoch.program));
    println!("puzzle.compile_ms: {:.1}", 1e3 * median_of(&|epoch| epoch.compile));
    println!("puzzle.compile_ratio: {:.2}", median_of(&|epoch| epoch.compile / epoch.program));
    let evaluator = &epochs[0].evaluator;
    let mut scratch = evaluator.scratch();
    let _ = evaluator.evaluate(&mut scratch, &ADDRESS, 0);
    println!("puzzle.memory_kib_per_thread: {}", scratch.memory() / 1024);
    println!("puzzle.attempts_per_second.one_core: {:.0}", median_of(&|epoch| 1.0 / epoch.native));
    println!(
        "puzzle.attempts_per_second.{}_threads: {:.0}",
        num_threads(),
        throughput(evaluator, num_threads(), 2.0)
    );
    println!("puzzle.keccak_lanes: {}", Keccak::detect().name());
    println!("puzzle.floor_ratio: {:.2}", median_of(&|epoch| epoch.native / floor(epoch)));
    println!("puzzle.attempt_us: {:.1}", 1e6 * median_of(&|epoch| epoch.native));
    println!("puzzle.speedup: {:.0}", median_of(&|epoch| epoch.stock / epoch.native));
}
