//! The puzzle behind a trait, so that a faster evaluator can take the stock one's place.

use crate::types::{Address, EpochHash};

/// Computes the target a counter reaches. Called on verification and mining threads, never on async ones;
/// may take long (the stock puzzle: 0.2 s).
pub trait Evaluator: Send + Sync + 'static {
    /// Gets ready for an epoch off the hot path, so that its first share need not wait.
    fn prepare(&self, epoch_hash: &EpochHash);

    /// The target of one attempt.
    fn target(&self, epoch_hash: &EpochHash, address: &Address, counter: u64) -> Result<u64, EvaluateError>;
}

/// Which evaluator to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum PuzzleKind {
    /// Ours: the same answers, hundreds of times faster.
    #[default]
    Native,
    /// snarkVM's own.
    Stock,
}

/// Why an attempt has no target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvaluateError {
    /// The epoch's program halts on these inputs, or they cannot satisfy it: no target exists.
    #[error("the puzzle has no answer for this counter")]
    NoAnswer,
    /// The evaluator itself failed; says nothing about the counter.
    #[error("the puzzle could not be evaluated: {0}")]
    Failed(String),
}
