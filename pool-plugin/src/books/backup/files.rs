//! File operations that are durable when the call returns.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::BackupError;

pub(super) fn failed(path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.to_owned();
    move |reason| BackupError::Io { path, reason }
}

pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), BackupError> {
    let written = File::create(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(failed(path))
}

/// Copies under a temporary name first, so that a partial copy is never mistaken for the file.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), BackupError> {
    let mut name = OsString::from(".");
    name.push(to.file_name().unwrap_or_default());
    let part = to.with_file_name(name);
    let copied = fs::copy(from, &part).and_then(|_| File::open(&part)?.sync_all());
    copied.and_then(|()| fs::rename(&part, to)).map_err(failed(to))
}

pub(super) fn sync_folder(dir: &Path) -> Result<(), BackupError> {
    File::open(dir).and_then(|folder| folder.sync_all()).map_err(failed(dir))
}

pub(super) fn create_folder(dir: &Path) -> Result<(), BackupError> {
    fs::create_dir_all(dir).map_err(failed(dir))
}

/// Gives a finished folder its final name.
pub(super) fn rename_folder(from: &Path, to: &Path) -> Result<(), BackupError> {
    fs::rename(from, to).map_err(failed(to))?;
    sync_folder(&parent(to)?)
}

pub(super) fn parent(path: &Path) -> Result<PathBuf, BackupError> {
    let absolute = std::path::absolute(path).map_err(failed(path))?;
    Ok(absolute.parent().map_or_else(|| absolute.clone(), Path::to_owned))
}

pub(super) fn remove_folder(dir: &Path) -> Result<(), BackupError> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(dir)(error)),
        _ => Ok(()),
    }
}

/// The plain files of a folder; empty if there is no such folder.
pub(super) fn files_in(dir: &Path) -> Result<Vec<PathBuf>, BackupError> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed(dir))?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed(dir))?.path();
        if path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Complete dumps, by name; other files in their folder are ignored.
pub(super) fn dumps_in(dir: &Path) -> Result<Vec<PathBuf>, BackupError> {
    let is_dump = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        !name.starts_with('.') && name.ends_with(".json")
    };
    Ok(files_in(dir)?.into_iter().filter(is_dump).collect())
}

pub(super) fn is_empty_or_missing(dir: &Path) -> Result<bool, BackupError> {
    match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        entries => Ok(entries.map_err(failed(dir))?.next().is_none()),
    }
}
