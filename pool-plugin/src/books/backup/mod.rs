//! Backups of the pool's books, and their restoration.
//!
//! A backup is a folder with `db/`, the database at one moment, `shares/`, the dumps of that time, and
//! `backup.json`, which describes it and is written last. It is made while the pool runs, since only the
//! pool's own process may copy its database.
//!
//! Shares newer than the backup are lost, yet some of them were paid for. [`restore`] makes sure that nothing
//! is credited or dumped again: `docs/storage.md` says how.
//!
//! Everything here reads and writes the disk: call it from a blocking thread.
//!
//! # Layout
//! - `handle`: asks a running pool for one.
//! - `create`: making one; `manifest`: what it says about itself.
//! - `restore`: putting it back; `check`: whether the books are consistent.
//! - `files`: durable copies.

mod check;
mod create;
mod files;
mod handle;
mod manifest;
mod restore;

use std::path::PathBuf;

pub use self::{
    create::{create, create_offline},
    handle::BackupHandle,
    manifest::Manifest,
    restore::{Restored, restore},
};
use crate::{
    books::dump::{AdoptError, FOLDER as DUMPS},
    ledger::{FOLDER as DATABASE, OpenError, ReadError, WriteError},
};

/// Why there is no backup, or why it was not put back.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("{dir} is not empty: name a folder that does not exist yet")]
    NotEmpty { dir: PathBuf },
    #[error("another backup is under way: wait for it")]
    UnderWay,
    #[error(
        "{dir} holds a database already: move the folder away first, and keep it until the pool runs again"
    )]
    WouldOverwrite { dir: PathBuf },
    #[error("{dir} is not a backup: {reason}")]
    NoBackup { dir: PathBuf, reason: String },
    #[error("the backup in {dir} is inconsistent: {reason}; use another backup")]
    Damaged { dir: PathBuf, reason: String },
    #[error("the dump {path} cannot be taken over: {reason}; check it with `snarkos pool verify`")]
    Dump { path: PathBuf, reason: AdoptError },
    #[error(
        "the dump {path} cannot be taken over: its round begins with share {first_seq}, not {expected}: the dump of \
         an earlier block is missing; restore that file; check it with `snarkos pool verify`"
    )]
    DumpBefore { path: PathBuf, first_seq: u64, expected: u64 },
    #[error("{path} could not be read or written: {reason}")]
    Io { path: PathBuf, reason: std::io::Error },
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Write(#[from] WriteError),
}
