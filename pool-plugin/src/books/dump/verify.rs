//! Checks dump files: each by itself, one after another, against the database they were made from, and
//! against the chain as a node's REST port shows it.
//!
//! `scripts/verify_dump.py` does the same without this program, except for the database.

use std::{
    collections::BTreeSet,
    fmt, fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use pool_core::{chain::node_rest_client::RestNode, types::Network};

use super::{DumpError, FOLDER, InvalidDump, check, document::Document, file_name, is_published, render};
use crate::ledger::{self, OpenError, ReadError, ShareLedger};

/// Why no file could be judged.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error("name dump files, or the pool's data folder with --data")]
    Nothing,
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("{path} could not be read: {reason}")]
    Folder { path: PathBuf, reason: io::Error },
    #[error("the result could not be written: {0}")]
    Output(#[from] io::Error),
}

/// The verdict on a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// With the checks that were made.
    Right(Vec<&'static str>),
    Wrong(Mistake),
    /// All checks passed so far, but one could not be made.
    Unknown(String),
}

/// Why a file is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    #[error("{0}")]
    Unreadable(String),
    #[error(transparent)]
    Dump(#[from] InvalidDump),

    // Against the database.
    #[error("in the database block {height} holds no solution of ours")]
    NoRound { height: u32 },
    #[error("the database gives a different dump")]
    OtherDump,
    #[error(transparent)]
    Rebuilt(DumpError),

    // Against the chain.
    #[error("its network is unknown")]
    Network,
    #[error("the chain's block is {0}")]
    Hash(String),
    #[error("the block is of {0}")]
    Timestamp(i64),
    #[error("the block's proof target is {0}")]
    ProofTarget(u64),
    #[error("the block pays {0} to this pool")]
    Payments(String),
}

/// How many files got which verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub right: usize,
    pub wrong: usize,
    pub unknown: usize,
}

/// Checks `files`, or all dumps in the data folder if there are none, and writes a line for each to `out`.
/// `data`: the pool's data folder, which a pool may be using; `node`: a node's REST address.
pub fn run(
    files: &[PathBuf],
    data: Option<&Path>,
    node: Option<&str>,
    out: &mut dyn Write,
) -> Result<Summary, VerifyError> {
    let mut paths: BTreeSet<PathBuf> = files.iter().cloned().collect();
    let all_of = match data {
        Some(data) if paths.is_empty() => Some(data.join(FOLDER)),
        None if paths.is_empty() => return Err(VerifyError::Nothing),
        _ => None,
    };
    // Before the database is opened, which shows its state at that moment: a running pool may write both.
    if let Some(dir) = &all_of {
        paths = files_in(dir)?;
    }
    let ledger = data.map(|data| ShareLedger::open_read_only(&data.join(ledger::FOLDER))).transpose()?;
    if let (Some(dir), Some(ledger)) = (&all_of, &ledger) {
        paths.extend(published(ledger)?.iter().map(|name| dir.join(name)));
    }
    let node = node.map(RestNode::new);
    let mut summary = Summary::default();
    for (path, verdict) in verify(paths, ledger.as_ref(), node.as_ref()) {
        writeln!(out, "{}: {verdict}", path.display())?;
        match verdict {
            Verdict::Right(_) => summary.right += 1,
            Verdict::Wrong(_) => summary.wrong += 1,
            Verdict::Unknown(_) => summary.unknown += 1,
        }
    }
    Ok(summary)
}

/// The names of the files that must exist.
fn published(ledger: &ShareLedger) -> Result<Vec<String>, ReadError> {
    let mut names = Vec::new();
    for round in ledger.rounds()? {
        if is_published(ledger, &round)? {
            names.push(file_name(&round));
        }
    }
    Ok(names)
}

fn files_in(dir: &Path) -> Result<BTreeSet<PathBuf>, VerifyError> {
    let failed = |reason: io::Error| VerifyError::Folder { path: dir.to_owned(), reason };
    let mut paths = BTreeSet::new();
    for entry in fs::read_dir(dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            paths.insert(path);
        }
    }
    Ok(paths)
}

/// The verdict on each file, by height; unreadable ones first.
pub fn verify(
    paths: impl IntoIterator<Item = PathBuf>,
    ledger: Option<&ShareLedger>,
    node: Option<&RestNode>,
) -> Vec<(PathBuf, Verdict)> {
    let mut verdicts = Vec::new();
    let mut dumps = Vec::new();
    for path in paths {
        match read(&path) {
            Ok((document, bytes)) => dumps.push((document, bytes, path)),
            Err(mistake) => verdicts.push((path, Verdict::Wrong(mistake))),
        }
    }
    dumps.sort_by_key(|(document, ..)| document.height);
    let mut before: Option<&Document> = None;
    for (document, bytes, path) in &dumps {
        verdicts.push((path.clone(), judge(document, bytes, before, ledger, node)));
        before = Some(document);
    }
    verdicts
}

