//! What a dump says its block paid, for those who only show or copy it. Nothing is checked beyond what is read:
//! `check` judges a dump.

use std::{
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::{
    books::dump::{decimal, file_name},
    ledger::records::Round,
};

/// Why there is no summary.
#[derive(Debug, thiserror::Error)]
pub enum SummaryError {
    /// Dumps are written in the order of their blocks: this one may still be to come.
    #[error("the dump {} is missing", .path.display())]
    Missing { path: PathBuf },
    #[error("the dump {}: {reason}", .path.display())]
    Unreadable { path: PathBuf, reason: io::Error },
    #[error("the dump {}: {reason}", .path.display())]
    NotADump { path: PathBuf, reason: serde_json::Error },
}

/// A dump without its solutions and workers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct DumpSummary {
    /// The block's. This and what follows is missing in dumps of version 1.
    #[serde(default, with = "decimal::option")]
    pub proof_target: Option<u64>,
    /// The shares since the previous block of ours, not those of the window.
    pub round: Option<RoundSum>,
    /// SHA-256 in hexadecimal.
    pub digest: Option<String>,
    /// By name, bytewise.
    pub accounts: Vec<AccountReward>,
}

/// The shares of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct RoundSum {
    pub count: u64,
    /// The sum of their targets.
    #[serde(with = "decimal")]
    pub credit: u128,
}

/// What a block paid an account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AccountReward {
    pub account: String,
    /// Microcredits; missing in dumps of version 1.
    #[serde(default, with = "decimal::option")]
    pub reward: Option<u64>,
}

/// Reads the dump of `round` in the folder `dir`.
pub fn read_summary(dir: &Path, round: &Round) -> Result<DumpSummary, SummaryError> {
    let path = dir.join(file_name(round));
    match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|reason| SummaryError::NotADump { path, reason }),
        Err(reason) if reason.kind() == ErrorKind::NotFound => Err(SummaryError::Missing { path }),
        Err(reason) => Err(SummaryError::Unreadable { path, reason }),
    }
}
