//! A long comparison with snarkVM: the variables of every attempt, and the targets of some.
//!
//! An epoch's attempts follow from its number alone, so that runs over different epochs add up.
#![allow(clippy::unwrap_used)]

mod support;

use std::{
    collections::BTreeMap,
    ops::AddAssign,
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use aleo_epoch_puzzle::{
    EpochEvaluator,
    stock::{Stock, circuit::EpochCircuit},
};
use support::{ADDRESS, Arguments, Clock, epoch_hash, num_threads};

const USAGE: &str = "\
scripts/bench differential [--pairs N] [--attempts N] [--tree-every N] [--seed N] [--from-epoch N] [--threads N]
                           [--quick]

Compares attempts with snarkVM: every variable of each, and the target of some. Fails if anything differs.

  --pairs N       attempts in all (2,000)
  --attempts N    attempts of each epoch (20)
  --tree-every N  of so many attempts, one with snarkVM's own tree and target (20)
  --seed N        number of the first epoch's hash (1,000,000)
  --from-epoch N  leaves out the first N epochs of the run: goes on where another run was stopped (0)
  --threads N     threads at once (all cores)
  --quick         60 attempts of 6 epochs";

/// How often the progress is printed.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(30);

/// What one run compares.
#[derive(Clone, Copy)]
struct Run {
    attempts: u64,
    tree_every: u64,
    seed: u64,
    first: u64,
    epochs: u64,
}

#[derive(Clone, Copy, Default)]
struct Totals {
    epochs: u64,
    pairs: u64,
    variables: u64,
    trees: u64,
    failed_in_both: u64,
    not_native: u64,
    differences: u64,
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.epochs += other.epochs;
        self.pairs += other.pairs;
        self.variables += other.variables;
        self.trees += other.trees;
        self.failed_in_both += other.failed_in_both;
        self.not_native += other.not_native;
        self.differences += other.differences;
    }
}

/// Finished work. Counts only epochs below which all are finished, so that a stopped run can continue from
/// there.
struct Progress {
    next: u64,
    totals: Totals,
    /// Finished before one below them.
    ahead: BTreeMap<u64, Totals>,
    started: Instant,
    printed: Instant,
}

impl Progress {
    fn new(run: &Run) -> Self {
        let now = Instant::now();
        Self {
            next: run.first,
            totals: Totals::default(),
            ahead: BTreeMap::new(),
            started: now,
            printed: now,
        }
    }

    fn finished(&mut self, epoch: u64, totals: Totals, run: &Run) {
        self.ahead.insert(epoch, totals);
        while let Some(totals) = self.ahead.remove(&self.next) {
            self.totals += totals;
            self.next += 1;
        }
        if self.printed.elapsed() < PROGRESS_INTERVAL || self.next == run.first {
            return;
        }
        self.printed = Instant::now();
        let minutes = self.started.elapsed().as_secs_f64() / 60.0;
        let left = minutes / (self.next - run.first) as f64 * (run.epochs - self.next) as f64;
        let Totals { pairs, trees, differences, .. } = self.totals;
        eprintln!(
            "epochs {} to {} of {}: {pairs} pairs, {trees} trees, {differences} differences; {left:.0} min left; \
             --from-epoch {} goes on from here",
            run.first, self.next, run.epochs, self.next
        );
    }
}

/// Compares the attempts of the run's `epoch`th epoch.
fn compare(stock: &Stock, epoch: u64, run: &Run) -> Totals {
    let mut totals = Totals { epochs: 1, ..Totals::default() };
    let seed = run.seed + epoch;
    let hash = epoch_hash(seed);
    let evaluator = EpochEvaluator::new(hash).unwrap();
    if !evaluator.is_native() {
        totals.not_native = 1;
        return totals;
    }
    let circuit = EpochCircuit::new(&hash).unwrap();
    let mut scratch = evaluator.scratch();
    for attempt in 0..run.attempts {
        let counter = seed.wrapping_mul(run.attempts).wrapping_add(attempt);
        totals.pairs += 1;
        let expected = circuit.variables(&ADDRESS, counter).ok();
        let found = evaluator.variables(&mut scratch, &ADDRESS, counter).ok();
        let mut agree = expected == found;
        totals.variables += found.as_ref().map_or(0, Vec::len) as u64;
        totals.failed_in_both += (expected.is_none() && found.is_none()) as u64;
        if (epoch * run.attempts + attempt).is_multiple_of(run.tree_every) {
            totals.trees += 1;
            let expected = stock.evaluate(&hash, &ADDRESS, counter).ok();
            agree &= expected == evaluator.evaluate(&mut scratch, &ADDRESS, counter).ok();
        }
        if !agree {
            totals.differences += 1;
            eprintln!("epoch {seed} counter {counter} differs");
        }
    }
    totals
}

fn main() -> ExitCode {
    let numbers = ["--pairs", "--attempts", "--tree-every", "--seed", "--from-epoch", "--threads"];
    let arguments = Arguments::read(USAGE, &numbers, &["--quick"]);
    let quick = arguments.flag("--quick");
    let attempts = arguments.number("--attempts", if quick { 10 } else { 20 }).max(1);
    let run = Run {
        attempts,
        tree_every: arguments.number("--tree-every", 20).max(1),
        seed: arguments.number("--seed", 1_000_000),
        first: arguments.number("--from-epoch", 0),
        epochs: arguments.number("--pairs", if quick { 60 } else { 2_000 }).div_ceil(attempts),
    };
    let (next, stock, progress) = (AtomicU64::new(run.first), Stock::new(), Mutex::new(Progress::new(&run)));
    std::thread::scope(|scope| {
        for _ in 0..arguments.number("--threads", num_threads() as u64).max(1) {
            scope.spawn(|| {
                loop {
                    let epoch = next.fetch_add(1, Relaxed);
                    if epoch >= run.epochs {
                        return;
                    }
                    let totals = compare(&stock, epoch, &run);
                    progress.lock().unwrap().finished(epoch, totals, &run);
                }
            });
        }
    });
    let totals = progress.into_inner().unwrap().totals;
    let cpu_ms = 1e3 * Clock::Process.now() / totals.pairs.max(1) as f64;
    println!("differential.cpu_ms_per_pair: {cpu_ms:.1}");
    println!("differential.first_epoch: {}", run.seed + run.first);
    println!("differential.epochs: {}", totals.epochs);
    println!("differential.epochs_not_native: {}", totals.not_native);
    println!("differential.pairs: {}", totals.pairs);
    println!("differential.failed_in_both: {}", totals.failed_in_both);
    println!("differential.variables: {}", totals.variables);
    println!("differential.trees: {}", totals.trees);
    println!("differential.differences: {}", totals.differences);
    if totals.differences == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
