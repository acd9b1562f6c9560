//! A native evaluator of Aleo's epoch puzzle: exactly snarkVM's proof targets, hundreds of times faster.
//!
//! snarkVM runs an attempt as a circuit: it synthesises the epoch's program on the attempt's inputs and
//! hashes the values of all variables into a Merkle tree. The circuit's shape is the same for every attempt
//! of an epoch, and only the values enter the target. So this crate compiles the epoch's program, as snarkVM
//! samples it, to a plan that writes the values straight into leaf order, and hashes only what is not known
//! beforehand.
//!
//! ```no_run
//! use aleo_epoch_puzzle::EpochEvaluator;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (epoch_hash, address) = ([0; 32], [0; 32]);
//! let evaluator = EpochEvaluator::new(epoch_hash)?; // Once an epoch; share it between threads.
//! let mut scratch = evaluator.scratch(); // Once a thread.
//! let target = evaluator.evaluate(&mut scratch, &address, 42)?;
//! # let _ = target;
//! # Ok(())
//! # }
//! ```
//!
//! There are no threads and no locks inside, and an attempt allocates nothing once the scratch memory has
//! been used. snarkVM itself evaluates an epoch whose program has an instruction that this crate does not
//! know; see [`EpochEvaluator::is_native`].
//!
//! # Layout
//! - `epoch`: [`EpochEvaluator`], from an attempt to its target.
//! - `inputs`: from an attempt to the program's inputs.
//! - `program`, `compile`, `plan`: snarkVM's text of a program, its compilation, and the interpreter; `form`: which
//!   registers the circuit would find to be the same.
//! - `circuit`: snarkVM's gadgets, as values in allocation order; `tape`: where they write.
//! - `tree`, `keccak`: the Merkle tree, and SHA3-256 in vectors.
//! - `field`: arithmetic modulo the scalar field of BLS12-377.
//! - [`stock`]: snarkVM's own answers.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod circuit;
mod compile;
mod epoch;
mod error;
mod field;
mod form;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod inputs;
mod keccak;
mod plan;
mod program;
mod tape;
#[cfg(test)]
mod tests;
mod tree;

pub use aleo_epoch_puzzle_stock as stock;
pub use epoch::{EpochEvaluator, Scratch, Shape};
pub use error::{EpochError, EvaluateError};
pub use keccak::Keccak;
