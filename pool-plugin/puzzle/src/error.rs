//! Why an epoch or an attempt has no proof target.

/// An epoch that has no puzzle: its hash is not the bytes of a field element, or snarkVM cannot build the program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot build the epoch's program: {0}")]
pub struct EpochError(pub(crate) String);

/// An attempt that has no proof target: snarkVM fails it too.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvaluateError {
    /// The attempt's seed draws a field element that is zero.
    #[error("the attempt's inputs hold a zero")]
    ZeroInput,
    /// The epoch's circuit cannot be satisfied on the attempt's inputs.
    #[error("the epoch's circuit is not satisfied on the attempt's inputs")]
    Unsatisfied,
    /// The scratch memory was made by another epoch's evaluator.
    #[error("the scratch memory belongs to another epoch")]
    Scratch,
    /// snarkVM's own failure, with its text.
    #[error("snarkvm: {0}")]
    Stock(String),
}
