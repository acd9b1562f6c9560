//! The pool on the simulated chain and the simulator's miners, each as a process of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod behaviours;
mod hangup;
mod metrics;
mod restart;
