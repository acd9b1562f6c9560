//! Synthetic miners on real sockets, in a separate process, and the pools they are tested with.
//!
//! - [`args`]: the command line of `simulate`.
//! - [`behaviour`]: the behaviours of miners, and their shares of a crowd.
//! - [`connection`]: lines over a socket, with the time at which the kernel got them.
//! - [`control`]: the commands of a bench to a running `simulate`.
//! - [`crowd`]: all miners of a run.
//! - [`miner`]: one miner.
//! - [`puzzle`]: a puzzle that costs nothing.
//! - [`tally`]: the miners' results.
//! - [`readers`]: the readers of a pool's API.
//! - [`helper`]: the processes of a bench, and figures from their answers.
//!
//! The binaries: `simulate` is the miners; `pool-on-sim` is the real pool on a simulated chain; `polling-bridge`
//! is like a pool outside of the node, for comparison.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod args;
pub mod behaviour;
pub mod books;
pub mod connection;
pub mod control;
pub mod crowd;
pub mod helper;
pub mod miner;
pub mod puzzle;
pub mod readers;
pub mod tally;
