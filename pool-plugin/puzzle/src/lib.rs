//! A native evaluator of Aleo's epoch puzzle: snarkVM's proof targets, bit for bit, without a circuit.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod circuit;
mod compile;
mod epoch;
mod error;
mod field;
mod inputs;
mod keccak;
mod plan;
mod program;
mod tape;
#[cfg(test)]
mod tests;
mod tree;

pub use epoch::{EpochEvaluator, Scratch, Shape};
pub use error::{EpochError, EvaluateError};
pub use keccak::Keccak;

pub use aleo_epoch_puzzle_stock as stock;
