//! The share dump: one JSON file per block of ours, `[height]-[hash].json`, from which payouts are made.
//!
//! A dump is a function of the database: the same round gives the same bytes, today and after a restore.
//! `docs/share-dump.md` explains each field, `docs/share-dump.schema.json` is its JSON Schema.
//!
//! Everything here reads the disk: call it from a blocking thread.
//!
//! # Layout
//! - `document`: the fields; `build`: from a round and its shares; `check`: whether they add up; [`InvalidDump`]:
//!   what may be wrong.
//! - [`adopt`]: from a dump back to its round; `gather`: reads the shares a block pays for; `tally`: their sums.
//! - `chain`: each dump after the one before; `canonical`: digests.
//! - `text`: JSON that is also safe to show; `decimal`: numbers that JSON readers would round.
//! - `file`: names, atomic writing, moving aside.
//! - [`read_summary`]: what a dump paid, for those who only show or copy it.
//! - [`verify`]: checks dump files against themselves, the database and the chain.

mod adopt;
mod build;
mod canonical;
mod chain;
mod check;
mod decimal;
mod document;
mod errors;
mod file;
mod gather;
mod summary;
mod tally;
#[cfg(test)]
mod tests;
mod text;
pub mod verify;

use std::{
    io::Write,
    path::{Path, PathBuf},
};

pub use crate::books::dump::{
    adopt::{AdoptError, adopt},
    document::SCHEMA_VERSION,
    errors::InvalidDump,
    file::file_name,
    summary::{AccountReward, DumpSummary, RoundSum, SummaryError, read_summary},
    tally::{Sum, SumTooLarge},
};
use pool_core::types::Network;

use crate::{
    books::dump::{chain::DumpChain, file::Placed},
    ledger::{
        ReadError, ShareLedger,
        records::{DumpMark, Round},
    },
};

/// The folder of the dumps in the pool's data folder.
pub const FOLDER: &str = "shares";

/// At start, dumps are compared with the database until this many shares are read; older ones only have to
/// exist.
const SHARES_COMPARED_AT_START: u64 = 1_000_000;

/// Why there is no dump. In these cases no file is written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DumpError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("block {height} holds no solution of this pool{nearest}")]
    NoRound { height: u32, nearest: String },
    #[error("the round of block {height} lacks share {seq}: restore a backup of the database")]
    Gap { height: u32, seq: u64 },
    #[error("the round of block {height} does not add up: {reason}; no file was written, report this")]
    Sums { height: u32, reason: InvalidDump },
    #[error(
        "the dump of block {height} was published with digest {published}, and the database no longer gives \
         the same: restore a backup of the database; the file is unchanged"
    )]
    Changed { height: u32, published: String },
    #[error(
        "the dump of block {height} is missing, and its shares have been retired: copy the \
         file back from a backup"
    )]
    Left { height: u32 },
    #[error("{path} could not be written: {reason}; check the folder's owner and the free space")]
    Io { path: PathBuf, reason: String },
}

/// How a dump file compares with the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileState {
    Missing,
    Same,
    Different,
}

/// What [`write_missing`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repaired {
    /// Files that were missing.
    pub written: Vec<PathBuf>,
    /// Files that were replaced; their old content is kept in files next to them.
    pub replaced: Vec<PathBuf>,
    /// Rounds that have no correct file now, by height.
    pub failed: Vec<(u32, DumpError)>,
    /// To be stored in the ledger, by height.
    pub marks: Vec<(u32, DumpMark)>,
}

/// What [`write`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub path: PathBuf,
    /// To be stored in the ledger, by height.
    pub marks: Vec<(u32, DumpMark)>,
}

/// The bytes of a round's dump.
pub fn render(ledger: &ShareLedger, round: &Round, network: Network) -> Result<Vec<u8>, DumpError> {
    DumpChain::new(ledger, network).render(round)
}

