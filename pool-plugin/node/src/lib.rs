//! The pool's door to snarkOS.
//!
//! The only crate that names a snarkOS type. Generic over the network inside, plain outside: what leaves it
//! is a [`ChainHandle`](pool_plugin::chain::ChainHandle), an [`Evaluator`](pool_plugin::evaluator::Evaluator)
//! and an [`Address`](pool_plugin::types::Address).
//!
//! # Layout
//! - [`attach`]: from the node that upstream's command line hands over to a chain handle.
//! - [`chain`]: the `Chain` trait over a node's ledger and router.
//! - [`puzzle`]: the choice of the puzzle's evaluator.
//! - [`native`]: the native puzzle as an evaluator.
//! - [`stock`]: snarkVM's own puzzle as an evaluator.
//! - [`account`]: addresses from private keys, and the check that an address is one.
//! - [`convert`]: plain values to snarkVM's and back.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod account;
pub mod attach;
pub mod chain;
pub mod convert;
pub mod native;
pub mod puzzle;
pub mod stock;
