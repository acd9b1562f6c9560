//! Field gadgets.

use crate::{
    field::{BITS, Fr, MODULUS},
    tape::Tape,
};

/// The bitwise complement of `p - 1`, 253 bits.
const COMPLEMENT: [u64; 4] = {
    // p is odd, so p - 1 only clears the lowest bit.
    [!(MODULUS[0] - 1), !MODULUS[1], !MODULUS[2], !MODULUS[3] & (u64::MAX >> (256 - BITS))]
};

/// The bits of a field element, with what the circuit allocates to show that they are below the modulus.
#[derive(Clone, Copy, Default)]
pub(crate) struct FieldBits {
    pub(crate) bits: [u64; 4],
    /// For each position from the second on, whether the bits up to it exceed those of `p - 1`.
    above: [u64; 4],
}

impl FieldBits {
    pub(crate) fn new(x: Fr) -> Self {
        let bits = x.to_canonical();
        let above = majority_chain(bits, COMPLEMENT);
        // The first position is a bit of the element itself and takes no variable.
        Self { bits, above: shift_right_one(above) }
    }

    pub(crate) fn write<T: Tape>(&self, tape: &mut T) {
        tape.wide_bits(self.bits, BITS);
        tape.wide_bits(self.above, BITS - 1);
    }

    /// The low bits as an integer of `bits` bits.
    pub(crate) fn truncate(&self, bits: u32) -> u128 {
        (self.bits[0] as u128 | (self.bits[1] as u128) << 64) & (u128::MAX >> (128 - bits))
    }
}

/// `c[i] = majority(a[i], b[i], c[i-1])` for all 256 positions: the carries of `a + b`.
fn majority_chain(a: [u64; 4], b: [u64; 4]) -> [u64; 4] {
    let mut carries = [0; 4];
    let mut carry = 0;
    for ((slot, a), b) in carries.iter_mut().zip(a).zip(b) {
        let sum = a as u128 + b as u128 + carry as u128;
        // The carries into each position, then those out of it.
        let into = a ^ b ^ sum as u64;
        carry = (sum >> 64) as u64;
        *slot = into >> 1 | carry << 63;
    }
    carries
}

fn shift_right_one(x: [u64; 4]) -> [u64; 4] {
    [x[0] >> 1 | x[1] << 63, x[1] >> 1 | x[2] << 63, x[2] >> 1 | x[3] << 63, x[3] >> 1]
}

pub(crate) fn to_bits<T: Tape>(tape: &mut T, x: Fr) -> FieldBits {
    let bits = FieldBits::new(x);
    bits.write(tape);
    bits
}

/// The low `bits` bits of the element.
pub(crate) fn cast_lossy<T: Tape>(tape: &mut T, x: Fr, bits: u32) -> u128 {
    to_bits(tape, x).truncate(bits)
}

pub(crate) fn mul<T: Tape>(tape: &mut T, a: Fr, b: Fr) -> Fr {
    let product = a.mul(b);
    tape.field(product);
    product
}

pub(crate) fn ternary<T: Tape>(tape: &mut T, condition: bool, a: Fr, b: Fr) -> Fr {
    let result = if condition { a } else { b };
    tape.field(result);
    result
}

/// Unsatisfied if `x` is zero.
pub(crate) fn inverse<T: Tape>(tape: &mut T, x: Fr) -> Fr {
    let inverse = x.inverse().unwrap_or_else(|| {
        tape.unsatisfied();
        Fr::ZERO
    });
    tape.field(inverse);
    inverse
}

pub(crate) fn div<T: Tape>(tape: &mut T, a: Fr, b: Fr) -> Fr {
    let inverse = inverse(tape, b);
    mul(tape, a, inverse)
}

/// Returns whether the two are equal: a bit that says whether they differ, then the inverse of the difference.
pub(crate) fn is_equal<T: Tape>(tape: &mut T, a: Fr, b: Fr) -> bool {
    tape.bit(a != b);
    tape.inverse_or_one(a.sub(b));
    a == b
}

/// Returns whether `a < b`: the bits of both, then per position whether they differ and the verdict so far.
pub(crate) fn is_less_than<T: Tape>(tape: &mut T, a: Fr, b: Fr) -> bool {
    let a = to_bits(tape, a).bits;
    let b = to_bits(tape, b).bits;
    let complement: [u64; 4] = core::array::from_fn(|i| !a[i]);
    // Where the bits are equal the verdict stays; otherwise it is b's bit.
    let less = majority_chain(complement, b);
    for (i, ((a, b), less)) in a.iter().zip(b).zip(less).enumerate() {
        let count = 64.min(BITS - 64 * i as u32);
        tape.bits(interleave(a ^ b, less), 2 * count);
    }
    less[3] >> (BITS - 193) & 1 == 1
}

/// The bits of `even` and `odd` alternately, from `even`'s lowest on.
fn interleave(even: u64, odd: u64) -> u128 {
    spread(even) | spread(odd) << 1
}

/// Moves bit `i` to position `2i`.
fn spread(x: u64) -> u128 {
    let half = |mut x: u64| {
        x = (x | x << 16) & 0x0000_ffff_0000_ffff;
        x = (x | x << 8) & 0x00ff_00ff_00ff_00ff;
        x = (x | x << 4) & 0x0f0f_0f0f_0f0f_0f0f;
        x = (x | x << 2) & 0x3333_3333_3333_3333;
        (x | x << 1) & 0x5555_5555_5555_5555
    };
    half(x & 0xffff_ffff) as u128 | (half(x >> 32) as u128) << 64
}

/// Square and multiply over the bits of the exponent.
pub(crate) fn pow<T: Tape>(tape: &mut T, base: Fr, exponent: Fr) -> Fr {
    let bits = to_bits(tape, exponent).bits;
    let bit = |i: u32| bits[i as usize / 64] >> (i % 64) & 1 == 1;
    // The first round squares and multiplies the constant one, which is linear.
    let mut result = ternary(tape, bit(BITS - 1), base, Fr::ONE);
    for i in (0..BITS - 1).rev() {
        let square = mul(tape, result, result);
        let product = mul(tape, square, base);
        result = ternary(tape, bit(i), product, square);
    }
    result
}
