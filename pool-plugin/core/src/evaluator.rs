//! The puzzle behind a trait, so that a faster evaluator can replace the stock one.

use crate::types::{Address, EpochHash};

/// Computes the target a counter reaches. Called on verification and mining threads, never on async ones;
/// may take long (the stock puzzle: 0.2 s).
pub trait Evaluator: Send + Sync + 'static {
    /// Prepares for an epoch off the hot path, so that its first share need not wait.
    fn prepare(&self, epoch_hash: &EpochHash);

    /// The target of one attempt.
    fn target(&self, epoch_hash: &EpochHash, address: &Address, counter: u64) -> Result<u64, EvaluateError>;

    /// What has been counted so far. The default is for evaluators that count nothing.
    fn stats(&self) -> EvaluatorStats {
        EvaluatorStats::default()
    }
}

/// What an evaluator has counted since it was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EvaluatorStats {
    /// Epochs without a native form, left to snarkVM as a whole.
    pub fallback_epochs: u64,
    /// Whether the last prepared epoch is one of them.
    pub fallback_now: bool,
    /// Answers that snarkVM computed again.
    pub checked: u64,
    /// Of those, the ones that were wrong.
    pub wrong: u64,
    /// Epochs that had a wrong answer, left to snarkVM from then on.
    pub distrusted_epochs: u64,
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

impl PuzzleKind {
    /// The name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Stock => "stock",
        }
    }
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
