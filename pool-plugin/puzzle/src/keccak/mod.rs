//! SHA3-256 of leaves and nodes, several at a time.
//!
//! One permutation is written once, in [`permutation!`], over a vector of 64-bit lanes; the backends differ in the
//! vector's operations only. Which backend runs is a value, [`Keccak`], chosen once and passed along.
//!
//! This module holds all the unsafe code of the crate: calls of functions compiled for more instructions than the
//! build's target has, behind run-time detection, and the loads and stores of vectors.
#![allow(unsafe_code)]

#[macro_use]
mod permutation;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

use std::sync::OnceLock;

/// 256 bits as four 64-bit words, the first byte lowest.
pub(crate) type Hash = [u64; 4];

/// The number of 64-bit words of a node's preimage after padding: two blocks.
const NODE_WORDS: usize = 2 * RATE_WORDS;

/// The rate of SHA3-256.
const RATE_WORDS: usize = 17;

/// An implementation of the hash function that this machine has. All give the same hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keccak(Backend);

/// Private, so that a value of [`Keccak`] proves that the machine has the instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Backend {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// Runs a backend's function; `self` shows that the machine has its instructions.
macro_rules! dispatch {
    ($keccak:expr, $function:ident($($argument:expr),*)) => {
        match $keccak.0 {
            Backend::Portable => portable::$function($($argument),*),
            // SAFETY: `Keccak::available` makes this value on machines with AVX2 only.
            #[cfg(target_arch = "x86_64")]
            Backend::Avx2 => unsafe { avx2::$function($($argument),*) },
            // SAFETY: `Keccak::available` makes this value on machines with AVX-512F only.
            #[cfg(target_arch = "x86_64")]
            Backend::Avx512 => unsafe { avx512::$function($($argument),*) },
        }
    };
}

impl Keccak {
    /// One hash at a time, on any machine.
    pub const PORTABLE: Self = Self(Backend::Portable);

