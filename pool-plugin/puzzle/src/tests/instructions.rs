//! Every entry of the sampler's table, alone, at the edges of its types.

use std::sync::atomic::{AtomicUsize, Ordering};

use aleo_epoch_puzzle_stock::synthesis::Synthesizer;

use super::{edges, table::sampled, variables};
use crate::{
    fuzzing::{Value, literal},
    plan::Plan,
    program::Program,
};

#[test]
fn every_entry_that_can_be_sampled_is_native() {
    let sampled = sampled();
    assert!(sampled.len() > 300, "the table was read: {} entries", sampled.len());
    let foreign: Vec<String> = sampled
        .iter()
        .filter_map(|entry| {
            Program::parse(&entry.program()).and_then(|program| Plan::compile(&program)).err()
        })
        .map(|unsupported| unsupported.to_string())
        .collect();
    assert!(foreign.is_empty(), "{foreign:#?}");
}

/// All combinations of edge values, or a spread of them where there are many.
fn cases(program: &Program) -> Vec<Vec<Value>> {
    const MOST: usize = 60;
    let edges: Vec<Vec<Value>> = program.inputs.iter().map(|ty| edges(*ty)).collect();
    let total: usize = edges.iter().map(Vec::len).product();
    let stride = total.div_ceil(MOST).max(1);
    // A stride with a factor of a list's length would miss some of its values.
    let stride = (stride..).find(|stride| edges.iter().all(|list| gcd(*stride, list.len()) == 1)).unwrap();
    (0..total.min(MOST))
        .map(|case| {
            let mut index = case * stride % total;
            edges
                .iter()
                .map(|list| {
                    let value = list[index % list.len()];
                    index /= list.len();
                    value
                })
                .collect()
        })
        .collect()
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Compares one program on its edge cases. Returns how many of them failed, in both.
fn compare(text: &str) -> usize {
    let program = Program::parse(text).unwrap();
    let synthesizer = Synthesizer::new(text).unwrap();
    let mut failures = 0;
    for case in cases(&program) {
        let inputs: Vec<String> =
            program.inputs.iter().zip(&case).map(|(ty, value)| literal(*ty, *value)).collect();
        let expected = synthesizer.variables(&inputs).ok();
        let found = variables(text, &case);
        failures += expected.is_none() as usize;
        if expected != found {
            let first = expected.iter().flatten().zip(found.iter().flatten()).position(|(a, b)| a != b);
            let lengths = (expected.as_ref().map(Vec::len), found.as_ref().map(Vec::len));
            panic!("{text}\n{inputs:?}: first difference at {first:?}, lengths {lengths:?}");
        }
    }
    failures
}

#[test]
fn every_entry_agrees_with_snarkvm_at_the_edges() {
    let entries = sampled();
    let next = AtomicUsize::new(0);
    let failures = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(entry) = entries.get(next.fetch_add(1, Ordering::Relaxed)) {
                    failures.fetch_add(compare(&entry.program()), Ordering::Relaxed);
                }
            });
        }
    });
    // The table guards its divisions, so only a zero input field fails.
    println!("{} edge cases fail in snarkVM and here", failures.into_inner());
}

/// Instructions that can fail, without the guards of the table.
#[test]
fn unguarded_instructions_fail_where_snarkvm_fails() {
    let program = |ty: &str, instruction: &str| {
        format!(
            "program puzzle.aleo;\n\nfunction synthesize:\n    input r0 as {ty}.public;\n    input r1 as {ty}.public;\n    {instruction} into r2;\n"
        )
    };
    let mut total = 0;
    for ty in ["i8", "u8", "i64", "i128", "u128"] {
        for opcode in ["div.w", "rem.w"] {
            let failures = compare(&program(ty, &format!("{opcode} r0 r1")));
            assert!(failures > 0, "{opcode} {ty} divides by zero");
            total += failures;
        }
    }
    for ty in ["i8", "i128"] {
        assert!(compare(&program(ty, "neg r0")) > 0, "neg {ty} overflows");
    }
    assert!(compare(&program("field", "div r0 r1")) > 0);
    assert!(compare(&program("field", "inv r0")) > 0);
    assert!(total > 0);
}
