//! The fuzz targets, from bytes to a panic; and single programs on chosen values, which the tests use too.
//!
//! Here rather than with the fuzzer, so that an ordinary test can replay the corpus.
//!
//! - [`keccak`]: every hash implementation of the machine against a reference.
//! - [`plan`]: the plan's interpreter against snarkVM, for random programs.

mod keccak;
mod plan;
mod sha3;

pub use keccak::keccak;
pub use plan::plan;

use crate::{epoch::collect, field::Fr, plan::Plan, program::Type, tape::Witness};

/// A value of a register: an integer's bits, a boolean, or a canonical field element.
pub type Value = [u64; 4];

/// The variables of a plan on some inputs, or `None` if the circuit is not satisfied.
pub(crate) fn run(plan: &Plan, inputs: &[Value]) -> Option<Vec<Value>> {
    let (mut registers, mut witness) = (plan.registers(), Witness::new(plan.variables().len()));
    for (register, value) in inputs.iter().enumerate() {
        registers.integers[register] = low(*value);
        registers.fields[register] = Fr::from_canonical(*value);
    }
    plan.run(&mut registers, &mut witness);
    assert_eq!(witness.len(), plan.variables().len(), "values and shape have the same variables");
    witness.finish().then(|| collect(plan, &witness))
}

fn low(value: Value) -> u128 {
    value[0] as u128 | (value[1] as u128) << 64
}

/// A value in snarkVM's notation.
pub(crate) fn literal(ty: Type, value: Value) -> String {
    let bits = low(value);
    match ty {
        Type::Boolean => (bits == 1).to_string(),
        Type::Integer(ty) if ty.signed && ty.msb(bits) => {
            format!("-{}i{}", bits.wrapping_neg() & ty.mask(), ty.bits)
        }
        Type::Integer(ty) => format!("{bits}{}{}", if ty.signed { 'i' } else { 'u' }, ty.bits),
        Type::Field => format!("{}field", decimal(value)),
    }
}

/// A 256-bit integer in decimal digits.
fn decimal(mut value: Value) -> String {
    let mut digits = Vec::new();
    while value != [0; 4] || digits.is_empty() {
        let mut remainder = 0u128;
        for limb in value.iter_mut().rev() {
            let dividend = remainder << 64 | *limb as u128;
            *limb = (dividend / 10) as u64;
            remainder = dividend % 10;
        }
        digits.push(char::from(b'0' + remainder as u8));
    }
    digits.iter().rev().collect()
}
