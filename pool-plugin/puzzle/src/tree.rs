//! The arity-8 Merkle tree over the variables.
//!
//! Nine variables in ten are bits, and a node over eight bits is one of 256: those come from a table. The
//! rest of a tree's shape is also known per epoch: which nodes over leaves must be hashed, which of them are
//! the same, the number of levels, and the hashes of the padding.

use std::{collections::HashMap, sync::OnceLock};

use crate::{
    keccak::{Hash, Keccak},
    tape::{Variable, Witness},
};

/// The children of a node.
const ARITY: usize = 8;

/// The levels above the leaves, including the hashes above the padded tree.
const DEPTH: usize = 9;

/// Hashes that depend on nothing.
struct Constants {
    /// Of the leaves zero and one.
    bits: [Hash; 2],
    /// Of the nodes over eight bits, the first child's bit lowest.
    bytes: Vec<Hash>,
    /// Of a node over padding only, by level; level 0 is the padding leaf, whose hash is that of zero.
    padding: [Hash; DEPTH + 1],
    /// The sibling of the root where the tree is hashed on.
    empty: Hash,
}

fn constants() -> &'static Constants {
    static CONSTANTS: OnceLock<Constants> = OnceLock::new();
    CONSTANTS.get_or_init(|| {
        let keccak = Keccak::detect();
        let mut bits = [Hash::default(); 2];
        keccak.hash_leaves(&[[0; 4], [1, 0, 0, 0]], &mut bits);
        let mut bytes = vec![Hash::default(); 256];
        keccak.hash_nodes(256, |byte, i| bits[byte >> i & 1], |byte, hash| bytes[byte] = hash);
        let mut padding = [bits[0]; DEPTH + 1];
        for level in 0..DEPTH {
            padding[level + 1] = keccak.hash_node(&[padding[level]; ARITY]);
        }
        let empty = keccak.hash_node(&[Hash::default(); ARITY]);
        Constants { bits, bytes, padding, empty }
    })
}

/// A child of a node over leaves.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Leaf {
    /// The bit at this position of the node's byte.
    Bit(u8),
    /// The value of this index.
    Value(u32),
}

/// The tree of an epoch.
pub(crate) struct TreePlan {
    num_groups: usize,
    num_values: usize,
    /// The groups of eight leaves that are not in the table, in order.
    mixed: Vec<(u32, [Leaf; ARITY])>,
    /// Groups that equal an earlier one: each with that earlier one.
    same: Vec<(u32, u32)>,
    /// The levels up to the root of the padded tree.
    levels: usize,
}

/// The nodes of one attempt.
#[derive(Default)]
pub(crate) struct Tree {
    leaves: Vec<Hash>,
    /// By level, from the nodes over leaves up, each filled up with padding to a multiple of eight.
    levels: Vec<Vec<Hash>>,
}

impl TreePlan {
    /// The tree over these variables, or `None` if there are more than it can hold.
    pub(crate) fn new(variables: &[Variable]) -> Option<Self> {
        let mut levels = 0;
        while ARITY.pow(levels as u32) < variables.len() {
            levels += 1;
        }
        if levels > DEPTH || levels == 0 {
            return None;
        }
        let mut plan = Self {
            num_groups: variables.len().div_ceil(ARITY),
            num_values: 0,
            mixed: Vec::new(),
            same: Vec::new(),
            levels,
        };
        let mut seen = HashMap::new();
        for (group, variables) in variables.chunks(ARITY).enumerate() {
            // Padding leaves hash like zero bits, and the tape has zeros behind its end.
            let mut leaves: [Leaf; ARITY] = core::array::from_fn(|i| Leaf::Bit(i as u8));
            let mut num_bits = ARITY;
            for (leaf, variable) in leaves.iter_mut().zip(variables) {
                if let Variable::Value(index) = *variable {
                    *leaf = Leaf::Value(index);
                    num_bits -= 1;
                    plan.num_values = plan.num_values.max(index as usize + 1);
                }
            }
            if num_bits == ARITY {
                continue;
            }
            let group = group as u32;
            match (num_bits, seen.get(&leaves)) {
                (0, Some(first)) => plan.same.push((group, *first)),
                _ => {
                    plan.mixed.push((group, leaves));
                    seen.insert(leaves, group);
                }
            }
        }
        Some(plan)
    }

    /// Memory for one attempt at a time.
    pub(crate) fn tree(&self) -> Tree {
        let constants = constants();
        let mut tree = Tree { leaves: vec![Hash::default(); 2 + self.num_values], levels: Vec::new() };
        tree.leaves[..2].copy_from_slice(&constants.bits);
        let mut count = self.num_groups;
        for level in 1..=self.levels {
            tree.levels.push(vec![constants.padding[level]; count.next_multiple_of(ARITY)]);
            count = count.div_ceil(ARITY);
        }
        tree
    }

    /// The permutations that one attempt takes: one per value, two per node.
    pub(crate) fn num_permutations(&self) -> usize {
        let mut nodes = self.mixed.len() + DEPTH - self.levels;
        let mut count = self.num_groups;
        for _ in 1..self.levels {
            count = count.div_ceil(ARITY);
            nodes += count;
        }
        self.num_values + 2 * nodes
    }

    /// The root's first eight bytes, little endian.
    pub(crate) fn root(&self, keccak: Keccak, witness: &Witness, tree: &mut Tree) -> u64 {
        let constants = constants();
        let Tree { leaves, levels } = tree;
        keccak.hash_leaves(witness.values(), &mut leaves[2..]);

        let Some(groups) = levels.first_mut() else { return 0 };
        for (group, slot) in groups[..self.num_groups].iter_mut().enumerate() {
            *slot = constants.bytes[witness.byte(group) as usize];
        }
        keccak.hash_nodes(
            self.mixed.len(),
            |node, i| {
                let (group, children) = &self.mixed[node];
                match children[i] {
                    Leaf::Bit(bit) => leaves[(witness.byte(*group as usize) >> bit & 1) as usize],
                    Leaf::Value(index) => leaves[2 + index as usize],
                }
            },
            |node, hash| groups[self.mixed[node].0 as usize] = hash,
        );
        for (group, first) in &self.same {
            groups[*group as usize] = groups[*first as usize];
        }

        let mut count = self.num_groups;
        for level in 1..self.levels {
            count = count.div_ceil(ARITY);
            let (below, above) = levels.split_at_mut(level);
            let (below, above) = (&below[level - 1], &mut above[0]);
            keccak.hash_nodes(count, |node, i| below[ARITY * node + i], |node, hash| above[node] = hash);
        }
        let mut root = levels[self.levels - 1][0];
        for _ in self.levels..DEPTH {
            let mut children = [constants.empty; ARITY];
            children[0] = root;
            root = keccak.hash_node(&children);
        }
        root[0]
    }
}

impl Tree {
    /// The bytes these nodes hold on the heap.
    pub(crate) fn memory(&self) -> usize {
        32 * (self.leaves.len() + self.levels.iter().map(Vec::len).sum::<usize>())
    }
}
