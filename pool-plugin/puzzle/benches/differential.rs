//! A long comparison with snarkVM on all cores: the variables of every attempt, and the targets of some.
//!
//! Arguments: `--pairs N` attempts in all (default 2,000), `--attempts N` of each epoch (20), `--tree-every N` pairs
//! snarkVM's own tree (20), `--seed N` of the first epoch (1,000,000). Ends with a failure if anything differs.
#![allow(clippy::unwrap_used)]

mod support;

use std::{
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use aleo_epoch_puzzle::{EpochEvaluator, stock::Stock};
use support::{ADDRESS, argument, epoch_hash, num_threads};

#[derive(Default)]
struct Totals {
    pairs: AtomicU64,
    trees: AtomicU64,
    not_native: AtomicU64,
    failed_in_both: AtomicU64,
    differences: AtomicU64,
}

/// Whether our variables are snarkVM's leaves, padding apart.
fn same(leaves: &[Vec<bool>], variables: &[[u64; 4]]) -> bool {
    let bit = |variable: &[u64; 4], i: usize| variable[i / 64] >> (i % 64) & 1 == 1;
    let equal = |(leaf, variable): (&Vec<bool>, &[u64; 4])| {
        leaf.len() == 253 && leaf.iter().enumerate().all(|(i, expected)| bit(variable, i) == *expected)
    };
    leaves.iter().zip(variables).all(equal)
        && leaves.len() >= variables.len()
        && leaves[variables.len()..].iter().all(|padding| padding.len() == 254)
}

fn compare(stock: &Stock, seed: u64, attempts: u64, tree_every: u64, totals: &Totals) {
    let hash = epoch_hash(seed);
    let evaluator = EpochEvaluator::new(hash).unwrap();
    if !evaluator.is_native() {
        totals.not_native.fetch_add(1, Relaxed);
        return;
    }
    let mut scratch = evaluator.scratch();
    for attempt in 0..attempts {
        let counter = seed.wrapping_mul(attempts).wrapping_add(attempt);
        let pair = totals.pairs.fetch_add(1, Relaxed);
        let leaves = stock.leaves(&hash, &ADDRESS, counter).ok();
        let variables = evaluator.variables(&mut scratch, &ADDRESS, counter).ok();
        let mut agree = match (&leaves, &variables) {
            (Some(leaves), Some(variables)) => same(leaves, variables),
            (None, None) => {
                totals.failed_in_both.fetch_add(1, Relaxed);
                true
            }
            _ => false,
        };
        if pair.is_multiple_of(tree_every) {
            totals.trees.fetch_add(1, Relaxed);
            let expected = stock.evaluate(&hash, &ADDRESS, counter).ok();
            agree &= expected == evaluator.evaluate(&mut scratch, &ADDRESS, counter).ok();
        }
        if !agree {
            totals.differences.fetch_add(1, Relaxed);
            eprintln!("epoch {seed} counter {counter} differs");
        }
    }
}

fn main() -> ExitCode {
    let pairs = argument("--pairs").unwrap_or(2_000);
    let attempts = argument("--attempts").unwrap_or(20).max(1);
    let tree_every = argument("--tree-every").unwrap_or(20).max(1);
    let first = argument("--seed").unwrap_or(1_000_000);
    let epochs = pairs.div_ceil(attempts);
    let (totals, next, stock) = (Totals::default(), AtomicU64::new(0), Stock::new());
    std::thread::scope(|scope| {
        for _ in 0..num_threads() {
            scope.spawn(|| {
                loop {
                    let epoch = next.fetch_add(1, Relaxed);
                    if epoch >= epochs {
                        return;
                    }
                    compare(&stock, first + epoch, attempts, tree_every, &totals);
                    if epoch % 100 == 99 {
                        eprintln!("{} epochs of {epochs}", epoch + 1);
                    }
                }
            });
        }
    });
    println!("differential.epochs: {epochs}");
    println!("differential.pairs: {}", totals.pairs.load(Relaxed));
    println!("differential.trees: {}", totals.trees.load(Relaxed));
    println!("differential.failed_in_both: {}", totals.failed_in_both.load(Relaxed));
    println!("differential.epochs_not_native: {}", totals.not_native.load(Relaxed));
    println!("differential.differences: {}", totals.differences.load(Relaxed));
    if totals.differences.load(Relaxed) == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
