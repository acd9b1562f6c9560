//! Remembers across restarts that the network runs a consensus version which this release does not know: by
//! then its peers refuse the node, so it would not learn of it again.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::following::NewerVersion;

/// The file's name in the pool's data folder.
pub const NAME: &str = "newer-version.json";

/// Its path and its content.
#[derive(Debug)]
pub struct NewerVersionFile {
    path: PathBuf,
    written: Option<NewerVersion>,
}

#[derive(Serialize, Deserialize)]
struct Content {
    schema: u8,
    version: u16,
    height: u32,
    since: i64,
}

impl NewerVersionFile {
    /// Reads the file; an unreadable one counts as missing, since its content is found out again or does not
    /// matter.
    pub fn open(data: &Path) -> Self {
        let path = data.join(NAME);
        let written = match read(&path) {
            Ok(content) => content,
            Err(reason) => {
                tracing::warn!(file = %path.display(), %reason, "ignoring an unreadable file");
                None
            }
        };
        Self { path, written }
    }

    pub fn content(&self) -> Option<NewerVersion> {
        self.written
    }

    /// Makes the file hold this. A failure is logged, and the write is retried at the next change.
    pub fn keep(&mut self, newer: Option<NewerVersion>) {
        if newer == self.written {
            return;
        }
        match write(&self.path, newer) {
            Ok(()) => self.written = newer,
            Err(reason) => {
                tracing::warn!(file = %self.path.display(), %reason, "could not remember the newer consensus version");
            }
        }
    }
}

fn read(path: &Path) -> io::Result<Option<NewerVersion>> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let Content { version, height, since, .. } = serde_json::from_slice(&text)?;
    Ok(Some(NewerVersion { version, height, since }))
}

fn write(path: &Path, newer: Option<NewerVersion>) -> io::Result<()> {
    let Some(NewerVersion { version, height, since }) = newer else {
        return match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
    };
    let text = serde_json::to_vec(&Content { schema: 1, version, height, since })?;
    let part = path.with_extension("json.part");
    let mut file = fs::File::create(&part)?;
    io::Write::write_all(&mut file, &text)?;
    file.sync_all()?;
    fs::rename(&part, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_there_after_a_restart_until_it_is_old_news() {
        let folder = tempfile::tempdir().unwrap();
        let newer = NewerVersion { version: 23, height: 30, since: 1_700_000_000 };
        let mut file = NewerVersionFile::open(folder.path());
        assert_eq!(file.content(), None);
        file.keep(Some(newer));
        assert_eq!(NewerVersionFile::open(folder.path()).content(), Some(newer));
        file.keep(None);
        assert_eq!(NewerVersionFile::open(folder.path()).content(), None);
        file.keep(None);
    }

    #[test]
    fn a_broken_file_is_as_none() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["", "{", "[]", r#"{"schema":1,"version":-1,"height":0,"since":0}"#, "\0\0"] {
            fs::write(folder.path().join(NAME), text).unwrap();
            assert_eq!(NewerVersionFile::open(folder.path()).content(), None, "{text}");
        }
    }
}
