//! Tests against snarkVM itself.
//!
//! - `instructions`: every entry of the sampler's table alone, at the edges of its types.
//! - `epochs`: whole epoch programs, leaf by leaf, and the tree.
//! - `table`: what the sampler can emit.
//! - `faults`: that what cannot be evaluated is refused.

mod epochs;
mod faults;
mod instructions;
mod table;

use crate::{
    epoch::collect,
    field::{Fr, MODULUS},
    plan::Plan,
    program::{Program, Type},
    tape::{Tape, Witness},
};

/// A value for a register of a type: an integer's bits, a boolean, or a canonical field element.
pub(crate) type Value = [u64; 4];

/// A value in snarkVM's notation.
fn literal(ty: Type, value: Value) -> String {
    let low = value[0] as u128 | (value[1] as u128) << 64;
    match ty {
        Type::Boolean => (low == 1).to_string(),
        Type::Integer(ty) if ty.signed && ty.msb(low) => {
            format!("-{}i{}", low.wrapping_neg() & ty.mask(), ty.bits)
        }
        Type::Integer(ty) => format!("{low}{}{}", if ty.signed { 'i' } else { 'u' }, ty.bits),
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

/// Our variables of a program, or `None` if it is not satisfied.
fn variables(program: &str, inputs: &[Value]) -> Option<Vec<Value>> {
    let program = Program::parse(program).unwrap();
    let plan = Plan::compile(&program).unwrap();
    let (mut registers, mut witness) = (plan.registers(), Witness::new(plan.variables().len()));
    for (register, value) in inputs.iter().enumerate() {
        registers.integers[register] = value[0] as u128 | (value[1] as u128) << 64;
        registers.fields[register] = Fr::from_canonical(*value);
    }
    plan.run(&mut registers, &mut witness);
    assert_eq!(witness.len(), plan.variables().len(), "values and shape agree");
    assert_eq!(witness.num_values() as usize, witness.values().len());
    witness.finish().then(|| collect(&plan, &witness))
}

/// Values of a type that gadgets are likely to get wrong.
fn edges(ty: Type) -> Vec<Value> {
    match ty {
        Type::Boolean => vec![[0; 4], [1, 0, 0, 0]],
        Type::Field => {
            let minus = |n: u64| [MODULUS[0] - n, MODULUS[1], MODULUS[2], MODULUS[3]];
            let large =
                [0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210, 0x0f1e_2d3c_4b5a_6978, 0x1000_0000_0000_0001];
            vec![[0; 4], [1, 0, 0, 0], [2, 0, 0, 0], minus(1), minus(2), [0, 0, 1, 0], large]
        }
        Type::Integer(ty) => {
            let (mask, half) = (ty.mask(), 1u128 << (ty.bits - 1));
            let width = ty.bits as u128;
            let pattern = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c834u128 & mask;
            let mut values =
                vec![0, 1, 2, mask, mask - 1, half, half - 1, half + 1, pattern, width, width - 1, 129];
            values.retain(|value| *value <= mask);
            values.sort_unstable();
            values.dedup();
            values.into_iter().map(|value| [value as u64, (value >> 64) as u64, 0, 0]).collect()
        }
    }
}
