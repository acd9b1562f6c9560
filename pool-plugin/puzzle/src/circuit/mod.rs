//! snarkVM's gadgets, as far as epoch programs use them: each computes its result and appends the values of
//! the variables that the circuit would allocate, in the same order. There are no constraints here; a gadget
//! whose constraints could not be met reports it with [`Tape::unsatisfied`](crate::tape::Tape::unsatisfied).
//!
//! The comments give the order of allocation where the code does not show it. All operands are variables
//! unless a name says otherwise: a constant operand allocates less.

pub(crate) mod fields;
pub(crate) mod groups;
pub(crate) mod integers;
pub(crate) mod plaintext;
pub(crate) mod poseidon;
mod shifts;

pub(crate) use shifts::{shl_wrapped, shr_wrapped};

/// An integer type of Aleo programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IntegerType {
    /// 8, 16, 32, 64 or 128.
    pub(crate) bits: u32,
    pub(crate) signed: bool,
}

impl IntegerType {
    pub(crate) const fn unsigned(bits: u32) -> Self {
        Self { bits, signed: false }
    }

    /// The largest unsigned value.
    pub(crate) const fn mask(self) -> u128 {
        u128::MAX >> (128 - self.bits)
    }

    /// The sign bit of `value`.
    pub(crate) const fn msb(self, value: u128) -> bool {
        value >> (self.bits - 1) & 1 == 1
    }

    /// Whether the product of two integers of this type fits a field element; otherwise snarkVM multiplies by halves.
    pub(crate) const fn product_fits_field(self) -> bool {
        self.bits < 128
    }
}
