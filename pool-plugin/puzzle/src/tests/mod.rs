//! Tests against snarkVM itself.
//!
//! - `instructions`: every entry of the sampler's table alone, at the edges of its types.
//! - `epochs`: whole epoch programs, leaf by leaf, and the tree.
//! - `table`: what the sampler can emit.
//! - `faults`: that what cannot be evaluated is refused.
//! - `corpus`: what the fuzzer has found interesting.

mod corpus;
mod epochs;
mod faults;
mod instructions;
mod table;

use crate::{
    field::MODULUS,
    fuzzing::{Value, run},
    plan::Plan,
    program::{Program, Type},
};

/// Our variables of a program, or `None` if it is not satisfied.
fn variables(program: &str, inputs: &[Value]) -> Option<Vec<Value>> {
    run(&Plan::compile(&Program::parse(program).unwrap()).unwrap(), inputs)
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
