//! The reference miner's work loop against upstream's prover's, on the same threads. Prints plain `name: value` lines.
//!
//! Both run for a while, one after the other, several times. The ratio is of attempts per CPU second of the
//! whole process: all threads are busy all the time, so it is the ratio of attempts on the same cores,
//! without the time that other processes take; the ratio by the clock is printed too.
#![allow(clippy::unwrap_used)]

#[path = "../../puzzle/benches/support/mod.rs"]
mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use aleo_epoch_puzzle_stock::Stock;
use pool_core::{
    evaluator::{Evaluator, PuzzleKind},
    types::{Address, EpochHash},
};
use pool_plugin::miner::work::{Board, Work, mine};
use support::{ADDRESS, Arguments, Clock, epoch_hash, num_threads};
use tokio::sync::mpsc;

const USAGE: &str = "\
scripts/bench puzzle [--quick] [--epochs N]

This part: attempts of the reference miner and of upstream's prover, on all cores.";

/// About mainnet's, so that solutions are as rare.
const PROOF_TARGET: u64 = 1 << 40;

/// The result of one side.
#[derive(Clone, Copy, Default)]
struct Spent {
    attempts: u64,
    cpu: f64,
    clock: f64,
}

impl Spent {
    /// Adds the attempts of `work`, which it returns.
    fn add(&mut self, work: impl FnOnce() -> u64) {
        let (start, cpu) = (Instant::now(), Clock::Process.now());
        self.attempts += work();
        self.cpu += Clock::Process.now() - cpu;
        self.clock += start.elapsed().as_secs_f64();
    }

    fn per_cpu_second(&self) -> f64 {
        self.attempts as f64 / self.cpu
    }

    fn per_second(&self) -> f64 {
        self.attempts as f64 / self.clock
    }
}

/// Upstream's `Prover::puzzle_loop` on every thread, without the network: `Puzzle::prove` of a random counter.
fn prover(stock: &Stock, epoch_hash: &[u8; 32], threads: usize, time: Duration) -> u64 {
    let (attempts, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !stop.load(Relaxed) {
                    let _ = stock.prove(epoch_hash, &ADDRESS, rand::random(), PROOF_TARGET);
                    attempts.fetch_add(1, Relaxed);
                }
            });
        }
        thread::sleep(time);
        stop.store(true, Relaxed);
    });
    attempts.into_inner()
}

/// The threads of `snarkos miner`, without the network.
fn miner(evaluator: &dyn Evaluator, epoch_hash: EpochHash, threads: usize, time: Duration) -> u64 {
    let (board, (shares, _found)) = (Board::new(None), mpsc::unbounded_channel());
    let address = Address(ADDRESS);
    board.set(Some(Work { epoch: 0, serial: 0, epoch_hash, address, prefix: None, target: PROOF_TARGET }));
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| mine(&board, evaluator, &shares));
        }
        thread::sleep(time);
        board.close();
    });
    board.attempts()
}

fn main() {
    let arguments = Arguments::read(USAGE, &["--epochs"], &["--quick"]);
    let (rounds, stock_seconds, native_seconds) =
        if arguments.flag("--quick") { (1, 8, 2) } else { (5, 20, 5) };
    let threads = num_threads();
    let evaluator: Arc<dyn Evaluator> = pool_evaluators::mining(PuzzleKind::Native, threads).unwrap();
    let stock = Stock::new();
    let (mut upstream, mut ours) = (Spent::default(), Spent::default());
    for round in 0..rounds {
        let hash = epoch_hash(2_000_000 + round);
        // Both compile the epoch first.
        evaluator.prepare(&EpochHash(hash));
        let _ = stock.evaluate(&hash, &ADDRESS, 0);
        upstream.add(|| prover(&stock, &hash, threads, Duration::from_secs(stock_seconds)));
        ours.add(|| miner(&*evaluator, EpochHash(hash), threads, Duration::from_secs(native_seconds)));
    }
    println!("puzzle.miner_threads: {threads}");
    println!("puzzle.prover_attempts: {}", upstream.attempts);
    println!("puzzle.prover_attempts_per_second: {:.2}", upstream.per_second());
    println!("puzzle.miner_attempts_per_second: {:.0}", ours.per_second());
    println!("puzzle.miner_ratio_by_the_clock: {:.0}", ours.per_second() / upstream.per_second());
    println!("puzzle.miner_ratio: {:.0}", ours.per_cpu_second() / upstream.per_cpu_second());
}
