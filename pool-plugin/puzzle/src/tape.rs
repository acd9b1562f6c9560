//! The circuit's variables in allocation order, which is the order of the leaves.
//!
//! Gadgets write to a [`Tape`]. A [`Shape`] only records which variables are bits, once per epoch; a [`Witness`]
//! takes the values of one attempt. Both run the same gadget code, so plan and values cannot disagree.

use crate::field::{self, Fr};

/// One variable of the circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variable {
    /// Zero or one for every input.
    Bit,
    /// Any field element: the index of its value. Variables that always agree share an index.
    Value(u32),
}

/// Where gadgets write the variables they allocate.
pub(crate) trait Tape {
    /// Appends the low `count` bits of `value` as bit variables, least significant first. `count` is at most 256.
    fn wide_bits(&mut self, value: [u64; 4], count: u32);

    /// Appends one variable of any value, given in canonical form.
    fn value(&mut self, value: [u64; 4]);

    /// Appends the inverse of `delta`, or one if it is zero, as snarkVM's equality gadget does.
    /// Nothing else depends on it, so that a tape may invert in bulk at the end.
    fn inverse_or_one(&mut self, delta: Fr);

    /// Appends `count` variables that share the values from index `first` on.
    fn repeat(&mut self, first: u32, count: u32);

    /// The number of values so far.
    fn num_values(&self) -> u32;

    /// Records that snarkVM's circuit would not be satisfied.
    fn unsatisfied(&mut self);

    fn bits(&mut self, value: u128, count: u32) {
        self.wide_bits([value as u64, (value >> 64) as u64, 0, 0], count);
    }

    fn bit(&mut self, bit: bool) {
        self.bits(bit as u128, 1);
    }

    fn integer(&mut self, value: u128) {
        self.value([value as u64, (value >> 64) as u64, 0, 0]);
    }

    fn field(&mut self, value: Fr) {
        self.value(value.to_canonical());
    }
}

/// Records the kind of every variable.
#[derive(Default)]
pub(crate) struct Shape {
    pub(crate) variables: Vec<Variable>,
    num_values: u32,
}

impl Tape for Shape {
    fn wide_bits(&mut self, _: [u64; 4], count: u32) {
        self.variables.extend((0..count).map(|_| Variable::Bit));
    }

    fn value(&mut self, _: [u64; 4]) {
        self.variables.push(Variable::Value(self.num_values));
        self.num_values += 1;
    }

    fn inverse_or_one(&mut self, _: Fr) {
        self.value([0; 4]);
    }

    fn repeat(&mut self, first: u32, count: u32) {
        self.variables.extend((first..first + count).map(Variable::Value));
    }

    fn num_values(&self) -> u32 {
        self.num_values
    }

    fn unsatisfied(&mut self) {}
}

/// Discards everything: for constants, which are not variables.
pub(crate) struct NoTape;

impl Tape for NoTape {
    fn wide_bits(&mut self, _: [u64; 4], _: u32) {}
    fn value(&mut self, _: [u64; 4]) {}
    fn field(&mut self, _: Fr) {}
    fn inverse_or_one(&mut self, _: Fr) {}
    fn repeat(&mut self, _: u32, _: u32) {}
    fn num_values(&self) -> u32 {
        0
    }
    fn unsatisfied(&mut self) {}
}

/// The values of one attempt.
#[derive(Default)]
pub(crate) struct Witness {
    /// One bit per variable; zero for variables that are not bits.
    bits: Vec<u64>,
    /// The position of the next variable.
    next: usize,
    /// The other variables' values, canonical.
    values: Vec<[u64; 4]>,
    /// The indices and arguments of the pending inverses.
    pending: Vec<u32>,
    deltas: Vec<Fr>,
    prefix: Vec<Fr>,
    unsatisfied: bool,
}

impl Witness {
    /// A tape with room for `num_variables`.
    pub(crate) fn new(num_variables: usize) -> Self {
        // A write of 256 bits at the last position may touch four words more.
        Self { bits: vec![0; num_variables / 64 + 5], ..Self::default() }
    }

    /// Starts a new attempt in the same memory.
    pub(crate) fn clear(&mut self) {
        self.bits.fill(0);
        self.next = 0;
        self.values.clear();
        self.pending.clear();
        self.deltas.clear();
        self.unsatisfied = false;
    }

    /// Computes the pending inverses. Returns whether snarkVM's circuit would be satisfied.
    pub(crate) fn finish(&mut self) -> bool {
        field::invert_all(&mut self.deltas, &mut self.prefix);
        for (index, delta) in self.pending.iter().zip(&self.deltas) {
            let inverse = if delta.is_zero() { Fr::ONE } else { *delta };
            self.values[*index as usize] = inverse.to_canonical();
        }
        !self.unsatisfied
    }

    /// The number of variables written.
    pub(crate) fn len(&self) -> usize {
        self.next
    }

    /// Eight bit variables from position `8 · group` on; those that are not bits, or not there, are zero.
    #[inline(always)]
    pub(crate) fn byte(&self, group: usize) -> u8 {
        (self.bits[group / 8] >> (group % 8 * 8)) as u8
    }

    pub(crate) fn values(&self) -> &[[u64; 4]] {
        &self.values
    }

    /// The bytes this tape holds on the heap.
    pub(crate) fn memory(&self) -> usize {
        self.bits.capacity() * 8
            + self.values.capacity() * 32
            + self.pending.capacity() * 4
            + (self.deltas.capacity() + self.prefix.capacity()) * 32
    }
}

impl Tape for Witness {
    #[inline]
    fn wide_bits(&mut self, value: [u64; 4], count: u32) {
        let (mut word, shift) = (self.next / 64, self.next % 64);
        let mut left = count;
        for limb in value {
            if left == 0 {
                break;
            }
            let taken = left.min(64);
            let limb = if taken == 64 { limb } else { limb & ((1 << taken) - 1) };
            self.bits[word] |= limb << shift;
            if shift != 0 {
                self.bits[word + 1] |= limb >> (64 - shift);
            }
            word += 1;
            left -= taken;
        }
        self.next += count as usize;
    }

    #[inline]
    fn value(&mut self, value: [u64; 4]) {
        self.values.push(value);
        self.next += 1;
    }

    fn inverse_or_one(&mut self, delta: Fr) {
        self.pending.push(self.num_values());
        self.deltas.push(delta);
        self.value([0; 4]);
    }

    fn repeat(&mut self, _: u32, count: u32) {
        self.next += count as usize;
    }

    fn num_values(&self) -> u32 {
        self.values.len() as u32
    }

    fn unsatisfied(&mut self) {
        self.unsatisfied = true;
    }
}
