//! Restoring a backup.

use std::{fmt, fs, path::Path};

use pool_core::types::Network;

use super::{BackupError, DATABASE, DUMPS, Manifest, check::check, files};
use crate::{
    books::dump,
    ledger::{ShareLedger, records::Adopted},
};

/// What was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    pub manifest: Manifest,
    /// The blocks whose dumps are newer than the backup: they count as they were dumped.
    pub newer_dumps: Vec<u32>,
    /// Dumps that were missing and were restored.
    pub dumps_back: usize,
}

impl fmt::Display for Restored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "restored the {}", self.manifest)?;
        let (restored, newer) = (self.dumps_back, self.newer_dumps.len());
        writeln!(
            f,
            "restored {}; existing dumps stayed",
            pool_core::types::counted(restored, "missing dump")
        )?;
        writeln!(f, "kept {}", pool_core::types::counted(newer, "newer dump"))?;
        write!(f, "start the pool: shares are credited from the next epoch on")
    }
}

/// Restores the backup in `dir` to the data folder `data` of a pool that does not run. Refuses to overwrite a
/// database; dumps that exist stay as they are.
pub fn restore(dir: &Path, data: &Path) -> Result<Restored, BackupError> {
    let manifest = Manifest::read(dir)?;
    let damaged = |reason: String| BackupError::Damaged { dir: dir.to_owned(), reason };
    let network = Network::from_name(&manifest.network)
        .ok_or_else(|| damaged(format!("it is of an unknown network '{}'", manifest.network)))?;
    let database = data.join(DATABASE);
    if !files::is_empty_or_missing(&database)? {
        return Err(BackupError::WouldOverwrite { dir: database });
    }

    // What an interrupted attempt left is removed first.
    let partial = data.join(format!("{DATABASE}.restoring"));
    files::remove_folder(&partial)?;
    files::create_folder(&partial)?;
    for file in files::files_in(&dir.join(DATABASE))? {
        files::copy(&file, &partial.join(file.file_name().unwrap_or_default()))?;
    }
    let ledger = ShareLedger::open(&partial, network)?;
    if let Some(reason) = check(&ledger, &manifest)? {
        return Err(damaged(reason));
    }
    let dumps_back = bring_back_dumps(dir, data)?;
    let adopted = newer_dumps(&ledger, data, network)?;
    let newer_dumps = adopted.iter().map(|one| one.round.height).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(files::failed(&partial))?;
    runtime.block_on(async {
        ledger.take_up(adopted).await?;
        ledger.close().await;
        Ok::<_, BackupError>(())
    })?;
    if database.exists() {
        fs::remove_dir(&database).map_err(files::failed(&database))?;
    }
    files::rename_folder(&partial, &database)?;
    Ok(Restored { manifest, newer_dumps, dumps_back })
}

/// Copies the dumps that are missing; existing ones stay.
fn bring_back_dumps(dir: &Path, data: &Path) -> Result<usize, BackupError> {
    let dumps = data.join(DUMPS);
    files::create_folder(&dumps)?;
    let mut back = 0;
    for dump in files::dumps_in(&dir.join(DUMPS))? {
        let to = dumps.join(dump.file_name().unwrap_or_default());
        if !to.exists() {
            files::copy(&dump, &to)?;
            back += 1;
        }
    }
    files::sync_folder(&dumps)?;
    Ok(back)
}

/// The rounds that were dumped and that the database does not know, by height.
fn newer_dumps(ledger: &ShareLedger, data: &Path, network: Network) -> Result<Vec<Adopted>, BackupError> {
    let mut newer = Vec::new();
    for path in files::dumps_in(&data.join(DUMPS))? {
        let bytes = fs::read(&path).map_err(files::failed(&path))?;
        let adopted = dump::adopt(&bytes, network)
            .map_err(|reason| BackupError::Dump { path: path.clone(), reason })?;
        if ledger.round(adopted.round.height)?.is_none() {
            newer.push(adopted);
        }
    }
    newer.sort_by_key(|one| one.round.height);
    check_none_is_missing(ledger, data, &newer)?;
    Ok(newer)
}

/// Otherwise the rounds in between would be dumped again, after rounds that are already closed.
fn check_none_is_missing(ledger: &ShareLedger, data: &Path, newer: &[Adopted]) -> Result<(), BackupError> {
    let mut before = ledger.rounds()?.pop();
    for Adopted { round, .. } in newer {
        let expected = before.as_ref().map_or(1, |before| before.last_seq.saturating_add(1));
        if round.first_seq != expected {
            let path = data.join(DUMPS).join(round.height.to_string());
            return Err(BackupError::DumpBefore { path, first_seq: round.first_seq, expected });
        }
        before = Some(round.clone());
    }
    Ok(())
}
