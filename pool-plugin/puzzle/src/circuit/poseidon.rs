//! `hash.psd2` of one field element. The fixed part of an epoch program hashes the same two inputs five times each,
//! so the hash is remembered and its variables are written again.

use std::sync::OnceLock;

use snarkvm::console::{
    network::{MainnetV0, POSEIDON_2},
    prelude::ToBytes,
    types::Field,
};

use crate::{
    circuit::{fields::FieldBits, plaintext},
    field::Fr,
    tape::{NoTape, Tape},
};

const WIDTH: usize = 3;

struct Parameters {
    /// The sponge after the domain and the input's length, both constant.
    state: [Fr; WIDTH],
    full_rounds: usize,
    partial_rounds: usize,
    round_keys: Vec<[Fr; WIDTH]>,
    matrix: [[Fr; WIDTH]; WIDTH],
}

/// snarkVM's parameters, or `None` if it no longer has any of this width and exponent.
fn parameters() -> Option<&'static Parameters> {
    static PARAMETERS: OnceLock<Option<Parameters>> = OnceLock::new();
    PARAMETERS.get_or_init(load).as_ref()
}

fn load() -> Option<Parameters> {
    let upstream = POSEIDON_2.parameters();
    let row = |row: &[_]| -> Option<[Fr; WIDTH]> {
        let row: Option<Vec<Fr>> = row.iter().map(|element| constant(Field::new(*element))).collect();
        row?.try_into().ok()
    };
    let mut parameters = Parameters {
        state: [Fr::ZERO; WIDTH],
        full_rounds: upstream.full_rounds,
        partial_rounds: upstream.partial_rounds,
        round_keys: upstream.ark.iter().map(|keys| row(keys)).collect::<Option<_>>()?,
        matrix: upstream.mds.iter().map(|keys| row(keys)).collect::<Option<Vec<_>>>()?.try_into().ok()?,
    };
    if upstream.alpha != 17 || parameters.round_keys.len() < upstream.full_rounds + upstream.partial_rounds {
        return None;
    }
    // The preimage is the domain, the number of inputs (always two here), and the inputs.
    let mut state = [Fr::ZERO, constant(POSEIDON_2.domain())?, Fr::from_u128(2)];
    permute(&mut NoTape, &parameters, &mut state, false);
    parameters.state = state;
    Some(parameters)
}

/// The element in our type.
pub(crate) fn constant(element: Field<MainnetV0>) -> Option<Fr> {
    let bytes = element.to_bytes_le().ok()?;
    let mut limbs = [0; 4];
    for (limb, bytes) in limbs.iter_mut().zip(bytes.chunks_exact(8)) {
        *limb = u64::from_le_bytes(bytes.try_into().ok()?);
    }
    Some(Fr::from_canonical(limbs))
}

/// Whether this module can hash like snarkVM.
pub(crate) fn is_available() -> bool {
    parameters().is_some()
}

/// A remembered hash.
#[derive(Clone, Copy, Default)]
pub(crate) struct Hashed {
    input: FieldBits,
    output: FieldBits,
    /// Where the values of the permutation are.
    first_value: u32,
    num_values: u32,
}

/// Hashes `x`: its bits, the permutation, the bits of the hash.
pub(crate) fn hash<T: Tape>(tape: &mut T, x: Fr) -> Hashed {
    let Some(parameters) = parameters() else {
        tape.unsatisfied();
        return Hashed::default();
    };
    let input = FieldBits::new(x);
    input.write(tape);
    let [low, high] = plaintext::field_to_fields(&input.bits);
    let mut state = parameters.state;
    state[1] = state[1].add(low);
    state[2] = state[2].add(high);
    let first_value = tape.num_values();
    permute(tape, parameters, &mut state, true);
    let num_values = tape.num_values() - first_value;
    let output = FieldBits::new(state[1]);
    output.write(tape);
    Hashed { input, output, first_value, num_values }
}

impl Hashed {
    /// Writes the variables of the same hash once more.
    pub(crate) fn write_again<T: Tape>(&self, tape: &mut T) {
        self.input.write(tape);
        tape.repeat(self.first_value, self.num_values);
        self.output.write(tape);
    }

    /// The hash as an integer of `bits` bits.
    pub(crate) fn truncate(&self, bits: u32) -> u128 {
        self.output.truncate(bits)
    }
}

/// Absorbs and mixes. With `constant_capacity` the first element is still a constant, and its first power allocates
/// nothing.
fn permute<T: Tape>(tape: &mut T, parameters: &Parameters, state: &mut [Fr; WIDTH], constant_capacity: bool) {
    let half = parameters.full_rounds / 2;
    let partial = half..half + parameters.partial_rounds;
    for (round, keys) in parameters.round_keys.iter().take(partial.end + half).enumerate() {
        for (element, key) in state.iter_mut().zip(keys) {
            *element = element.add(*key);
        }
        if partial.contains(&round) {
            state[0] = power(tape, state[0]);
        } else {
            state[0] = if round == 0 && constant_capacity {
                power(&mut NoTape, state[0])
            } else {
                power(tape, state[0])
            };
            state[1] = power(tape, state[1]);
            state[2] = power(tape, state[2]);
        }
        *state = core::array::from_fn(|i| Fr::dot(&parameters.matrix[i], state));
    }
}

/// `x^17`: four squares and a product, a variable each.
#[inline(always)]
fn power<T: Tape>(tape: &mut T, x: Fr) -> Fr {
    let mut result = x;
    for _ in 0..4 {
        result = result.square();
        tape.field(result);
    }
    result = result.mul(x);
    tape.field(result);
    result
}
