//! What each block means to the pool.
//!
//! # Layout
//! - [`reward`]: the chain's reward rule.

pub mod reward;
