//! snarkVM's own puzzle as an evaluator: slow, and right by definition.

use std::sync::Arc;

use anyhow::{Context, Result};
use pool_plugin::{
    chain::Network,
    evaluator::{EvaluateError, Evaluator},
    types::{Address, EpochHash},
};
use snarkvm::{
    console::network::{CanaryV0, MainnetV0, Network as VmNetwork, TestnetV0},
    ledger::{puzzle::Puzzle, store::helpers::memory::ConsensusMemory},
    synthesizer::VM,
};

use crate::convert;

/// The stack upstream gives the threads that run its puzzle.
const STACK_SIZE: usize = 8 << 20;

/// The stock evaluator of a network. `threads` bounds the cores its Merkle trees take: left alone, snarkVM
/// takes all of the node's.
pub fn stock_evaluator(network: Network, threads: usize) -> Result<Arc<dyn Evaluator>> {
    Ok(match network {
        Network::Mainnet => Arc::new(StockEvaluator::<MainnetV0>::new(threads)?),
        Network::Testnet => Arc::new(StockEvaluator::<TestnetV0>::new(threads)?),
        Network::Canary => Arc::new(StockEvaluator::<CanaryV0>::new(threads)?),
    })
}

struct StockEvaluator<N: VmNetwork> {
    puzzle: Puzzle<N>,
    /// Of our own, so that a flood of shares never starves the node's.
    threads: rayon::ThreadPool,
}

impl<N: VmNetwork> StockEvaluator<N> {
    fn new(threads: usize) -> Result<Self> {
        let threads = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .stack_size(STACK_SIZE)
            .thread_name(|index| format!("pool-puzzle-{index}"))
            .build()
            .context("failed to start the threads of the stock puzzle")?;
        Ok(Self { puzzle: VM::<N, ConsensusMemory<N>>::new_puzzle()?, threads })
    }
}

impl<N: VmNetwork> Evaluator for StockEvaluator<N> {
    fn prepare(&self, epoch_hash: &EpochHash) {
        // Any attempt fills snarkVM's cache of epoch programs.
        let _ = self.target(epoch_hash, &Address::default(), 0);
    }

    fn target(&self, epoch_hash: &EpochHash, address: &Address, counter: u64) -> Result<u64, EvaluateError> {
        let partial = convert::vm_partial_solution::<N>(epoch_hash, address, counter)
            .map_err(|err| EvaluateError::Failed(format!("{err:#}")))?;
        self.threads
            .install(|| self.puzzle.get_proof_target_from_partial_solution(&partial))
            .map_err(|_| EvaluateError::NoAnswer)
    }
}
