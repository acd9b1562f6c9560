//! Files of one JSON object per line, which people edit too: a broken line is reported with its number and
//! the rest still counts; a write replaces the whole file.

use std::{
    fs::{File, Permissions},
    io::{self, ErrorKind, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use serde::de::DeserializeOwned;

/// A line that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenLine {
    /// Counted from 1, as editors do.
    pub number: usize,
    pub reason: String,
}

/// Reads every non-empty line: its number and its value.
pub fn parse<T: DeserializeOwned>(text: &str) -> (Vec<(usize, T)>, Vec<BrokenLine>) {
    let (mut read, mut broken) = (Vec::new(), Vec::new());
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let number = index + 1;
        match serde_json::from_str(line) {
            Ok(value) => read.push((number, value)),
            Err(error) => broken.push(BrokenLine { number, reason: in_line(&error) }),
        }
    }
    (read, broken)
}

// The library counts lines too, and always from 1: in a text of one line that only misleads.
fn in_line(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}

/// The file's text; empty if there is no such file.
pub fn read(path: &Path) -> io::Result<String> {
    match std::fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        other => other,
    }
}

/// Makes the file hold `text`, durably, readable only by its owner; after a crash it is either the old or the
/// new one, complete.
pub fn replace(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().ok_or_else(|| io::Error::other("the file path has no parent folder"))?;
    let mut file = tempfile::Builder::new()
        .prefix(".")
        .suffix(".tmp")
        .permissions(Permissions::from_mode(0o600))
        .tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize, Debug, PartialEq)]
    struct Entry {
        name: String,
    }

    #[test]
    fn a_broken_line_has_its_number_and_the_rest_counts() {
        let text = "{\"name\":\"a\"}\n\n{\"name\":7}\nrubbish\n{\"name\":\"b\",\"more\":1}";
        let (read, broken) = parse::<Entry>(text);
        let names: Vec<_> = read.iter().map(|(number, entry)| (*number, entry.name.as_str())).collect();
        assert_eq!(names, [(1, "a"), (5, "b")]);
        let numbers: Vec<_> = broken.iter().map(|line| line.number).collect();
        assert_eq!(numbers, [3, 4]);
        assert_eq!(broken[0].reason, "invalid type: integer `7`, expected a string");
    }

    #[test]
    fn a_file_is_replaced_whole_and_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list.json");
        assert_eq!(read(&path).unwrap(), "");
        replace(&path, "one\n").unwrap();
        replace(&path, "two\n").unwrap();
        assert_eq!(read(&path).unwrap(), "two\n");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
    }
}
