//! How snarkVM encodes a literal as the input of a hash: two zero bits for "literal", eight for the type, sixteen for
//! the size in bits, then the bits of the value; least significant first throughout.

use crate::{circuit::IntegerType, field::Fr};

/// The bits before the value.
pub(crate) const PREFIX_BITS: u32 = 26;

/// snarkVM's number of the field type, and its size.
const FIELD: (u64, u64) = (2, 253);

const fn prefix((variant, size): (u64, u64)) -> u64 {
    variant << 2 | size << 10
}

/// The prefix of an integer.
pub(crate) const fn integer_prefix(ty: IntegerType) -> u64 {
    let variant = ty.bits.trailing_zeros() - 3 + if ty.signed { 4 } else { 9 };
    prefix((variant as u64, ty.bits as u64))
}

/// A field element's encoding, terminated by a one bit and cut into 252-bit chunks.
pub(crate) fn field_to_fields(bits: &[u64; 4]) -> [Fr; 2] {
    const CHUNK: u32 = 252;
    let mut low = [prefix(FIELD), 0, 0, 0];
    for (i, word) in bits.iter().enumerate() {
        low[i] |= word << PREFIX_BITS;
        if i < 3 {
            low[i + 1] = word >> (64 - PREFIX_BITS);
        }
    }
    low[3] &= u64::MAX >> (256 - CHUNK);
    // 226 bits of the element are in the low chunk.
    let high = bits[3] >> (CHUNK - PREFIX_BITS - 192) | 1 << (FIELD.1 as u32 + PREFIX_BITS - CHUNK);
    [Fr::from_canonical(low), Fr::from_canonical([high, 0, 0, 0])]
}
