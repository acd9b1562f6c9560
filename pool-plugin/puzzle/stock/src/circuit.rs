//! The circuit of an epoch on the caller's thread, for long comparisons.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rand::SeedableRng;
use rand_chacha::ChaChaRng;
use snarkvm::{
    circuit::AleoV0,
    console::{network::MainnetV0, prelude::ToBytes},
};
use snarkvm_ledger_puzzle_epoch::EpochProgram;

use crate::{StockError, block_hash, partial_solution};

/// An epoch's program, synthesised by upstream's `EpochProgram::to_r1cs`.
///
/// The values are those that [`Stock::leaves`](crate::Stock::leaves) returns as bits. This skips what
/// snarkVM's `Puzzle` does around the synthesis: a thread per attempt, and a vector of 254 bits for every
/// leaf, padding included.
pub struct EpochCircuit {
    program: EpochProgram<MainnetV0>,
}

impl EpochCircuit {
    /// Builds the program of an epoch.
    ///
    /// # Errors
    /// If the bytes are not a block hash, little endian, or snarkVM cannot build the program.
    pub fn new(epoch_hash: &[u8; 32]) -> Result<Self, StockError> {
        let program = EpochProgram::new(block_hash(epoch_hash)?).map_err(StockError::new)?;
        Ok(Self { program })
    }

    /// The values of an attempt's public, then private variables, as canonical little-endian limbs.
    ///
    /// # Errors
    /// If snarkVM cannot read the address, or fails the attempt.
    pub fn variables(&self, address: &[u8; 32], counter: u64) -> Result<Vec<[u64; 4]>, StockError> {
        let epoch_hash = self.program.epoch_hash().to_bytes_le().map_err(StockError::new)?;
        let epoch_hash = epoch_hash.try_into().map_err(|_| StockError::new("a block hash has 32 bytes"))?;
        let solution = partial_solution(&epoch_hash, address, counter)?;
        let mut rng = ChaChaRng::seed_from_u64(*solution.id());
        let inputs = self.program.construct_inputs(&mut rng).map_err(StockError::new)?;
        // A halt is a panic; the next synthesis begins with a clean circuit.
        let synthesis = catch_unwind(AssertUnwindSafe(|| self.program.to_r1cs::<AleoV0>(inputs)));
        let r1cs = synthesis.map_err(|_| StockError::new("snarkvm halted"))?.map_err(StockError::new)?;
        let variables = r1cs.to_public_variables().iter().chain(r1cs.to_private_variables());
        variables.map(|variable| limbs(&variable.value())).collect()
    }
}

/// A field element in canonical little-endian limbs.
pub(crate) fn limbs(field: &impl ToBytes) -> Result<[u64; 4], StockError> {
    let mut bytes = [0; 32];
    field.write_le(&mut bytes[..]).map_err(StockError::new)?;
    let mut limbs = [0; 4];
    for (limb, bytes) in limbs.iter_mut().zip(bytes.as_chunks().0) {
        *limb = u64::from_le_bytes(*bytes);
    }
    Ok(limbs)
}
