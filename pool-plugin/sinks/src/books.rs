//! The books that the sinks read. The pool implements [`Books`] over its share ledger, its share dumps and
//! the node's chain; the sinks know nothing of these.

use std::sync::Arc;

use pool_core::types::Worker;

/// A shared handle to the books.
pub type SharedBooks = Arc<dyn Books>;

/// The books could not be read. The text says what was read and why it failed; the read is retried.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BooksError(pub String);

/// Reads of the pool's books. Calls may wait for the disk, never for a network.
pub trait Books: Send + Sync + 'static {
    /// The ledger's present life.
    fn life(&self) -> Result<Life, BooksError>;

    /// The number of the first share that is kept, and the highest a share has had; `None` before the first share.
    fn stored(&self) -> Result<Option<(u64, u64)>, BooksError>;

    /// At most `limit` shares from number `first` on, in their order. Fewer than `limit`: there are no more.
    fn shares(&self, first: u64, limit: usize) -> Result<Vec<Share>, BooksError>;

    /// At most `limit` blocks of ours above `height`, by height.
    fn blocks(&self, height: u32, limit: usize) -> Result<Vec<Block>, BooksError>;

    /// The hash of our block at `height`; `None` if the block there is not ours.
    fn block_hash(&self, height: u32) -> Result<Option<String>, BooksError>;

    /// At most `limit` share dumps of blocks above `height`, by height. A block whose dump is not written yet
    /// ends the list.
    fn dumps(&self, height: u32, limit: usize) -> Result<Vec<Dump>, BooksError>;
}

/// A ledger that was restored from a backup gives numbers again that other shares had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Life {
    /// How many times a backup was restored.
    pub number: u64,
    /// Shares up to this number are from the previous life; 0 in the first.
    pub goes_on_after: u64,
}

/// An accepted share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    pub seq: u64,
    pub worker: Worker,
    /// The assigned target: its credit.
    pub target: u64,
    /// Unix milliseconds.
    pub time_ms: u64,
    /// Distinguishes this share from one of another ledger with the same number.
    pub mark: String,
}

/// A block with solutions of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    pub height: u32,
    pub hash: String,
    pub previous_hash: String,
    /// Unix seconds.
    pub timestamp: i64,
    /// The proof target its solutions had to reach.
    pub proof_target: u64,
    /// Size of the whole block, in bytes.
    pub size: u64,
    pub job_id: String,
    pub solutions: Vec<Solution>,
}

/// A landed solution of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Solution {
    pub id: String,
    pub counter: u64,
    /// The target it reached.
    pub target: u64,
    /// Microcredits.
    pub reward: u64,
    /// `None`: the pool has no record of the find.
    pub finder: Option<Worker>,
}

/// The rewards in a share dump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dump {
    pub height: u32,
    pub hash: String,
    pub rewards: Vec<Reward>,
}

/// An account's part of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reward {
    pub account: String,
    /// Microcredits.
    pub amount: u64,
}
