//! Whole epoch programs. The long comparison with snarkVM, over the same epochs, is `tests/leaf_by_leaf.rs`.

use std::collections::BTreeSet;

use aleo_epoch_puzzle_stock::program;

use super::table::sampled;
use crate::{
    EpochEvaluator, Keccak,
    program::{Operand, Program, Type},
};

mod seeds;

use seeds::epoch_hash;

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