/// Writes a round's dump into the folder `dir`, which is created if needed. A file with the same content
/// stays; one with other content is moved aside as `….json.bak`, with a warning.
pub fn write(
    dir: &Path,
    ledger: &ShareLedger,
    round: &Round,
    network: Network,
) -> Result<Written, DumpError> {
    let name = file_name(round);
    if has_left(ledger, round)? {
        let path = dir.join(name);
        let there = path.exists().then_some(Written { path, marks: Vec::new() });
        return there.ok_or(DumpError::Left { height: round.height });
    }
    let mut chain = DumpChain::new(ledger, network);
    let bytes = chain.render(round)?;
    let path = file::place(dir, &name, &bytes)?.path;
    Ok(Written { path, marks: chain.into_fresh() })
}

/// Renders the round of block `height` into `out`.
pub fn export(ledger: &ShareLedger, height: u32, out: &mut dyn Write) -> Result<(), DumpError> {
    let bytes = render(ledger, &round_at(ledger, height)?, ledger.network())?;
    let failed =
        |error: std::io::Error| DumpError::Io { path: "the output".into(), reason: error.to_string() };
    out.write_all(&bytes).and_then(|()| out.flush()).map_err(failed)
}

/// Rebuilds a round's dump and compares the file in `dir` with it.
pub fn verify(
    dir: &Path,
    ledger: &ShareLedger,
    round: &Round,
    network: Network,
) -> Result<FileState, DumpError> {
    let bytes = render(ledger, round, network)?;
    file::compare(&dir.join(file_name(round)), &bytes)
}

/// At start-up: writes the dumps that are missing and replaces, like [`write`], those of the latest rounds
/// that differ from the database. A round that fails does not stop the others.
pub fn write_missing(ledger: &ShareLedger, dir: &Path, network: Network) -> Result<Repaired, DumpError> {
    let mut repaired = Repaired::default();
    let mut chain = DumpChain::new(ledger, network);
    let mut shares_read: u64 = 0;
    for round in ledger.rounds()?.iter().rev() {
        let name = file_name(round);
        if shares_read >= SHARES_COMPARED_AT_START && dir.join(&name).exists() {
            continue;
        }
        if has_left(ledger, round)? {
            if !dir.join(&name).exists() {
                // Nothing can be done here, and nothing depends on it.
                tracing::error!("{}", DumpError::Left { height: round.height });
            }
            continue;
        }
        shares_read = shares_read.saturating_add(round.last_seq.saturating_sub(round.first_seq));
        let placed = chain.render(round).and_then(|bytes| file::place(dir, &name, &bytes));
        match placed {
            Ok(Placed { path, was: FileState::Missing }) => repaired.written.push(path),
            Ok(Placed { path, was: FileState::Different }) => repaired.replaced.push(path),
            Ok(Placed { was: FileState::Same, .. }) => {}
            Err(error) => {
                tracing::error!(height = round.height, %error, "the share dump of a round is missing");
                repaired.failed.push((round.height, error));
            }
        }
    }
    repaired.marks = chain.into_fresh();
    Ok(repaired)
}

/// Whether the file of the round's dump must exist: the mark is written after it.
pub fn is_published(ledger: &ShareLedger, round: &Round) -> Result<bool, ReadError> {
    Ok(round.basis.is_none() || ledger.dump_mark(round.height)?.is_some())
}

/// Whether shares of the round have been retired: then the file is their only record.
fn has_left(ledger: &ShareLedger, round: &Round) -> Result<bool, ReadError> {
    let mark = ledger.dump_mark(round.height)?;
    let oldest = mark.map_or(round.first_seq, |mark| mark.window_first_seq.min(round.first_seq));
    Ok(oldest <= round.last_seq && oldest < ledger.shares_from()?)
}

fn round_at(ledger: &ShareLedger, height: u32) -> Result<Round, DumpError> {
    if let Some(round) = ledger.round(height)? {
        return Ok(round);
    }
    let heights: Vec<u32> = ledger.rounds()?.iter().map(|round| round.height).collect();
    let below = heights.iter().rev().find(|other| **other < height);
    let above = heights.iter().find(|other| **other > height);
    let nearest = match (below, above) {
        (None, None) => ", and no other block does yet".to_owned(),
        (Some(one), None) | (None, Some(one)) => format!("; the nearest that does is {one}"),
        (Some(one), Some(other)) => format!("; the nearest that do are {one} and {other}"),
    };
    Err(DumpError::NoRound { height, nearest })
}
