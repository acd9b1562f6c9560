//! An Aleo mining pool that runs inside a snarkOS node.
//!
//! # Layout
//! Each room uses only rooms below it; `docs/architecture.md` has what each may use, and a test holds them to it.
//! - [`operate`]: the pool as a whole, and what its operator has in hand.
//! - [`miner`]: the reference CPU miner.
//! - [`stratum`]: from a miner's bytes to a share.
//! - [`books`]: what is owed: rounds, dumps, audit, backups.
//! - [`release`]: from a found solution to the network.
//! - [`ledger`]: the shares, in RocksDB: durable before they are acknowledged.
//! - [`verify`]: the puzzle, and the threads that compute it.
//! - [`chain`]: the one door to the node, and a simulated chain for tests.
//! - [`core`]: values, rules and tools that all of them use.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod books;
pub mod chain;
pub mod core;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod ledger;
pub mod miner;
pub mod operate;
pub mod release;
pub mod stratum;
pub mod verify;
