//! Integer gadgets. Integers are unsigned bit patterns of the type's width, sign included.

use crate::{circuit::IntegerType, field::Fr, tape::Tape};

/// `a + b + carry`, allocating the sum with its carry bit.
fn sum<T: Tape>(tape: &mut T, ty: IntegerType, a: u128, b: u128, carry: bool) -> u128 {
    let (sum, over) = a.overflowing_add(b);
    let (sum, over_again) = sum.overflowing_add(carry as u128);
    tape.wide_bits([sum as u64, (sum >> 64) as u64, (over | over_again) as u64, 0], ty.bits + 1);
    sum & ty.mask()
}

pub(crate) fn add_wrapped<T: Tape>(tape: &mut T, ty: IntegerType, a: u128, b: u128) -> u128 {
    sum(tape, ty, a, b, false)
}

/// As `a + !b + 1`.
pub(crate) fn sub_wrapped<T: Tape>(tape: &mut T, ty: IntegerType, a: u128, b: u128) -> u128 {
    sum(tape, ty, a, !b & ty.mask(), true)
}

/// One bit variable per bit, though some bits of one branch may be constant.
pub(crate) fn ternary<T: Tape>(tape: &mut T, ty: IntegerType, condition: bool, a: u128, b: u128) -> u128 {
    let result = if condition { a } else { b };
    tape.bits(result, ty.bits);
    result
}

/// Of a signed integer: the negation, then the choice.
pub(crate) fn abs_wrapped<T: Tape>(tape: &mut T, ty: IntegerType, a: u128) -> u128 {
    let negated = sub_wrapped(tape, ty, 0, a);
    ternary(tape, ty, ty.msb(a), negated, a)
}

/// `1 + !a` of a signed integer, then a bit that says whether that overflows: the sum of non-negative integers is
/// negative. Unsatisfied if so.
pub(crate) fn negate<T: Tape>(tape: &mut T, ty: IntegerType, a: u128) -> u128 {
    let negated = sum(tape, ty, 1, !a & ty.mask(), false);
    let overflow = ty.msb(a) && ty.msb(negated);
    tape.bit(overflow);
    if overflow {
        tape.unsatisfied();
    }
    negated
}

/// Returns whether the two are equal: a bit that says whether they differ, then the inverse of the difference.
pub(crate) fn is_equal<T: Tape>(tape: &mut T, a: u128, b: u128) -> bool {
    tape.bit(a != b);
    tape.inverse_or_one(Fr::from_u128(a).sub(Fr::from_u128(b)));
    a == b
}

/// Returns whether `a < b`.
pub(crate) fn is_less_than<T: Tape>(tape: &mut T, ty: IntegerType, a: u128, b: u128) -> bool {
    let (negative_a, negative_b) = (ty.msb(a), ty.msb(b));
    if ty.signed {
        tape.bit(negative_a ^ negative_b);
        tape.bit(negative_a & !negative_b);
    }
    // 2^bits + a - b, whose top bit says whether a ≥ b.
    let (difference, borrow) = a.overflowing_sub(b);
    let difference = difference & ty.mask();
    let wide = match ty.bits {
        128 => [difference as u64, (difference >> 64) as u64, !borrow as u64, 0],
        bits => {
            let wide = difference | (!borrow as u128) << bits;
            [wide as u64, (wide >> 64) as u64, 0, 0]
        }
    };
    tape.wide_bits(wide, ty.bits + 1);
    if !ty.signed {
        return borrow;
    }
    let less = if negative_a == negative_b { borrow } else { negative_a };
    tape.bit(less);
    less
}

/// The product by halves: three partial products, then the sum that matters with its carries.
pub(crate) fn mul_wrapped<T: Tape>(tape: &mut T, ty: IntegerType, a: u128, b: u128) -> u128 {
    let half = ty.bits / 2;
    let low = u128::MAX >> (128 - half);
    let (a1, a0, b1, b0) = (a >> half, a & low, b >> half, b & low);
    let (low_product, cross, other_cross) = (a0 * b0, a1 * b0, a0 * b1);
    tape.integer(low_product);
    tape.integer(cross);
    tape.integer(other_cross);
    let (crosses, over) = cross.overflowing_add(other_cross);
    tape.wide_bits(add_shifted(low_product, crosses, over, half), ty.bits + half + 1);
    a.wrapping_mul(b) & ty.mask()
}

/// The product of the constant one and `a`: linear, so only the sum is allocated.
fn mul_wrapped_one<T: Tape>(tape: &mut T, ty: IntegerType, a: u128) -> u128 {
    tape.bits(a, ty.bits);
    tape.bits(0, ty.bits / 2 + 1);
    a
}

