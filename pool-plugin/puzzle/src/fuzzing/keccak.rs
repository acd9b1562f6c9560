//! Hashes of any leaves and nodes.

use super::{
    Value,
    sha3::{sha3, words_of},
};
use crate::Keccak;

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
