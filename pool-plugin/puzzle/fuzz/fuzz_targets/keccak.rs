//! Every hash implementation of the machine against a reference, for any number of leaves and nodes.
#![no_main]

use aleo_epoch_puzzle::{Keccak, fuzzing};
use libfuzzer_sys::fuzz_target;
use tiny_keccak::{Hasher, Sha3};

/// SHA3-256 of a bit and the first bits of some words.
fn reference(bit: bool, words: &[u64], bits: usize) -> [u64; 4] {
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
    std::array::from_fn(|i| u64::from_le_bytes(output[8 * i..8 * i + 8].try_into().unwrap()))
}

fuzz_target!(|hashes: Vec<[u64; 4]>| {
    let leaves: Vec<[u64; 4]> = hashes.iter().map(|[a, b, c, d]| [*a, *b, *c, d >> 3]).collect();
    for keccak in Keccak::available() {
        let mut found = vec![[0; 4]; leaves.len()];
        keccak.hash_leaves(&leaves, &mut found);
        for (leaf, hash) in leaves.iter().zip(found) {
            assert_eq!(hash, reference(false, leaf, 254));
        }
        let nodes: Vec<[[u64; 4]; 8]> = hashes.chunks_exact(8).map(|node| node.try_into().unwrap()).collect();
        for (node, hash) in nodes.iter().zip(fuzzing::hash_nodes(*keccak, &nodes)) {
            assert_eq!(hash, reference(true, node.as_flattened(), 2049));
        }
    }
});
