//! Shifts by a variable amount. Up to 64 bits snarkVM shifts inside a field element; 128-bit integers are multiplied
//! or divided by a power of two.

use crate::{
    circuit::{
        IntegerType,
        integers::{
            abs_wrapped, add_wrapped, div_wrapped, divide, is_equal, mul_wrapped, sub_wrapped, ternary,
        },
    },
    tape::Tape,
};

pub(crate) fn shl_wrapped<T: Tape>(tape: &mut T, ty: IntegerType, a: u128, shift: u128) -> u128 {
    if !ty.product_fits_field() {
        let multiplicand = power_of_two(tape, ty, shift);
        return mul_wrapped(tape, ty, a, multiplicand);
    }
    let wide = shift_by_doubling(tape, ty, a, shift, false);
    wide & ty.mask()
}

pub(crate) fn shr_wrapped<T: Tape>(tape: &mut T, ty: IntegerType, a: u128, shift: u128) -> u128 {
    if ty.product_fits_field() {
        // A left shift of the reversed bits, which shifts the sign in.
        let reversed = a.reverse_bits() >> (128 - ty.bits);
        let wide = shift_by_doubling(tape, ty, reversed, shift, ty.signed && ty.msb(a));
        return (wide & ty.mask()).reverse_bits() >> (128 - ty.bits);
    }
    let divisor = power_of_two(tape, ty, shift);
    if !ty.signed {
        return div_wrapped(tape, ty, a, divisor);
    }
    let dividend = abs_wrapped(tape, ty, a);
    let (quotient, remainder) = divide(tape, ty, dividend, divisor);
    let negated = add_wrapped(tape, ty, !quotient, 1);
    let exact = is_equal(tape, remainder, 0);
    // A shift rounds down, a division towards zero.
    let below = sub_wrapped(tape, ty, negated, 1);
    let rounded = ternary(tape, ty, exact, negated, below);
    ternary(tape, ty, ty.msb(a), rounded, quotient)
}

/// Shifts `value` left, by one power of two after the other, filling with `fill`: the value after each bit of the
/// amount, then the bits of the last one.
fn shift_by_doubling<T: Tape>(tape: &mut T, ty: IntegerType, value: u128, shift: u128, fill: bool) -> u128 {
    let mut result = value;
    for i in 0..ty.bits.trailing_zeros() {
        if shift >> i & 1 == 1 {
            let amount = 1u32 << i;
            result = result << amount | if fill { (1 << amount) - 1 } else { 0 };
        }
        tape.integer(result);
    }
    tape.bits(result, 2 * ty.bits);
    result
}

/// `2^shift` of a 128-bit integer, the amount taken modulo 128, by square and multiply: the first round is linear in
/// the amount's top bit and allocates nothing.
fn power_of_two<T: Tape>(tape: &mut T, ty: IntegerType, shift: u128) -> u128 {
    let rounds = ty.bits.trailing_zeros();
    let mut exponent = shift >> (rounds - 1) & 1;
    for bit in (0..rounds - 1).rev() {
        tape.integer(1 << (2 * exponent));
        exponent = 2 * exponent + (shift >> bit & 1);
        tape.integer(1 << exponent);
    }
    tape.bits(1 << exponent, ty.bits);
    1 << exponent
}
