//! What a sink is to its [runner](crate::runner).

use crate::books::{Books, BooksError};

/// A copy of the books on some server.
pub trait Sink: Send + 'static {
    /// For logs and health: `redis`, `postgres`.
    fn name(&self) -> &'static str;

    /// The server, without its password.
    fn server(&self) -> String;

    /// Connects, and finds out how far the server's copy came.
    fn connect(&mut self, books: &dyn Books) -> Result<(), Trouble>;

    /// Carries over one portion, together with the mark of how far it came. After an error the portion may be
    /// written or not: [`connect`](Self::connect) finds out.
    fn step(&mut self, books: &dyn Books) -> Result<Step, Trouble>;

    /// How far the copy came.
    fn progress(&self) -> Progress;
}

/// What a step found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// There may be more.
    Wrote,
    /// There is more, but the books cannot tell all of it yet.
    Waiting,
    /// The copy is the books.
    CaughtUp,
}

/// How far a copy came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The number of the last share in it; `None` for a sink that takes no shares.
    pub share: Option<u64>,
    /// The height of the last block in it.
    pub block: u32,
    /// Shares that had left the ledger before they could be copied, since the start of the pool.
    pub missed: u64,
}

/// Why a sink does not go on. Whatever it is, it is tried again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The server does not answer: it will be back.
    #[error("{0}")]
    Unreachable(String),
    /// The server answers and will not have it, or holds what does not fit the ledger: somebody has to look.
    #[error("{0}")]
    Refused(String),
    /// The pool's own books could not be read.
    #[error(transparent)]
    Books(#[from] BooksError),
}
