//! Hashes of any leaves and nodes.

use tiny_keccak::{Hasher, Sha3};

use super::Value;
use crate::Keccak;

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

fn words_of(bytes: &[u8; 32]) -> Value {
    let (words, _) = bytes.as_chunks();
    core::array::from_fn(|i| u64::from_le_bytes(words[i]))
}

/// Hashes the input's blocks of 32 bytes as leaves, and of 256 bytes as nodes.
///
/// # Panics
/// If an implementation disagrees with the reference.
pub fn keccak(input: &[u8]) {
    let hashes: Vec<Value> = input.as_chunks().0.iter().map(words_of).collect();
    // Field elements have 253 bits.
    let leaves: Vec<Value> = hashes.iter().map(|[a, b, c, d]| [*a, *b, *c, d >> 3]).collect();
    let (nodes, _) = hashes.as_chunks::<8>();
    for keccak in Keccak::available() {
        let mut found = vec![Value::default(); leaves.len()];
        keccak.hash_leaves(&leaves, &mut found);
        for (leaf, hash) in leaves.iter().zip(found) {
            assert_eq!(hash, sha3(false, leaf, 254), "{}", keccak.name());
        }
        let mut found = vec![Value::default(); nodes.len()];
        keccak.hash_nodes(nodes.len(), |node, i| nodes[node][i], |node, hash| found[node] = hash);
        for (node, hash) in nodes.iter().zip(found) {
            assert_eq!(hash, sha3(true, node.as_flattened(), 2049), "{}", keccak.name());
        }
    }
}
