//! The plan's interpreter against snarkVM, for random programs on any inputs.
//!
//! A program is an instruction or two of those that the sampler emits, over inputs of their types: whole epoch
//! programs are what `scripts/bench differential` is for.
#![no_main]

use aleo_epoch_puzzle::{fuzzing, stock::synthesis::Synthesizer};
use libfuzzer_sys::fuzz_target;

const INTEGERS: [&str; 10] = ["i8", "i16", "i32", "i64", "i128", "u8", "u16", "u32", "u64", "u128"];
const BINARY: [&str; 15] = [
    "add.w", "sub.w", "mul.w", "div.w", "rem.w", "and", "or", "xor", "is.eq", "is.neq", "lt", "lte", "gt",
    "gte", "neg",
];
const FIELD: [&str; 9] = ["add", "mul", "div", "is.eq", "lt", "gte", "square", "inv", "pow"];

fn instruction(choice: [u8; 3]) -> (String, [&'static str; 2]) {
    let ty = INTEGERS[choice[1] as usize % INTEGERS.len()];
    let amount = ["u8", "u16", "u32"][choice[2] as usize % 3];
    match choice[0] % 8 {
        0 => ("shl.w r0 r1 into r2".to_string(), [ty, amount]),
        1 => ("shr.w r0 r1 into r2".to_string(), [ty, amount]),
        2 => ("pow.w r0 r1 into r2".to_string(), [ty, "u8"]),
        3 => (format!("hash.bhp256 r0 into r2 as {ty}"), [ty, ty]),
        4 => (format!("cast.lossy r0 into r2 as {ty}"), ["field", "field"]),
        5 => match FIELD[choice[2] as usize % FIELD.len()] {
            unary @ ("square" | "inv") => (format!("{unary} r0 into r2"), ["field", "field"]),
            binary => (format!("{binary} r0 r1 into r2"), ["field", "field"]),
        },
        6 => (format!("hash.psd2 r0 into r2 as {ty}"), ["field", "field"]),
        _ => match BINARY[choice[2] as usize % BINARY.len()] {
            "neg" if ty.starts_with('i') => ("neg r0 into r2".to_string(), [ty, ty]),
            "neg" => ("not r0 into r2".to_string(), [ty, ty]),
            binary => (format!("{binary} r0 r1 into r2"), [ty, ty]),
        },
    }
}

fuzz_target!(|data: ([u8; 3], [[u64; 4]; 2])| {
    let (choice, values) = data;
    let (instruction, types) = instruction(choice);
    let program = format!(
        "program puzzle.aleo;\n\nfunction synthesize:\n    input r0 as {}.public;\n    input r1 as {}.public;\n    {instruction};\n",
        types[0], types[1]
    );
    let Some((inputs, found)) = fuzzing::variables(&program, &values) else {
        panic!("not native: {program}")
    };
    let expected = Synthesizer::new(&program).unwrap().variables(&inputs).ok();
    assert_eq!(found, expected, "{program} {inputs:?}");
});
