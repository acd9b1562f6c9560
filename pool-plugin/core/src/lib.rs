//! What every part of the pool uses, in a crate of its own: the node's adapter and the evaluators need no more of the
//! pool than this, so an edit elsewhere does not compile them again.
//!
//! # Layout
//! Two rooms. [`chain`] is the one interface to the node: the trait, and what is watched through it. The others are the room
//! `core`: values, rules and tools; none of them knows `chain`.
//! - [`types`]: hashes, addresses, solutions, workers as plain values.
//! - [`all_of`]: the list of an enum's values.
//! - [`source`]: which connections count together.
//! - [`login`]: who is credited.
//! - [`reject`]: why a miner's message is refused: codes and texts.
//! - [`accounting`]: from shares to money: schemes, windows, parts that add up.
//! - [`reward`]: the chain's reward rule; [`requirement`]: the stake it asks for.
//! - [`evaluator`]: the puzzle behind a trait.
//! - [`hashrate`]: hash rates, from the shares' targets.
//! - [`health`]: what a part says of itself, and the board that has the latest of each.
//! - [`meters`]: what is timed on the way of a share and a job.
//! - [`supervise`]: parts that are started again when they fail.
//! - [`log_throttle`]: a log line that does not become a flood.
//! - [`json_lines`]: files of one JSON object a line, which people edit too.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod accounting;
mod all_of;
pub mod chain;
pub mod evaluator;
pub mod hashrate;
pub mod health;
pub mod json_lines;
pub mod log_throttle;
pub mod login;
pub mod meters;
pub mod reject;
pub mod requirement;
pub mod reward;
pub mod source;
pub mod supervise;
pub mod types;
