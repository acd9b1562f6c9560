//! snarkVM's own answers on an epoch's puzzle, behind plain types.
//!
//! A separate crate for the sake of build times: snarkVM's circuits are generic over the network, so a crate
//! that names one compiles them all. Nothing here is written for speed.
//!
//! # Layout
//! - this file: the puzzle, and the text of an epoch's program.
//! - [`circuit`]: the variables of an epoch's program, for long comparisons.
//! - [`synthesis`]: the variables of any program, for tests of single instructions.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod circuit;
pub mod synthesis;

use std::{fmt, panic::catch_unwind};

use snarkvm::{
    circuit::AleoV0,
    console::{
        account::Address,
        network::{MainnetV0, Network},
        prelude::FromBytes,
    },
};
use snarkvm_ledger_puzzle::{PartialSolution, Puzzle};
use snarkvm_ledger_puzzle_epoch::{EpochProgram, SynthesisPuzzle};

/// snarkVM's text for what it cannot do, in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockError(String);

impl StockError {
    fn new(error: impl fmt::Display) -> Self {
        Self(error.to_string().split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

impl fmt::Display for StockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StockError {}

type BlockHash = <MainnetV0 as Network>::BlockHash;

fn block_hash(epoch_hash: &[u8; 32]) -> Result<BlockHash, StockError> {
    BlockHash::from_bytes_le(epoch_hash).map_err(StockError::new)
}

/// The text of an epoch's program. It does not depend on the network.
///
/// # Errors
/// If the bytes are not a block hash, little endian, or snarkVM cannot build the program.
pub fn program(epoch_hash: &[u8; 32]) -> Result<String, StockError> {
    let epoch_hash = block_hash(epoch_hash)?;
    // Upstream's sampler panics on a malformed table when built with debug assertions.
    let program = catch_unwind(|| EpochProgram::<MainnetV0>::new(epoch_hash));
    let program = program.map_err(|_| StockError::new("snarkvm panicked"))?.map_err(StockError::new)?;
    Ok(program.to_string())
}

/// snarkVM's `Puzzle`: a fifth of a second an attempt, and all cores for the tree.
///
/// It synthesises each circuit on a new thread, so that a halt, which is a panic upstream, ends there; the
/// panic's message still goes to the process's panic hook. The targets of the last thousand attempts are
/// remembered.
#[derive(Clone)]
pub struct Stock {
    puzzle: Puzzle<MainnetV0>,
}

impl Default for Stock {
    fn default() -> Self {
        Self::new()
    }
}

impl Stock {
    /// A puzzle with empty caches.
    pub fn new() -> Self {
        Self { puzzle: Puzzle::new::<SynthesisPuzzle<MainnetV0, AleoV0>>() }
    }

    /// The proof target of an attempt: `Puzzle::get_proof_target_from_partial_solution`. Epoch hash and address are
    /// bytes, little endian, as solutions carry them.
    ///
    /// # Errors
    /// If snarkVM cannot read the epoch hash or the address, or fails the attempt.
    pub fn evaluate(
        &self,
        epoch_hash: &[u8; 32],
        address: &[u8; 32],
        counter: u64,
    ) -> Result<u64, StockError> {
        let solution = partial_solution(epoch_hash, address, counter)?;
        self.puzzle.get_proof_target_from_partial_solution(&solution).map_err(StockError::new)
    }

    /// The leaves of an attempt, least significant bit first: the circuit's variables in order, 253 bits each, then
    /// padding of 254 zero bits.
    ///
    /// # Errors
    /// As [`Self::evaluate`].
    pub fn leaves(
        &self,
        epoch_hash: &[u8; 32],
        address: &[u8; 32],
        counter: u64,
    ) -> Result<Vec<Vec<bool>>, StockError> {
        let solution = partial_solution(epoch_hash, address, counter)?;
        self.puzzle.get_leaves(&solution).map_err(StockError::new)
    }

    /// An iteration of upstream's prover: `Puzzle::prove`, which returns the solution's target if it is at
    /// least `proof_target`.
    ///
    /// # Errors
    /// As [`Self::evaluate`]; also if the target is below `proof_target`.
    pub fn prove(
        &self,
        epoch_hash: &[u8; 32],
        address: &[u8; 32],
        counter: u64,
        proof_target: u64,
    ) -> Result<u64, StockError> {
        let address = Address::from_bytes_le(address).map_err(StockError::new)?;
        let solution = self.puzzle.prove(block_hash(epoch_hash)?, address, counter, Some(proof_target));
        Ok(solution.map_err(StockError::new)?.target())
    }
}

fn partial_solution(
    epoch_hash: &[u8; 32],
    address: &[u8; 32],
    counter: u64,
) -> Result<PartialSolution<MainnetV0>, StockError> {
    let address = Address::from_bytes_le(address).map_err(StockError::new)?;
    PartialSolution::new(block_hash(epoch_hash)?, address, counter).map_err(StockError::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use snarkvm::console::network::{CanaryV0, TestnetV0};

    #[test]
    fn programs_do_not_depend_on_the_network() {
        for seed in 0..4u8 {
            let hash: [u8; 32] =
                core::array::from_fn(
                    |i| if i < 31 { seed.wrapping_mul(41).wrapping_add(i as u8) } else { 0 },
                );
            let mainnet = program(&hash).unwrap();
            let testnet = <TestnetV0 as Network>::BlockHash::from_bytes_le(&hash).unwrap();
            assert_eq!(mainnet, EpochProgram::<TestnetV0>::new(testnet).unwrap().to_string());
            let canary = <CanaryV0 as Network>::BlockHash::from_bytes_le(&hash).unwrap();
            assert_eq!(mainnet, EpochProgram::<CanaryV0>::new(canary).unwrap().to_string());
        }
    }

    #[test]
    fn the_circuit_has_the_leaves_of_the_puzzle() {
        let (hash, address) = ([3; 32], [0; 32]);
        let circuit = circuit::EpochCircuit::new(&hash).unwrap();
        for counter in 0..2 {
            let leaves = Stock::new().leaves(&hash, &address, counter).unwrap();
            let variables = circuit.variables(&address, counter).unwrap();
            let mut padding = leaves.iter().skip(variables.len());
            assert!(padding.all(|leaf| leaf.len() == 254 && !leaf.contains(&true)));
            for (leaf, variable) in leaves.iter().zip(&variables) {
                let bits: Vec<bool> = (0..253).map(|i| variable[i / 64] >> (i % 64) & 1 == 1).collect();
                assert_eq!(*leaf, bits);
            }
        }
    }

    #[test]
    fn a_proof_below_the_target_is_none() {
        let (hash, address, stock) = ([1; 32], [0; 32], Stock::new());
        let target = stock.evaluate(&hash, &address, 7).unwrap();
        assert_eq!(stock.prove(&hash, &address, 7, target), Ok(target));
        assert!(stock.prove(&hash, &address, 7, target + 1).is_err());
    }

    #[test]
    fn bytes_above_the_modulus_are_no_epoch_hash() {
        assert!(program(&[0xff; 32]).is_err());
    }
}