fn read(path: &Path) -> Result<(Document, Vec<u8>), Mistake> {
    let bytes = fs::read(path).map_err(|error| Mistake::Unreadable(error.to_string()))?;
    Ok((Document::read(&bytes)?, bytes))
}

fn judge(
    document: &Document,
    bytes: &[u8],
    before: Option<&Document>,
    ledger: Option<&ShareLedger>,
    node: Option<&RestNode>,
) -> Verdict {
    let mut checks = vec!["sums"];
    if let Err(mistake) = check::check(document) {
        return Verdict::Wrong(mistake.into());
    }
    if document.settlement.is_some() {
        checks.extend(["digest", "split"]);
    }
    if let Some(before) = before {
        if let Err(mistake) = check::check_link(before, document) {
            return Verdict::Wrong(mistake.into());
        }
        if document.link.is_some() {
            checks.push("chain");
        }
    }
    let mut unknown = None;
    let database = ledger.map(|ledger| ("shares", against_database(document, bytes, ledger)));
    let chain = node.map(|node| ("block", against_chain(document, node)));
    for (name, verdict) in database.into_iter().chain(chain) {
        match verdict {
            Ok(()) => checks.push(name),
            Err(Fault::Left) => checks.push("its shares have been retired"),
            Err(Fault::Wrong(mistake)) => return Verdict::Wrong(mistake),
            Err(Fault::Unknown(reason)) => unknown = Some(reason),
        }
    }
    unknown.map_or(Verdict::Right(checks), Verdict::Unknown)
}

enum Fault {
    /// Its shares are no longer kept.
    Left,
    Wrong(Mistake),
    Unknown(String),
}

impl From<Mistake> for Fault {
    fn from(mistake: Mistake) -> Self {
        Self::Wrong(mistake)
    }
}

/// Whether its shares give the same dump, byte for byte.
fn against_database(document: &Document, bytes: &[u8], ledger: &ShareLedger) -> Result<(), Fault> {
    let unknown = |error: ReadError| Fault::Unknown(error.to_string());
    let Some(round) = ledger.round(document.height).map_err(unknown)? else {
        return Err(Mistake::NoRound { height: document.height }.into());
    };
    match render(ledger, &round, ledger.network()) {
        Ok(rendered) if rendered == bytes => Ok(()),
        Ok(_) => Err(Mistake::OtherDump.into()),
        Err(DumpError::Gap { seq, .. }) if ledger.shares_from().is_ok_and(|kept| seq < kept) => {
            Err(Fault::Left)
        }
        Err(error @ (DumpError::Changed { .. } | DumpError::Sums { .. })) => {
            Err(Mistake::Rebuilt(error).into())
        }
        Err(error) => Err(Fault::Unknown(error.to_string())),
    }
}

/// Whether the block is in the chain, and pays this pool exactly what the dump says.
fn against_chain(document: &Document, node: &RestNode) -> Result<(), Fault> {
    let network = Network::from_name(&document.network).ok_or(Mistake::Network)?;
    let block = node.block(network, document.height).map_err(Fault::Unknown)?;
    if block.hash != document.hash {
        return Err(Mistake::Hash(block.hash).into());
    }
    if block.timestamp != document.timestamp {
        return Err(Mistake::Timestamp(block.timestamp).into());
    }
    if document.settlement.as_ref().is_some_and(|given| given.proof_target != block.proof_target) {
        return Err(Mistake::ProofTarget(block.proof_target).into());
    }
    let mut addresses: BTreeSet<&str> =
        document.solutions.iter().map(|solution| solution.address.as_str()).collect();
    addresses.insert(&document.pool_address);
    let real = block.solutions.iter().filter(|solution| addresses.contains(solution.address.as_str()));
    let real: Vec<_> = real
        .map(|one| (one.id.as_str(), one.address.as_str(), one.counter, one.target, one.reward))
        .collect();
    let stated: Vec<_> = document
        .solutions
        .iter()
        .map(|one| (one.id.as_str(), one.address.as_str(), one.counter, one.target, one.reward))
        .collect();
    if stated != real {
        return Err(Mistake::Payments(format!("{real:?}")).into());
    }
    Ok(())
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Right(checks) => write!(f, "right ({})", checks.join(", ")),
            Self::Wrong(mistake) => write!(f, "WRONG: {mistake}"),
            Self::Unknown(reason) => write!(f, "not checked in full: {reason}"),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} right, {} wrong, {} not checked in full", self.right, self.wrong, self.unknown)
    }
}
