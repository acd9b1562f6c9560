//! Whole epoch programs against snarkVM, leaf by leaf. Takes minutes, almost all of them in snarkVM: so it is a program
//! of its own, which the unit tests do not wait for.

#![allow(clippy::unwrap_used, clippy::panic)]

// The epochs whose instructions a unit test compares with the sampler's table.
#[path = "../src/tests/epochs/seeds.rs"]
mod seeds;
#[path = "../src/fuzzing/sha3.rs"]
mod sha3;

use std::sync::atomic::{AtomicUsize, Ordering};

use aleo_epoch_puzzle::{EpochEvaluator, stock::Stock};
use proptest::prelude::*;

use crate::{
    seeds::epoch_hash,
    sha3::{Value, sha3},
};

/// A valid address: the identity of the curve.
const ADDRESS: [u8; 32] = [0; 32];

/// The target of leaves, by the definition: every node of the padded tree, and the hashes above it.
fn target_by_definition(leaves: &[Value]) -> u64 {
    let mut size = 1;
    while size < leaves.len() {
        size *= 8;
    }
    let mut level: Vec<Value> = leaves.iter().map(|leaf| sha3(false, leaf, 254)).collect();
    let mut padding = sha3(false, &[0; 4], 254);
    let empty = sha3(true, &[0; 32], 2049);
    let mut depth = 0;
    while size > 1 {
        level.resize(level.len().next_multiple_of(8), padding);
        level = level.chunks(8).map(|children| sha3(true, children.as_flattened(), 2049)).collect();
        padding = sha3(true, [padding; 8].as_flattened(), 2049);
        size /= 8;
        depth += 1;
    }
    let mut root = level[0];
    for _ in depth..9 {
        let mut children = [empty; 8];
        children[0] = root;
        root = sha3(true, children.as_flattened(), 2049);
    }
    match root[0].reverse_bits() {
        0 => u64::MAX,
        value => u64::MAX / value,
    }
}

/// snarkVM's leaves as limbs, without the padding.
fn limbs(leaves: &[Vec<bool>]) -> Vec<Value> {
    let limbs = |leaf: &Vec<bool>| {
        let mut limbs = [0; 4];
        for (i, bit) in leaf.iter().enumerate() {
            limbs[i / 64] |= (*bit as u64) << (i % 64);
        }
        limbs
    };
    leaves.iter().take_while(|leaf| leaf.len() == 253).map(limbs).collect()
}

/// Compares attempts of one epoch: the leaves of each with snarkVM's, and the target with that of the leaves.
/// Every `with_tree`th target is also compared with snarkVM's own.
fn compare(stock: &Stock, seed: u32, attempts: u64, with_tree: u64) {
    let hash = epoch_hash(seed);
    let evaluator = EpochEvaluator::new(hash).unwrap();
    assert!(evaluator.is_native(), "epoch {seed}: {:?}", evaluator.fallback_reason());
    let mut scratch = evaluator.scratch();
    for attempt in 0..attempts {
        let counter = (seed as u64 * attempts + attempt).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        // No attempt fails: the table guards against it.
        let leaves = limbs(&stock.leaves(&hash, &ADDRESS, counter).unwrap());
        let found = evaluator.variables(&mut scratch, &ADDRESS, counter).unwrap();
        if leaves != found {
            let first = leaves.iter().zip(&found).position(|(a, b)| a != b);
            panic!("epoch {seed} counter {counter}: leaf {first:?} differs");
        }
        let target = evaluator.evaluate(&mut scratch, &ADDRESS, counter).unwrap();
        assert_eq!(target, target_by_definition(&leaves), "epoch {seed} counter {counter}");
        if (seed as u64 + attempt).is_multiple_of(with_tree) {
            let expected = stock.evaluate(&hash, &ADDRESS, counter).unwrap();
            assert_eq!(target, expected, "epoch {seed} counter {counter}");
        }
    }
}

#[test]
fn epochs_agree_with_snarkvm_leaf_by_leaf() {
    const ATTEMPTS: u64 = 10;
    assert!(seeds::EPOCHS.len() as u64 * ATTEMPTS >= 2_000);
    let stock = Stock::new();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(seed) = seeds::EPOCHS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    compare(&stock, *seed, ATTEMPTS, 97);
                }
            });
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn any_epoch_agrees_with_snarkvm(seed in any::<u32>()) {
        compare(&Stock::new(), seed, 1, u64::MAX);
    }
}