/// `a + (b + over · 2^128) · 2^shift`.
fn add_shifted(a: u128, b: u128, over: bool, shift: u32) -> [u64; 4] {
    if shift < 64 {
        // Of integers of at most 64 bits: everything fits.
        let sum = a + (b << shift);
        return [sum as u64, (sum >> 64) as u64, 0, 0];
    }
    let middle = (a >> 64) + (b as u64 as u128);
    let high = (middle >> 64) + (b >> 64);
    [a as u64, middle as u64, high as u64, (high >> 64) as u64 + over as u64]
}

/// Returns quotient and remainder of unsigned integers. Unsatisfied if `b` is zero.
pub(crate) fn divide<T: Tape>(tape: &mut T, ty: IntegerType, a: u128, b: u128) -> (u128, u128) {
    let ty = IntegerType::unsigned(ty.bits);
    if b == 0 {
        tape.unsatisfied();
    }
    let divisor = b.max(1);
    let (quotient, remainder) = (a / divisor, a % divisor);
    tape.bits(quotient, ty.bits);
    tape.bits(remainder, ty.bits);
    if ty.product_fits_field() {
        tape.integer(quotient * b);
    } else {
        let product = mul_checked(tape, quotient, b);
        tape.bits(product.wrapping_add(remainder), ty.bits);
    }
    is_less_than(tape, ty, remainder, b);
    (quotient, remainder)
}

/// Karatsuba's product of two 128-bit integers whose product fits 128 bits: the product of the low halves, of the
/// high halves, of the sums of the halves, then the 193 bits of the sum that matters.
fn mul_checked<T: Tape>(tape: &mut T, a: u128, b: u128) -> u128 {
    let (a1, a0, b1, b0) = (a >> 64, a as u64 as u128, b >> 64, b as u64 as u128);
    tape.integer(a0 * b0);
    tape.integer(a1 * b1);
    // 65 bits each. The sum of one's top bit times the other never carries beyond 130 bits.
    let (x, y) = (a0 + a1, b0 + b1);
    let low = (x as u64 as u128) * (y as u64 as u128);
    let cross = (x >> 64) * (y as u64 as u128) + (y >> 64) * (x as u64 as u128);
    let middle = (low >> 64) + cross;
    tape.value([low as u64, middle as u64, (middle >> 64) as u64 + ((x >> 64) & (y >> 64)) as u64, 0]);
    let (crosses, over) = (a1 * b0).overflowing_add(a0 * b1);
    tape.wide_bits(add_shifted(a0 * b0, crosses, over, 64), 193);
    a.wrapping_mul(b)
}

pub(crate) fn div_wrapped<T: Tape>(tape: &mut T, ty: IntegerType, a: u128, b: u128) -> u128 {
    if !ty.signed {
        return divide(tape, ty, a, b).0;
    }
    let (dividend, divisor) = (abs_wrapped(tape, ty, a), abs_wrapped(tape, ty, b));
    let quotient = divide(tape, ty, dividend, divisor).0;
    let signs_differ = ty.msb(a) ^ ty.msb(b);
    tape.bit(signs_differ);
    let negated = sub_wrapped(tape, ty, 0, quotient);
    ternary(tape, ty, signs_differ, negated, quotient)
}

pub(crate) fn rem_wrapped<T: Tape>(tape: &mut T, ty: IntegerType, a: u128, b: u128) -> u128 {
    if !ty.signed {
        return divide(tape, ty, a, b).1;
    }
    let (dividend, divisor) = (abs_wrapped(tape, ty, a), abs_wrapped(tape, ty, b));
    let remainder = divide(tape, ty, dividend, divisor).1;
    let negated = sub_wrapped(tape, ty, 0, remainder);
    ternary(tape, ty, ty.msb(a), negated, remainder)
}

/// Square and multiply over all bits of the exponent, which has `exponent_bits`.
pub(crate) fn pow_wrapped<T: Tape>(
    tape: &mut T,
    ty: IntegerType,
    base: u128,
    exponent: u128,
    exponent_bits: u32,
) -> u128 {
    // The first round squares and multiplies the constant one.
    let first = mul_wrapped_one(tape, ty, base);
    let mut result = ternary(tape, ty, exponent >> (exponent_bits - 1) & 1 == 1, first, 1);
    for bit in (0..exponent_bits - 1).rev() {
        result = mul_wrapped(tape, ty, result, result);
        let product = mul_wrapped(tape, ty, result, base);
        result = ternary(tape, ty, exponent >> bit & 1 == 1, product, result);
    }
    result
}
