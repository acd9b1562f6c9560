//! SHA3-256 by a reference crate. The file uses nothing of this one: an integration test includes it too.

use tiny_keccak::{Hasher, Sha3};

/// A hash, or a value of a variable, in little-endian words.
pub(crate) type Value = [u64; 4];

/// SHA3-256 of a bit and the first bits of some words, by a reference crate.
pub(crate) fn sha3(bit: bool, words: &[u64], bits: usize) -> Value {
    let mut bytes = vec![0u8; bits.div_ceil(8)];
    let mut carry = bit as u8;
    let input = words.iter().flat_map(|word| word.to_le_bytes()).chain([0]);
    for (slot, byte) in bytes.iter_mut().zip(input) {
        *slot = byte << 1 | carry;
        carry = byte >> 7;
    }
    let (mut sha3, mut output) = (Sha3::v256(), [0; 32]);
    sha3.update(&bytes);
    sha3.finalize(&mut output);
    words_of(&output)
}

pub(crate) fn words_of(bytes: &[u8; 32]) -> Value {
    let (words, _) = bytes.as_chunks();
    core::array::from_fn(|i| u64::from_le_bytes(words[i]))
}
