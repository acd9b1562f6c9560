//! Synthetic miners on real sockets, in a process of their own, and what they are tried on.
//!
//! - [`args`]: the command line of `simulate`.
//! - [`behaviour`]: how a miner may behave, and how many of a crowd do.
//! - [`connection`]: lines over a socket, with the time at which the kernel got them.
//! - [`control`]: what a bench tells `simulate` while it runs.
//! - [`crowd`]: all miners of a run.
//! - [`miner`]: one miner.
//! - [`puzzle`]: a puzzle that costs nothing.
//! - [`tally`]: what the miners met with.
//! - [`readers`]: who reads a pool's API.
//! - [`helper`]: the processes of a bench, and figures from their answers.
//!
//! The binaries: `simulate` is the miners; `pool-on-sim` is the real pool on a simulated chain; `polling-bridge`
//! is what a pool outside of the node does, to compare with.

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
