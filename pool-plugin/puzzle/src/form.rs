//! The linear combination of a register, as far as it can be the same as another's.
//!
//! snarkVM's circuit keeps sums and negations as linear combinations without their own variables. The
//! difference of two equal ones has no terms left, so it is a constant there, and a gadget with such an
//! operand allocates fewer variables than with any other. No entry of the sampler's table causes that; a
//! program in which an entry together with earlier ones did would be left to snarkVM.

use std::collections::BTreeMap;

/// Combinations with different forms are different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    /// How often each register with its own variables is a term.
    terms: BTreeMap<usize, u128>,
    negated: bool,
}

impl Form {
    /// A register with its own variables.
    pub(crate) fn variables_of(register: usize) -> Self {
        Self { terms: BTreeMap::from([(register, 1)]), negated: false }
    }

    /// The same bits, each negated.
    pub(crate) fn not(&self) -> Self {
        Self { terms: self.terms.clone(), negated: !self.negated }
    }

    /// The sum of two field elements. (Fields are not negated, so both flags are the same.)
    pub(crate) fn add(&self, other: &Self) -> Self {
        let mut terms = self.terms.clone();
        for (register, count) in &other.terms {
            let sum = terms.entry(*register).or_insert(0);
            *sum = sum.wrapping_add(*count);
        }
        Self { terms, negated: self.negated }
    }
}
