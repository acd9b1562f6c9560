//! What each block means to the pool.
//!
//! # Layout
//! - [`tracker`]: reads every block once, has the ledger apply it, writes the dump of a closed round.
//! - `health`: whether blocks are accounted.
//! - [`outcome`]: from a block to what it means for our solutions.
//! - [`retention`]: which shares may be retired.

mod health;
pub mod outcome;
pub mod retention;
#[cfg(test)]
mod tests;
pub mod tracker;

pub use self::tracker::{Setup, run};