    /// The implementations that this machine has, the fastest last.
    ///
    /// A vector implementation must first agree with the portable one on this machine (checked once per
    /// process): one that was never run on such a processor before cannot cause a wrong result.
    pub fn available() -> &'static [Self] {
        static AVAILABLE: OnceLock<Vec<Keccak>> = OnceLock::new();
        AVAILABLE.get_or_init(|| {
            #[cfg_attr(not(target_arch = "x86_64"), allow(unused_mut))]
            let mut found = vec![Self::PORTABLE];
            #[cfg(target_arch = "x86_64")]
            {
                if is_x86_feature_detected!("avx2") {
                    found.push(Self(Backend::Avx2));
                }
                if is_x86_feature_detected!("avx512f") {
                    found.push(Self(Backend::Avx512));
                }
            }
            let expected = Self::PORTABLE.sample();
            found.retain(|keccak| keccak.sample() == expected);
            found
        })
    }

    /// The fastest implementation that this machine has.
    pub fn detect() -> Self {
        Self::available().last().copied().unwrap_or(Self::PORTABLE)
    }

    /// Hashes of arbitrary leaves and nodes, different in every lane.
    fn sample(self) -> [[Hash; 11]; 2] {
        let word = |seed: usize| (seed as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let hash = |seed: usize| -> Hash { core::array::from_fn(|i| word(4 * seed + i)) };
        let leaves: [Hash; 11] = core::array::from_fn(|i| hash(i).map(|word| word >> 3));
        let [mut of_leaves, mut of_nodes] = [[Hash::default(); 11]; 2];
        self.hash_leaves(&leaves, &mut of_leaves);
        self.hash_nodes(11, |node, child| hash(8 * node + child), |node, hash| of_nodes[node] = hash);
        [of_leaves, of_nodes]
    }

    /// The implementation's name: `portable`, `avx2` or `avx512`.
    pub fn name(self) -> &'static str {
        match self.0 {
            Backend::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Backend::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Backend::Avx512 => "avx512",
        }
    }

    /// Hashes leaves of the tree into as many `hashes`: canonical field elements in little-endian limbs, each behind
    /// a zero bit. One permutation each.
    pub fn hash_leaves(self, leaves: &[[u64; 4]], hashes: &mut [[u64; 4]]) {
        dispatch!(self, hash_leaves(leaves, hashes));
    }

    /// Hashes `count` nodes: eight children each, behind a one bit. `child(node, i)` gives the children and
    /// `store(node, hash)` takes the hashes. Two permutations each.
    #[inline(always)]
    pub(crate) fn hash_nodes(
        self,
        count: usize,
        child: impl Fn(usize, usize) -> Hash,
        store: impl FnMut(usize, Hash),
    ) {
        dispatch!(self, hash_nodes(count, child, store));
    }

    /// Hashes one node.
    pub(crate) fn hash_node(self, children: &[Hash; 8]) -> Hash {
        let mut result = Hash::default();
        self.hash_nodes(1, |_, i| children[i], |_, hash| result = hash);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tiny_keccak::{Hasher, Sha3};

    fn reference(bytes: &[u8]) -> Hash {
        let (mut sha3, mut output) = (Sha3::v256(), [0; 32]);
        sha3.update(bytes);
        sha3.finalize(&mut output);
        core::array::from_fn(|i| u64::from_le_bytes(output[8 * i..8 * i + 8].try_into().unwrap()))
    }

    /// The bytes of a bit followed by words, in snarkVM's order.
    fn behind_bit(bit: bool, words: &[u64], bits: usize) -> Vec<u8> {
        let mut bytes = vec![0u8; bits.div_ceil(8)];
        let stream = std::iter::once(bit)
            .chain(words.iter().flat_map(|word| (0..64).map(move |i| word >> i & 1 == 1)));
        for (i, bit) in stream.take(bits).enumerate() {
            bytes[i / 8] |= (bit as u8) << (i % 8);
        }
        bytes
    }

    proptest! {
        #[test]
        fn leaves_agree_with_a_reference(mut leaves in proptest::collection::vec(any::<Hash>(), 0..19)) {
            for leaf in &mut leaves {
                leaf[3] >>= 3;
            }
            let expected: Vec<Hash> = leaves.iter().map(|leaf| reference(&behind_bit(false, leaf, 254))).collect();
            for keccak in Keccak::available() {
                let mut hashes = vec![Hash::default(); leaves.len()];
                keccak.hash_leaves(&leaves, &mut hashes);
                prop_assert_eq!(&hashes, &expected, "{:?}", keccak);
            }
        }

        #[test]
        fn nodes_agree_with_a_reference(nodes in proptest::collection::vec(any::<[Hash; 8]>(), 0..19)) {
            let expected: Vec<Hash> =
                nodes.iter().map(|node| reference(&behind_bit(true, node.as_flattened(), 2049))).collect();
            for keccak in Keccak::available() {
                let mut hashes = vec![Hash::default(); nodes.len()];
                keccak.hash_nodes(nodes.len(), |node, i| nodes[node][i], |node, hash| hashes[node] = hash);
                prop_assert_eq!(&hashes, &expected, "{:?}", keccak);
            }
        }
    }

    #[test]
    fn an_implementation_that_errs_would_be_noticed() {
        // The samples of any two lanes differ, so that mixed-up lanes show.
        let [leaves, nodes] = Keccak::PORTABLE.sample();
        let mut all: Vec<Hash> = leaves.into_iter().chain(nodes).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 22);
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn what_the_machine_has_is_found() {
        let names: Vec<&str> = Keccak::available().iter().map(|keccak| keccak.name()).collect();
        assert_eq!(names.contains(&"avx2"), is_x86_feature_detected!("avx2"));
        assert_eq!(names.contains(&"avx512"), is_x86_feature_detected!("avx512f"));
        assert_eq!(Some(&Keccak::detect().name()), names.last());
    }
}
