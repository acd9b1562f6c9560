//! How many epochs have no native form.
#![allow(clippy::unwrap_used)]

mod support;

use std::sync::{
    Mutex,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use aleo_epoch_puzzle::EpochEvaluator;
use support::{Arguments, Clock, epoch_hash, num_threads};

const USAGE: &str = "\
scripts/bench native-forms [--epochs N] [--seed N] [--threads N] [--quick]

Compiles epochs and counts those without a native form, which the pool leaves to snarkVM as a whole.

  --epochs N   how many (20,000)
  --seed N     number of the first epoch's hash (1)
  --threads N  threads at once (all cores)
  --quick      200 epochs";

fn main() {
    let arguments = Arguments::read(USAGE, &["--epochs", "--seed", "--threads"], &["--quick"]);
    let epochs = arguments.number("--epochs", if arguments.flag("--quick") { 200 } else { 20_000 });
    let first = arguments.number("--seed", 1);
    let end = first.saturating_add(epochs);
    let (next, fallbacks) = (AtomicU64::new(first), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..arguments.number("--threads", num_threads() as u64).max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Relaxed);
                    if seed >= end {
                        return;
                    }
                    let evaluator = EpochEvaluator::new(epoch_hash(seed)).unwrap();
                    if let Some(reason) = evaluator.fallback_reason() {
                        eprintln!("epoch {seed}: {reason}");
                        fallbacks.lock().unwrap().push(seed);
                    }
                    let done = seed - first + 1;
                    if done.is_multiple_of(5_000) {
                        eprintln!(
                            "{done} of {epochs} epochs, {} not native",
                            fallbacks.lock().unwrap().len()
                        );
                    }
                }
            });
        }
    });
    let fallbacks = fallbacks.into_inner().unwrap().len() as u64;
    println!("epochs.cpu_ms_each: {:.1}", 1e3 * Clock::Process.now() / epochs.max(1) as f64);
    println!("epochs.compiled: {epochs}");
    println!("epochs.not_native: {fallbacks}");
    println!("epochs.not_native_in_10000: {:.2}", 1e4 * fallbacks as f64 / epochs.max(1) as f64);
}
