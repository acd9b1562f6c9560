//! The interface between a sink and its [runner](crate::runner).

use crate::books::{Books, BooksError};

/// A copy of the books on some server.
pub trait Sink: Send + 'static {
    /// For logs and health: `redis`, `postgres`.
    fn name(&self) -> &'static str;

    /// The server, without its password.
    fn server(&self) -> String;

    /// Connects, and finds out the position of the server's copy.
    fn connect(&mut self, books: &dyn Books) -> Result<(), Trouble>;

    /// Copies one portion, together with its position. After an error the portion may be written or not:
    /// [`connect`](Self::connect) finds out.
    fn step(&mut self, books: &dyn Books) -> Result<Step, Trouble>;

    /// The position of the copy.
    fn progress(&self) -> Progress;
}

/// The result of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// There may be more.
    Wrote,
    /// There is more, but the books do not have all of it yet.
    Waiting,
    /// The copy is complete.
    CaughtUp,
}

/// The position of a copy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The number of the last share in it; `None` for a sink that takes no shares.
    pub share: Option<u64>,
    /// The height of the last block in it.
    pub block: u32,
    /// Shares that were retired before they could be copied, since the start of the pool.
    pub missed: u64,
}

/// Why a sink has stopped. All of these are retried.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The server does not answer: it will be back.
    #[error("{0}")]
    Unreachable(String),
    /// The server answers and refuses, or its data does not fit the ledger: the operator has to act.
    #[error("{0}")]
    Refused(String),
    /// The pool's own books could not be read.
    #[error(transparent)]
    Books(#[from] BooksError),
}
