//! The evaluator of one epoch.

use std::sync::atomic::{AtomicU64, Ordering};

use aleo_epoch_puzzle_stock::{self as stock, Stock};

use crate::{
    EpochError, EvaluateError, Keccak,
    inputs::{sample, solution_id},
    plan::{Plan, Registers},
    program::Program,
    tape::{Variable, Witness},
    tree::{Tree, TreePlan},
};

/// The compiled puzzle of one epoch: immutable, shared freely between threads.
pub struct EpochEvaluator {
    epoch_hash: [u8; 32],
    /// Distinguishes the scratch memory of different evaluators.
    serial: u64,
    engine: Engine,
}

enum Engine {
    Native {
        plan: Plan,
        tree: TreePlan,
    },
    /// The program has an instruction without a native form.
    Stock {
        stock: Stock,
        reason: String,
    },
}

/// The memory of one attempt at a time: one per thread, a few hundred KiB, made by [`EpochEvaluator::scratch`].
pub struct Scratch {
    serial: u64,
    keccak: Keccak,
    registers: Registers,
    witness: Witness,
    tree: Tree,
}

/// What an attempt of an epoch costs, by [`EpochEvaluator::shape`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The circuit's variables, public and private: the leaves before padding.
    pub variables: usize,
    /// The variables that are always zero or one.
    pub bits: usize,
    /// The Keccak permutations of the tree that remain.
    pub permutations: usize,
}

impl EpochEvaluator {
    /// Builds snarkVM's program of the epoch and compiles it.
    ///
    /// `epoch_hash` is the hash of the epoch's first block's predecessor in bytes, little endian, as blocks and
    /// solutions carry it. Programs do not depend on the network. Takes about as long as `EpochProgram::new`: some
    /// tens of milliseconds.
    ///
    /// # Errors
    /// If the bytes are not a block hash, or snarkVM cannot build the program.
    pub fn new(epoch_hash: [u8; 32]) -> Result<Self, EpochError> {
        let program = stock::program(&epoch_hash).map_err(|error| EpochError(error.to_string()))?;
        Ok(Self::from_text(epoch_hash, &program))
    }

    pub(crate) fn from_text(epoch_hash: [u8; 32], program: &str) -> Self {
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        let engine = match Program::parse(program).and_then(|program| Plan::compile(&program)) {
            Ok(plan) => match TreePlan::new(plan.variables()) {
                Some(tree) => Engine::Native { plan, tree },
                None => Engine::Stock { stock: Stock::new(), reason: "too many variables".into() },
            },
            Err(unsupported) => Engine::Stock { stock: Stock::new(), reason: unsupported.to_string() },
        };
        Self { epoch_hash, serial: SERIAL.fetch_add(1, Ordering::Relaxed), engine }
    }

    /// The epoch hash this was made for.
    pub fn epoch_hash(&self) -> &[u8; 32] {
        &self.epoch_hash
    }

    /// Whether attempts are evaluated natively. Otherwise the program has an instruction without a native form, and
    /// snarkVM synthesises every attempt of the epoch: the answers are the same, hundreds of times slower.
    pub fn is_native(&self) -> bool {
        self.fallback_reason().is_none()
    }

    /// Why the epoch is not native, in one line.
    pub fn fallback_reason(&self) -> Option<&str> {
        match &self.engine {
            Engine::Native { .. } => None,
            Engine::Stock { reason, .. } => Some(reason),
        }
    }

    /// What an attempt costs; `None` if the epoch is not native.
    pub fn shape(&self) -> Option<Shape> {
        match &self.engine {
            Engine::Native { plan, tree } => Some(Shape {
                variables: plan.variables().len(),
                bits: plan.variables().iter().filter(|variable| **variable == Variable::Bit).count(),
                permutations: tree.num_permutations(),
            }),
            Engine::Stock { .. } => None,
        }
    }

    /// Memory for one thread, with the machine's fastest hash implementation.
    pub fn scratch(&self) -> Scratch {
        self.scratch_with(Keccak::detect())
    }

    /// Memory for one thread, with a hash implementation of the caller's choice.
    pub fn scratch_with(&self, keccak: Keccak) -> Scratch {
        let (registers, witness, tree) = match &self.engine {
            Engine::Native { plan, tree } => {
                (plan.registers(), Witness::new(plan.variables().len()), tree.tree())
            }
            Engine::Stock { .. } => Default::default(),
        };
        Scratch { serial: self.serial, keccak, registers, witness, tree }
    }

