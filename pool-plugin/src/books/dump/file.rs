//! A dump's file: its name, and how it is written, complete or not at all.

use std::{
    fs::{self, File, Permissions},
    io::{self, ErrorKind, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use crate::{
    books::dump::{DumpError, FileState},
    ledger::records::Round,
};

/// A file with the right content, and what was there before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) path: PathBuf,
    pub(super) was: FileState,
}

/// `[height]-[hash].json`.
pub fn file_name(round: &Round) -> String {
    format!("{}-{}.json", round.height, round.hash)
}

pub(super) fn compare(path: &Path, bytes: &[u8]) -> Result<FileState, DumpError> {
    match fs::read(path) {
        Ok(found) if found == bytes => Ok(FileState::Same),
        Ok(_) => Ok(FileState::Different),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(FileState::Missing),
        Err(error) => Err(failed(path, &error)),
    }
}

/// Makes `dir/name` hold `bytes`, durably. A file with other content is moved aside, never lost.
pub(super) fn place(dir: &Path, name: &str, bytes: &[u8]) -> Result<Placed, DumpError> {
    let path = dir.join(name);
    fs::create_dir_all(dir).map_err(|error| failed(dir, &error))?;
    let was = compare(&path, bytes)?;
    if was == FileState::Same {
        return Ok(Placed { path, was });
    }
    let written = write_beside(dir, name, bytes).map_err(|error| failed(&path, &error))?;
    if was == FileState::Different {
        let aside = put_aside(&path).map_err(|error| failed(&path, &error))?;
        tracing::warn!(
            file = %path.display(), old = %aside.display(),
            "a share dump differed from the database: rewrote it and kept the old one"
        );
    }
    written.persist(&path).map_err(|error| failed(&path, &error.error))?;
    File::open(dir).and_then(|folder| folder.sync_all()).map_err(|error| failed(dir, &error))?;
    Ok(Placed { path, was })
}

/// A synced file under a temporary name; gone when dropped.
fn write_beside(dir: &Path, name: &str, bytes: &[u8]) -> io::Result<tempfile::NamedTempFile> {
    let mut file = tempfile::Builder::new()
        .prefix(&format!(".{name}."))
        .suffix(".tmp")
        // Payouts may run as another user.
        .permissions(Permissions::from_mode(0o644))
        .tempfile_in(dir)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// Renames to the first free of `….bak`, `….bak2`, `….bak3` and so on.
fn put_aside(path: &Path) -> io::Result<PathBuf> {
    let aside = |number: u32| {
        let suffix = if number == 1 { ".bak".to_owned() } else { format!(".bak{number}") };
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let free = (1..=u32::MAX).map(aside).find(|candidate| !candidate.exists());
    let target = free.ok_or_else(|| io::Error::other("no free name to move the old file to"))?;
    fs::rename(path, &target)?;
    Ok(target)
}

fn failed(path: &Path, error: &io::Error) -> DumpError {
    DumpError::Io { path: path.to_owned(), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_written_once_and_other_content_is_kept_beside() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("shares");
        assert_eq!(place(&dir, "1.json", b"one").unwrap().was, FileState::Missing);
        assert_eq!(place(&dir, "1.json", b"one").unwrap().was, FileState::Same);
        assert_eq!(names(&dir), ["1.json"]);
        for new in [b"new 1", b"new 2"] {
            assert_eq!(place(&dir, "1.json", new).unwrap().was, FileState::Different);
        }
        assert_eq!(names(&dir), ["1.json", "1.json.bak", "1.json.bak2"]);
        assert_eq!(fs::read(dir.join("1.json")).unwrap(), b"new 2");
        assert_eq!(fs::read(dir.join("1.json.bak")).unwrap(), b"one");
        assert_eq!(fs::read(dir.join("1.json.bak2")).unwrap(), b"new 1");
    }

    #[test]
    fn others_may_read_a_dump() {
        let folder = tempfile::tempdir().unwrap();
        let placed = place(folder.path(), "1.json", b"one").unwrap();
        let mode = fs::metadata(placed.path).unwrap().permissions().mode();
        assert_eq!(mode & 0o200, 0o200);
        assert_eq!(mode & 0o111, 0);
    }

    #[test]
    fn a_folder_that_cannot_be_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let error = place(&file.join("shares"), "1.json", b"one").unwrap_err().to_string();
        assert!(error.contains("file/shares could not be written"), "{error}");
    }
}
