//! Why the ledger could not do what was asked.

use std::path::{Path, PathBuf};

use pool_core::types::{BlockHash, SolutionId};

use crate::ledger::codec::{DecodeError, MAX_NAME_BYTES};

/// Why the database was not opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    #[error(
        "the share database in {dir} belongs to {found}, the node runs {wanted}: \
         give each network a data folder of its own"
    )]
    WrongNetwork { dir: PathBuf, found: String, wanted: String },
    #[error(
        "the share database in {dir} has schema {found}, this program knows up to {known}: \
         start the newer program that wrote it"
    )]
    NewerSchema { dir: PathBuf, found: u64, known: u64 },
    #[error(
        "the share database in {dir} has schema {found}, this program reads {known}: start the pool on it \
         once, which upgrades it"
    )]
    OlderSchema { dir: PathBuf, found: u64, known: u64 },
    #[error("the folder {dir} holds another program's database: name an empty folder")]
    Foreign { dir: PathBuf },
    #[error(
        "the share database in {dir} is damaged ({reason}): keep a copy of the folder, then restore a \
         backup, or move the folder away to start an empty one"
    )]
    Corrupt { dir: PathBuf, reason: String },
    #[error("the share database in {dir} is in use: stop the pool that runs on it ({reason})")]
    Locked { dir: PathBuf, reason: String },
    #[error("the folder {dir} cannot be written: check its owner and the free space ({reason})")]
    Unwritable { dir: PathBuf, reason: String },
    #[error("there is no share database in {dir}: check the data folder and the network")]
    Missing { dir: PathBuf },
    #[error("the share database in {dir} could not be read: {reason}")]
    Unreadable { dir: PathBuf, reason: String },
}

/// Why a query has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("the share database could not be read: {0}")]
    Storage(String),
    #[error("the share database holds a {record} that cannot be read ({reason}): restore a backup")]
    Corrupt { record: &'static str, reason: DecodeError },
    /// Also while the writer reopens the database after a failed write.
    #[error("the share database is closed")]
    Closed,
}

/// Why a share may not be verified.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReserveError {
    /// It is stored, or it is being verified now.
    #[error("duplicate share")]
    Duplicate,
    /// The keys of its epoch are gone, so the duplicate check is no longer possible.
    #[error("epoch {epoch} is closed, shares are taken from epoch {open_from}")]
    EpochClosed { epoch: u32, open_from: u32 },
    #[error(transparent)]
    Storage(#[from] ReadError),
}

/// Why a command changed nothing. A share with one of these errors is not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The disk or the database refused. Later commands are tried again.
    #[error("the share database could not be written: {0}")]
    Storage(String),
    /// A write reported as failed had reached the disk after all; the share counts once.
    #[error("the share is stored already, as number {seq}")]
    AlreadyStored { seq: u64 },
    #[error("epoch {epoch} is closed, shares are taken from epoch {open_from}")]
    EpochClosed { epoch: u32, open_from: u32 },
    #[error("an account or worker name is longer than {MAX_NAME_BYTES} bytes")]
    NameTooLong,
    #[error("{id} is not recorded: record it as found first")]
    UnknownSolution { id: SolutionId },
    #[error("{id} can be recorded as found or released only: the rest is learned from blocks")]
    NotFromBlock { id: SolutionId },
    #[error("a different dump of block {height} was recorded before: report this")]
    OtherDump { height: u32 },
    #[error(
        "block {height} is {stored} in the share database and {given} on the chain: \
         the database is of another chain, move its folder away"
    )]
    OtherChain { height: u32, stored: BlockHash, given: BlockHash },
    #[error("blocks are scanned up to {scanned}, which cannot go back to {height}")]
    ScannedAlready { scanned: u32, height: u32 },
    #[error("the share database was opened for reading only")]
    ReadOnly,
    #[error("the share database is closed")]
    Closed,
}

impl From<ReadError> for WriteError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Closed => Self::Closed,
            other => Self::Storage(other.to_string()),
        }
    }
}

/// Whether shares can be stored right now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LedgerHealth {
    #[default]
    Ok,
    /// The last write failed: shares are refused until one works again.
    Failing { reason: String },
}

impl LedgerHealth {
    pub fn is_ok(&self) -> bool {
        *self == Self::Ok
    }
}

pub(super) fn damaged(dir: &Path, error: ReadError) -> OpenError {
    OpenError::Corrupt { dir: dir.to_owned(), reason: error.to_string() }
}