    /// The proof target of an attempt: exactly snarkVM's `Puzzle::get_proof_target_from_partial_solution`.
    ///
    /// `address` is the prover's in bytes, little endian, as in solutions; the caller must make sure that it
    /// is valid (an epoch that is not native fails it, a native one hashes it).
    ///
    /// # Errors
    /// If snarkVM fails the attempt too, or `scratch` was made by another evaluator.
    pub fn evaluate(
        &self,
        scratch: &mut Scratch,
        address: &[u8; 32],
        counter: u64,
    ) -> Result<u64, EvaluateError> {
        match &self.engine {
            Engine::Native { plan, tree } => {
                self.synthesize(plan, scratch, address, counter)?;
                Ok(proof_target(tree.root(scratch.keccak, &scratch.witness, &mut scratch.tree)))
            }
            Engine::Stock { stock, .. } => {
                let target = stock.evaluate(&self.epoch_hash, address, counter);
                target.map_err(|error| EvaluateError::Stock(error.to_string()))
            }
        }
    }

    /// Evaluates many attempts of one address; `found` takes each counter with its result, in order, and returns
    /// whether to go on.
    pub fn evaluate_many(
        &self,
        scratch: &mut Scratch,
        address: &[u8; 32],
        counters: impl IntoIterator<Item = u64>,
        mut found: impl FnMut(u64, Result<u64, EvaluateError>) -> bool,
    ) {
        for counter in counters {
            if !found(counter, self.evaluate(scratch, address, counter)) {
                return;
            }
        }
    }

    /// The circuit's variables of an attempt, canonical little-endian limbs: snarkVM's leaves before padding. For
    /// tests; allocates.
    ///
    /// # Errors
    /// As [`Self::evaluate`]; [`EvaluateError::Stock`] if the epoch is not native.
    pub fn variables(
        &self,
        scratch: &mut Scratch,
        address: &[u8; 32],
        counter: u64,
    ) -> Result<Vec<[u64; 4]>, EvaluateError> {
        match &self.engine {
            Engine::Native { plan, .. } => {
                self.synthesize(plan, scratch, address, counter)?;
                Ok(collect(plan, &scratch.witness))
            }
            Engine::Stock { reason, .. } => Err(EvaluateError::Stock(reason.clone())),
        }
    }

    /// Computes the variables only, without the tree: for measurements.
    ///
    /// # Errors
    /// As [`Self::evaluate`]; does nothing if the epoch is not native.
    pub fn witness(
        &self,
        scratch: &mut Scratch,
        address: &[u8; 32],
        counter: u64,
    ) -> Result<(), EvaluateError> {
        match &self.engine {
            Engine::Native { plan, .. } => self.synthesize(plan, scratch, address, counter),
            Engine::Stock { .. } => Ok(()),
        }
    }

    fn synthesize(
        &self,
        plan: &Plan,
        scratch: &mut Scratch,
        address: &[u8; 32],
        counter: u64,
    ) -> Result<(), EvaluateError> {
        if scratch.serial != self.serial {
            return Err(EvaluateError::Scratch);
        }
        let Scratch { registers, witness, .. } = scratch;
        let seed = solution_id(&self.epoch_hash, address, counter);
        if !sample(plan.inputs(), seed, registers) {
            return Err(EvaluateError::ZeroInput);
        }
        witness.clear();
        plan.run(registers, witness);
        debug_assert_eq!(witness.len(), plan.variables().len());
        if witness.finish() { Ok(()) } else { Err(EvaluateError::Unsatisfied) }
    }
}

/// All variables of a finished attempt in order.
pub(crate) fn collect(plan: &Plan, witness: &Witness) -> Vec<[u64; 4]> {
    let value = |(position, variable): (usize, &Variable)| match variable {
        Variable::Bit => [(witness.byte(position / 8) >> (position % 8) & 1) as u64, 0, 0, 0],
        Variable::Value(index) => witness.values()[*index as usize],
    };
    plan.variables().iter().enumerate().map(value).collect()
}

/// The target of a root: snarkVM reads its first 64 bits with the first as the most significant.
fn proof_target(root: u64) -> u64 {
    u64::MAX.checked_div(root.reverse_bits()).unwrap_or(u64::MAX)
}

impl Scratch {
    /// The hash implementation in use.
    pub fn keccak(&self) -> Keccak {
        self.keccak
    }

    /// The bytes this holds on the heap, after an attempt.
    pub fn memory(&self) -> usize {
        self.registers.memory() + self.witness.memory() + self.tree.memory()
    }
}
