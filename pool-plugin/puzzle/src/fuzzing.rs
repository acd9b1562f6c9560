//! Single programs and nodes, for the tests and the fuzz targets.

use crate::{
    Keccak,
    epoch::collect,
    field::{Fr, MODULUS},
    plan::Plan,
    program::{Program, Type},
    tape::Witness,
};

/// A value of a register: an integer's bits, a boolean, or a canonical field element.
pub type Value = [u64; 4];

/// The hashes of nodes.
pub fn hash_nodes(keccak: Keccak, nodes: &[[Value; 8]]) -> Vec<Value> {
    let mut hashes = vec![[0; 4]; nodes.len()];
    keccak.hash_nodes(nodes.len(), |node, i| nodes[node][i], |node, hash| hashes[node] = hash);
    hashes
}

/// Runs a program on any values, made to fit the types of its inputs. Returns the inputs in snarkVM's notation and
/// our variables, which are `None` if the circuit is not satisfied; or nothing if the program has no native form.
pub fn variables(program: &str, values: &[Value]) -> Option<(Vec<String>, Option<Vec<Value>>)> {
    let program = Program::parse(program).ok()?;
    let plan = Plan::compile(&program).ok()?;
    let values: Vec<Value> = program.inputs.iter().zip(values).map(|(ty, value)| fit(*ty, *value)).collect();
    let inputs = program.inputs.iter().zip(&values).map(|(ty, value)| literal(*ty, *value)).collect();
    Some((inputs, run(&plan, &values)))
}

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

/// A value of the type: the low bits of `value`.
fn fit(ty: Type, value: Value) -> Value {
    let bits = match ty {
        Type::Boolean => low(value) & 1,
        Type::Integer(ty) => low(value) & ty.mask(),
        Type::Field => return [value[0], value[1], value[2], value[3] % MODULUS[3]],
    };
    [bits as u64, (bits >> 64) as u64, 0, 0]
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
