//! Whole epoch programs against snarkVM, leaf by leaf.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicUsize, Ordering},
};

use aleo_epoch_puzzle_stock::{Stock, program};
use proptest::prelude::*;

use super::table::sampled;
use crate::{
    EpochEvaluator, Keccak,
    fuzzing::{Value, sha3},
    program::{Operand, Program, Type},
};

mod seeds;

/// The epoch hash of a seed.
pub(crate) fn epoch_hash(seed: u32) -> [u8; 32] {
    let mut hash = [0; 32];
    hash[..4].copy_from_slice(&seed.to_le_bytes());
    hash
}

/// A valid address: the identity of the curve.
const ADDRESS: [u8; 32] = [0; 32];

/// The instructions of a program with the types of their operands: what an evaluator must support.
fn variants(program: &Program) -> BTreeSet<String> {
    let mut types = program.inputs.clone();
    program
        .instructions
        .iter()
        .map(|instruction| {
            let operands: Vec<String> = instruction
                .operands
                .iter()
                .map(|operand| match operand {
                    Operand::Register(register) => format!("{:?}", types[*register]),
                    Operand::Literal(value, ty) => format!("{value} {ty:?}"),
                })
                .collect();
            let ty = instruction.target.unwrap_or_else(|| match instruction.operands[..] {
                _ if ["lt", "lte", "gt", "gte", "is.eq", "is.neq"].contains(&instruction.opcode.as_str()) => {
                    Type::Boolean
                }
                [.., Operand::Register(register)] if instruction.opcode == "ternary" => types[register],
                [Operand::Register(register), ..] => types[register],
                _ => panic!("{instruction:?}"),
            });
            assert_eq!(instruction.destination, types.len(), "registers are numbered in order");
            types.push(ty);
            format!("{} {operands:?} as {:?}", instruction.opcode, instruction.target)
        })
        .collect()
}

#[test]
fn the_epochs_tested_have_every_instruction_of_the_table() {
    let mut missing = BTreeSet::new();
    for entry in sampled() {
        missing.extend(variants(&Program::parse(&entry.program()).unwrap()));
    }
    assert!(missing.len() > 250, "the table was read: {} variants", missing.len());
    for seed in seeds::EPOCHS {
        for variant in variants(&Program::parse(&program(&epoch_hash(seed)).unwrap()).unwrap()) {
            missing.remove(&variant);
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// Prints a list for `seeds`: the epochs from zero on that add a variant. For a new table; takes minutes.
#[test]
#[ignore = "a tool, not a test"]
fn find_epochs_that_cover_the_table() {
    let mut missing = BTreeSet::new();
    for entry in sampled() {
        missing.extend(variants(&Program::parse(&entry.program()).unwrap()));
    }
    for seed in 0..100_000 {
        let found = variants(&Program::parse(&program(&epoch_hash(seed)).unwrap()).unwrap());
        let before = missing.len();
        missing.retain(|variant| !found.contains(variant));
        if missing.len() < before {
            println!("{seed}, // {} left", missing.len());
        }
        if missing.is_empty() {
            return;
        }
    }
    panic!("{missing:#?}");
}

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

#[test]
fn all_hash_implementations_give_the_same_targets() {
    let evaluator = EpochEvaluator::new(epoch_hash(1)).unwrap();
    let targets = |keccak| -> Vec<_> {
        let mut scratch = evaluator.scratch_with(keccak);
        (0..20).map(|counter| evaluator.evaluate(&mut scratch, &ADDRESS, counter).unwrap()).collect()
    };
    let expected = targets(Keccak::PORTABLE);
    for keccak in Keccak::available() {
        assert_eq!(targets(*keccak), expected, "{}", keccak.name());
    }
}

#[test]
fn results_do_not_depend_on_what_the_scratch_memory_held() {
    let evaluator = EpochEvaluator::new(epoch_hash(2)).unwrap();
    let mut used = evaluator.scratch();
    for counter in 0..20 {
        let mut fresh = evaluator.scratch();
        let expected = evaluator.evaluate(&mut fresh, &ADDRESS, counter);
        assert_eq!(evaluator.evaluate(&mut used, &ADDRESS, counter), expected);
    }
    let mut many = Vec::new();
    evaluator.evaluate_many(&mut used, &ADDRESS, 0..20, |counter, target| {
        many.push((counter, target));
        counter < 9
    });
    assert_eq!(many.len(), 10);
    assert_eq!(many[3].1, evaluator.evaluate(&mut used, &ADDRESS, 3));
}

#[test]
fn only_block_hashes_have_a_puzzle() {
    assert!(EpochEvaluator::new([0xff; 32]).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn any_epoch_agrees_with_snarkvm(seed in any::<u32>()) {
        compare(&Stock::new(), seed, 1, u64::MAX);
    }
}
