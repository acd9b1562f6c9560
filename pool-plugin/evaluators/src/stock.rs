//! snarkVM's own puzzle as an evaluator: slow, and right by definition. The puzzle is the same on every
//! network: it depends only on the epoch hash.

use std::sync::Arc;

use aleo_epoch_puzzle_stock::Stock;
use anyhow::{Context, Result};
use pool_core::{
    evaluator::{EvaluateError, Evaluator},
    types::{Address, EpochHash},
};

/// The stack upstream gives the threads that run its puzzle.
const STACK_SIZE: usize = 8 << 20;

/// The stock evaluator. `threads` bounds the cores that its Merkle trees use: by default, snarkVM uses all of
/// the node's.
pub fn stock_evaluator(threads: usize) -> Result<Arc<dyn Evaluator>> {
    let threads = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .stack_size(STACK_SIZE)
        .thread_name(|index| format!("pool-puzzle-{index}"))
        .build()
        .context("failed to start the threads of the stock puzzle")?;
    Ok(Arc::new(StockEvaluator { stock: Stock::new(), threads }))
}

struct StockEvaluator {
    stock: Stock,
    /// A separate pool, so that a flood of shares never starves the node's.
    threads: rayon::ThreadPool,
}

impl Evaluator for StockEvaluator {
    fn prepare(&self, epoch_hash: &EpochHash) {
        // Any attempt fills snarkVM's cache of epoch programs.
        let _ = self.target(epoch_hash, &Address::default(), 0);
    }

    fn target(&self, epoch_hash: &EpochHash, address: &Address, counter: u64) -> Result<u64, EvaluateError> {
        let evaluate = || self.stock.evaluate(&epoch_hash.0, &address.0, counter);
        self.threads.install(evaluate).map_err(|error| {
            tracing::debug!(%epoch_hash, counter, %error, "the puzzle has no answer");
            EvaluateError::NoAnswer
        })
    }
}
