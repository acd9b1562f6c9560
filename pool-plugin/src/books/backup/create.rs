//! Making a backup.

use std::{
    fs,
    path::{Path, PathBuf},
};

use pool_core::types::unix_ms;

use super::{BackupError, DATABASE, DUMPS, Manifest, files};
use crate::ledger::ShareLedger;

/// Backs the books up to the folder `dir`, which must not exist or be empty, while the pool runs. `data`: the
/// pool's data folder.
pub fn create(ledger: &ShareLedger, data: &Path, dir: &Path) -> Result<Manifest, BackupError> {
    if !files::is_empty_or_missing(dir)? {
        return Err(BackupError::NotEmpty { dir: dir.to_owned() });
    }
    let partial = partial_name(dir)?;
    files::remove_folder(&partial)?;
    let dumps = partial.join(DUMPS);
    files::create_folder(&dumps)?;
    // Dumps first, then the database: a dump whose round the database does not hold would look newer than it
    // is.
    let to_copy = files::dumps_in(&data.join(DUMPS))?;
    for dump in &to_copy {
        files::copy(dump, &dumps.join(dump.file_name().unwrap_or_default()))?;
    }
    files::sync_folder(&dumps)?;
    ledger.checkpoint(&partial.join(DATABASE))?;
    let copied = ShareLedger::open_read_only(&partial.join(DATABASE))?;
    let manifest = Manifest::of(&copied, unix_ms(), to_copy.len())?;
    manifest.write(&partial)?;
    files::sync_folder(&partial)?;
    if dir.exists() {
        fs::remove_dir(dir).map_err(files::failed(dir))?;
    }
    files::rename_folder(&partial, dir)?;
    Ok(manifest)
}

/// Like [`create`], for a pool that does not run.
pub fn create_offline(data: &Path, dir: &Path) -> Result<Manifest, BackupError> {
    let database = data.join(DATABASE);
    let network = ShareLedger::open_read_only(&database)?.network();
    create(&ShareLedger::open(&database, network)?, data, dir)
}

/// The name of a backup until it is complete.
fn partial_name(dir: &Path) -> Result<PathBuf, BackupError> {
    let name = dir.file_name().and_then(|name| name.to_str()).unwrap_or("backup");
    let parent = files::parent(dir)?;
    files::create_folder(&parent)?;
    Ok(parent.join(format!(".{name}.partial")))
}
