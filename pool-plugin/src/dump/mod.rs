//! The share dump: one JSON file per block of ours, `[height]-[hash].json`, from which payouts are made.
//!
//! A dump is a function of the database: the same round gives the same bytes, today and after a restore.
//! `docs/share-dump.md` explains each field, `docs/share-dump.schema.json` is its JSON Schema.
//!
//! Everything here reads the disk: call it from a blocking thread.
//!
//! # Layout
//! - `document`: the fields, and the check that they add up.
//! - `tally`: from a stream of shares to sums.
//! - `text`: JSON that is also safe to show.
//! - `file`: names, atomic writing, putting aside.

mod document;
mod file;
mod tally;
mod text;

use std::{
    io::Write,
    path::{Path, PathBuf},
};

pub use crate::dump::{document::SCHEMA_VERSION, file::file_name};
use crate::{
    chain::Network,
    dump::{document::Document, file::Placed, tally::Tally},
    ledger::{ReadError, ShareLedger, records::Round},
};

/// At start, dumps are compared with the database until this many shares are read; older ones only have to
/// exist.
const SHARES_COMPARED_AT_START: u64 = 1_000_000;

/// Why there is no dump. No file is written then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DumpError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("block {height} holds no solution of this pool{nearest}")]
    NoRound { height: u32, nearest: String },
    #[error("the round of block {height} lacks share {seq}: restore a backup of the database")]
    Gap { height: u32, seq: u64 },
    #[error("the round of block {height} does not add up: {reason}; no file was written, report this")]
    Sums { height: u32, reason: String },
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
pub struct Mended {
    /// Files that were not there.
    pub written: Vec<PathBuf>,
    /// Files that were replaced; what they held is beside them.
    pub replaced: Vec<PathBuf>,
    /// Rounds that have no correct file now, by height.
    pub failed: Vec<(u32, DumpError)>,
}

/// The bytes of a round's dump.
pub fn render(ledger: &ShareLedger, round: &Round, network: Network) -> Result<Vec<u8>, DumpError> {
    let height = round.height;
    let sums = |reason: String| DumpError::Sums { height, reason };
    let mut tally = Tally::default();
    let mut expected_seq = round.first_seq;
    for row in ledger.shares(round.first_seq, round.last_seq) {
        let (seq, share) = row?;
        if seq != expected_seq {
            return Err(DumpError::Gap { height, seq: expected_seq });
        }
        expected_seq = seq.saturating_add(1);
        tally.add(&share.worker, share.target).map_err(sums)?;
    }
    if expected_seq <= round.last_seq {
        return Err(DumpError::Gap { height, seq: expected_seq });
    }
    let document = Document::new(round, network, tally).map_err(sums)?;
    document.check().map_err(sums)?;
    document.to_json().map_err(sums)
}

/// Writes a round's dump into the folder `dir`, which is created if needed. A file with the same content
/// stays as it is; one with other content is put aside as `….json.bak`, with a warning.
pub fn write(
    dir: &Path,
    ledger: &ShareLedger,
    round: &Round,
    network: Network,
) -> Result<PathBuf, DumpError> {
    let bytes = render(ledger, round, network)?;
    file::place(dir, &file_name(round), &bytes).map(|placed| placed.path)
}

/// Renders the round of block `height` into `out`.
pub fn export(ledger: &ShareLedger, height: u32, out: &mut dyn Write) -> Result<(), DumpError> {
    let bytes = render(ledger, &round_at(ledger, height)?, ledger.network())?;
    let failed =
        |error: std::io::Error| DumpError::Io { path: "the output".into(), reason: error.to_string() };
    out.write_all(&bytes).and_then(|()| out.flush()).map_err(failed)
}

/// As [`write`], for the round of block `height`.
pub fn write_height(dir: &Path, ledger: &ShareLedger, height: u32) -> Result<PathBuf, DumpError> {
    write(dir, ledger, &round_at(ledger, height)?, ledger.network())
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

/// For start-up: writes the dumps that are not there and replaces, as [`write`] does, those of the latest
/// rounds that differ from the database. A round that fails does not keep the others from their files.
pub fn write_missing(ledger: &ShareLedger, dir: &Path, network: Network) -> Result<Mended, DumpError> {
    let mut mended = Mended::default();
    let mut shares_read: u64 = 0;
    for round in ledger.rounds()?.iter().rev() {
        let name = file_name(round);
        if shares_read >= SHARES_COMPARED_AT_START && dir.join(&name).exists() {
            continue;
        }
        shares_read = shares_read.saturating_add(round.last_seq.saturating_sub(round.first_seq));
        let placed = render(ledger, round, network).and_then(|bytes| file::place(dir, &name, &bytes));
        match placed {
            Ok(Placed { path, was: FileState::Missing }) => mended.written.push(path),
            Ok(Placed { path, was: FileState::Different }) => mended.replaced.push(path),
            Ok(Placed { was: FileState::Same, .. }) => {}
            Err(error) => {
                tracing::error!(height = round.height, %error, "the share dump of a round is missing");
                mended.failed.push((round.height, error));
            }
        }
    }
    Ok(mended)
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
