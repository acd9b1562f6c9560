//! The puzzle's evaluators behind the pool's trait, and the choice between them.
//!
//! A separate crate: the pool knows nothing of snarkVM, and the node adapter needs none of this.
//!
//! # Layout
//! - this file: the evaluators of the pool and of the miner.
//! - [`cross_check`]: a fast evaluator, checked by a slow one.
//! - [`native`]: ours, an epoch at a time.
//! - [`stock`]: snarkVM's own.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod cross_check;
pub mod native;
pub mod stock;

use std::sync::Arc;

use anyhow::Result;
use pool_core::evaluator::{Evaluator, PuzzleKind};

use crate::{cross_check::CrossChecked, native::NativeEvaluator, stock::stock_evaluator};

/// The pool's evaluator: the native one with a sample of its answers checked by snarkVM, or snarkVM itself.
pub fn verifying(kind: PuzzleKind, threads: usize) -> Result<Arc<dyn Evaluator>> {
    match kind {
        PuzzleKind::Stock => stock_evaluator(threads),
        PuzzleKind::Native => {
            // One thread: the check must not take cores from shares or the node.
            let checked = CrossChecked::start(Arc::new(NativeEvaluator::default()), stock_evaluator(1)?)?;
            Ok(Arc::new(checked))
        }
    }
}

/// The miner's evaluator: the pool checks its shares anyway.
pub fn mining(kind: PuzzleKind, threads: usize) -> Result<Arc<dyn Evaluator>> {
    match kind {
        PuzzleKind::Stock => stock_evaluator(threads),
        PuzzleKind::Native => Ok(Arc::new(NativeEvaluator::default())),
    }
}
