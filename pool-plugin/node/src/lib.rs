//! The pool's connection to snarkOS.
//!
//! The only crate that names a snarkOS type. Generic over the network inside, plain outside: what leaves it
//! is a [`ChainHandle`](pool_core::chain::ChainHandle) and an [`Address`](pool_core::types::Address).
//!
//! # Layout
//! - [`attach`]: from the node that upstream's command line returns to a chain handle.
//! - [`chain`]: the `Chain` trait over a node's ledger and router.
//! - [`protocol`]: what this release knows of the network's protocol, and what is in force.
//! - [`account`]: addresses from private keys, and the check that an address is one.
//! - [`convert`]: plain values to snarkVM's and back.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod account;
pub mod attach;
pub mod chain;
pub mod convert;
pub mod protocol;
