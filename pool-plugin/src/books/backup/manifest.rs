//! What a backup says about itself.

use std::{fmt, fs, path::Path};

use serde::{Deserialize, Serialize};

use super::{BackupError, files};
use crate::ledger::{ReadError, ShareLedger};

const NAME: &str = "backup.json";
const VERSION: u32 = 1;

/// `backup.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub version: u32,
    pub network: String,
    /// Unix milliseconds.
    pub created_ms: u64,
    pub shares_from: u64,
    pub last_seq: u64,
    /// The last block whose rewards were accounted.
    pub scanned_height: Option<u32>,
    pub dumps: usize,
}

impl fmt::Display for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { network, shares_from, last_seq, .. } = self;
        let dumps = pool_core::types::counted(self.dumps, "dump");
        write!(f, "backup of a {network} pool: shares {shares_from} to {last_seq}, {dumps}")?;
        self.scanned_height.map_or(Ok(()), |height| write!(f, ", blocks up to {height}"))
    }
}

impl Manifest {
    pub(super) fn of(ledger: &ShareLedger, created_ms: u64, dumps: usize) -> Result<Self, ReadError> {
        Ok(Self {
            version: VERSION,
            network: ledger.network().name().to_owned(),
            created_ms,
            shares_from: ledger.shares_from()?,
            last_seq: ledger.last_seq()?,
            scanned_height: ledger.scanned_height()?,
            dumps,
        })
    }

    pub(super) fn write(&self, dir: &Path) -> Result<(), BackupError> {
        let path = dir.join(NAME);
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| BackupError::Io { path: path.clone(), reason: error.into() })?;
        files::write(&path, &text)
    }

    pub(super) fn read(dir: &Path) -> Result<Self, BackupError> {
        let none = |reason: String| BackupError::NoBackup { dir: dir.to_owned(), reason };
        let text =
            fs::read(dir.join(NAME)).map_err(|error| none(format!("its {NAME} cannot be read ({error})")))?;
        let manifest: Self = serde_json::from_slice(&text)
            .map_err(|error| none(format!("its {NAME} is not valid ({error})")))?;
        if manifest.version > VERSION {
            return Err(none(format!("it has version {}, this program knows {VERSION}", manifest.version)));
        }
        Ok(manifest)
    }
}
