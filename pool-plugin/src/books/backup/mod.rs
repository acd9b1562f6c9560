//! Backups of the pool's books, and their return.
//!
//! A backup is a folder with `db/`, the database as it was at one moment, `shares/`, the dumps of that time,
//! and `backup.json`, which says what it is and is written last. It is made beside a running pool, whose
//! database only its own process may copy.
//!
//! What a backup does not hold was lost, yet some of it was paid for. [`restore`] sees to it that nothing is
//! credited or dumped again: `docs/storage.md` says how.
//!
//! Everything here reads and writes the disk: call it from a blocking thread.
//!
//! # Layout
//! - `handle`: asks a running pool for one.
//! - `create`: making one; `manifest`: what it says of itself.
//! - `restore`: putting it back; `check`: whether the books hold.
//! - `files`: copying so that it lasts.

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
use crate::ledger::{OpenError, ReadError, WriteError};

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
    #[error("{dir} is no backup: {reason}")]
    NoBackup { dir: PathBuf, reason: String },
    #[error("the backup in {dir} does not hold together: {reason}; take another one")]
    Damaged { dir: PathBuf, reason: String },
    #[error("the dump {path} cannot be taken over: {reason}; check it with `snarkos pool verify`")]
    Dump { path: PathBuf, reason: String },
    #[error("{path} could not be read or written: {reason}")]
    Io { path: PathBuf, reason: std::io::Error },
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Of the pool's data folder.
const DATABASE: &str = "db";
const DUMPS: &str = "shares";
