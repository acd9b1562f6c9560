//! An Aleo mining pool that runs inside a snarkOS node.
//!
//! # Layout
//! - [`types`]: hashes, addresses, solutions as plain values.
//! - [`chain`]: the one door to the node, and a simulated chain for tests.
//! - [`evaluator`]: the puzzle behind a trait.
//! - [`dump`]: a JSON file per block of ours, from which payouts are made.
//! - [`ledger`]: the shares, in RocksDB: durable before they are acknowledged.
//! - [`release`]: from a found solution to the network.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod chain;
pub mod dump;
pub mod evaluator;
pub mod ledger;
pub mod release;
pub mod types;
