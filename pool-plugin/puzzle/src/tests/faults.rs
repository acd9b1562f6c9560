//! What cannot be evaluated is refused, not guessed.

use super::variables;
use crate::{EpochEvaluator, EvaluateError, plan::Plan, program::Program};

fn compiles(instructions: &str) -> bool {
    let text =
        format!("input r0 as i8.public;\ninput r1 as i8.public;\ninput r2 as u8.public;\n{instructions}");
    Program::parse(&text).and_then(|program| Plan::compile(&program)).is_ok()
}

#[test]
fn unknown_instructions_have_no_native_form() {
    assert!(compiles("add.w r0 r1 into r3;"));
    for instruction in [
        "add r0 r1 into r3;",
        "add.w r0 r2 into r3;",
        "add.w r0 r7 into r3;",
        "shl.w r0 r1 into r3;",
        "hash.keccak256 r0 into r3 as i8;",
        "hash.psd2 r0 into r3 as i8;",
        "cast.lossy r0 into r3 as u8;",
        "add.w r0 r1 into r0;",
        "mod r0 r1 into r3;",
    ] {
        assert!(!compiles(instruction), "{instruction}");
    }
}

/// Bits that are constants of the circuit allocate less elsewhere.
#[test]
fn partly_constant_values_are_understood_as_divisors_only() {
    assert!(compiles("or r0 1i8 into r3;\ndiv.w r1 r3 into r4;"));
    assert!(!compiles("or r0 1i8 into r3;\ndiv.w r3 r1 into r4;"));
    assert!(!compiles("or r0 1i8 into r3;\nxor r1 r3 into r4;"));
    assert!(!compiles("sub.w r0 1i8 into r3;"));
}

/// The circuit treats the difference of equal linear combinations as a constant, and allocates less for it.
#[test]
fn operands_that_are_the_same_to_the_circuit_have_no_native_form() {
    assert!(!compiles("lt r0 r0 into r3;"));
    assert!(!compiles("not r0 into r3;\nnot r3 into r4;\nsub.w r4 r0 into r5;"));
    assert!(compiles("not r0 into r3;\nsub.w r3 r0 into r4;"));
    assert!(compiles("is.eq r0 r1 into r3;\nternary r3 r0 r0 into r4;"));
    let fields = |instructions: &str| {
        let text = format!("input r0 as field.public;\ninput r1 as field.public;\n{instructions}");
        Program::parse(&text).and_then(|program| Plan::compile(&program)).is_ok()
    };
    let sums = "add r0 r1 into r2;\nadd r1 r0 into r3;\nadd r0 r3 into r4;\nadd r2 r0 into r5;\n";
    assert!(!fields(&format!("{sums}is.eq r2 r3 into r6;")));
    assert!(!fields(&format!("{sums}lt r4 r5 into r6;")));
    assert!(fields(&format!("{sums}is.eq r2 r4 into r6;")));
}

#[test]
fn an_epoch_without_a_native_form_uses_snarkvm() {
    let evaluator = EpochEvaluator::from_text([7; 32], "assert.eq r0 r1;");
    assert!(!evaluator.is_native());
    assert_eq!(evaluator.fallback_reason(), Some("no native form of 'assert.eq r0 r1;'"));
    assert_eq!(evaluator.shape(), None);
}

#[test]
fn scratch_memory_of_another_epoch_is_refused() {
    let text = "input r0 as u8.public;\nnot r0 into r1;\nmul.w r0 r1 into r2;";
    let (one, other) = (EpochEvaluator::from_text([7; 32], text), EpochEvaluator::from_text([7; 32], text));
    let mut scratch = other.scratch();
    assert_eq!(one.evaluate(&mut scratch, &[0; 32], 0), Err(EvaluateError::Scratch));
    assert!(other.evaluate(&mut scratch, &[0; 32], 0).is_ok());
}

#[test]
fn an_unsatisfied_circuit_is_an_error() {
    let text = "input r0 as u8.public;\nnot r0 into r1;\nand r0 r1 into r2;\nrem.w r0 r2 into r3;";
    let evaluator = EpochEvaluator::from_text([7; 32], text);
    let mut scratch = evaluator.scratch();
    assert_eq!(evaluator.evaluate(&mut scratch, &[0; 32], 0), Err(EvaluateError::Unsatisfied));
    assert!(variables(text, &[[3, 0, 0, 0]]).is_none());
}
