//! From shares to money: who gets what of a block's reward. Pure, and integers only.
//!
//! # Layout
//! - [`terms`]: the rules the operator chose, and from which share on they apply.
//! - [`window`]: which shares a block pays for.
//! - [`split`]: a sum in parts that add up to it.
//! - [`allot`]: a block's reward, by scheme, with fees and what is carried on.
//! - [`luck`]: the work of a round against the expected work.
//! - [`withholding`]: accounts that find fewer solutions than their work makes likely.

pub mod allot;
pub mod luck;
pub mod split;
pub mod terms;
#[cfg(test)]
mod tests;
pub mod window;
pub mod withholding;
