//! Whether a counter reaches its target: the puzzle, and the threads that compute it.
//!
//! # Layout
//! - [`puzzle_warmup`]: gets the puzzle ready before its first share.
//! - [`fair_queue`]: turns by session, not by arrival.
//! - [`verifier`]: the threads that compute targets.
//! - [`health`]: whether shares are checked in time, and rightly.

pub mod fair_queue;
pub mod health;
pub mod puzzle_warmup;
pub mod verifier;
