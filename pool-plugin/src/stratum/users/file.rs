//! `users.json`: one JSON object per line, as in bcoin-stratum, with argon2 hashes instead of its unsalted
//! ones.
//!
//! ```text
//! {"username":"alice","password":"$argon2id$v=19$m=19456,t=2,p=1$…"}
//! {"username":"bob","password":"$argon2id$…","disabled":true}
//! ```
//!
//! Invalid lines are reported and skipped; an edit leaves them as they are.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use pool_core::{
    json_lines::{self, BrokenLine},
    login,
};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::password;

/// A user as the file has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// An account name or an Aleo address.
    pub username: String,
    /// An argon2id hash.
    pub password: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,
}

/// Why an edit was not made.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    #[error("{0}")]
    Name(String),
    #[error("there is a user '{0}' already: change its password with passwd")]
    Exists(String),
    #[error("there is no user '{0}': add it first")]
    Unknown(String),
    #[error("{}: {}", .0.display(), .1)]
    Io(PathBuf, #[source] io::Error),
}

/// The users in the file's text, and the invalid lines.
pub fn parse(text: &str) -> (Vec<User>, Vec<BrokenLine>) {
    let (lines, mut broken) = json_lines::parse::<User>(text);
    let mut users: Vec<User> = Vec::new();
    for (number, user) in lines {
        match check(&user, &users) {
            Ok(username) => users.push(User { username, ..user }),
            Err(reason) => broken.push(BrokenLine { number, reason }),
        }
    }
    broken.sort_by_key(|line| line.number);
    (users, broken)
}

fn check(user: &User, before: &[User]) -> Result<String, String> {
    let username = account(&user.username).map_err(|error| error.to_string())?;
    if before.iter().any(|other| other.username == username) {
        return Err(format!("'{username}' is on an earlier line already"));
    }
    if !password::is_hash(&user.password) {
        return Err(format!("the password of '{username}' is not an argon2id hash: set it with passwd"));
    }
    Ok(username)
}

/// The only form of a user's name: that of the account it logs in as.
fn account(username: &str) -> Result<String, EditError> {
    let login = login::parse_login(username).map_err(|error| EditError::Name(error.to_string()))?;
    match login.name.is_empty() && !username.contains('.') {
        true => Ok(login.account),
        false => {
            Err(EditError::Name(format!("'{username}' names a worker: a user is an account, without a dot")))
        }
    }
}

/// Adds a user with the hash of its password.
pub fn add(path: &Path, username: &str, hash: String) -> Result<(), EditError> {
    let username = account(username)?;
    edit(path, |users, lines| {
        if users.iter().any(|user| user.username == username) {
            return Err(EditError::Exists(username.clone()));
        }
        lines.push(line_of(&User { username: username.clone(), password: hash, disabled: false }));
        Ok(())
    })
}

/// Gives a user another password.
pub fn set_password(path: &Path, username: &str, hash: String) -> Result<(), EditError> {
    change(path, username, |user| user.password = hash)
}

/// Stops a user from logging in, or lets it again.
pub fn set_disabled(path: &Path, username: &str, disabled: bool) -> Result<(), EditError> {
    change(path, username, |user| user.disabled = disabled)
}

fn change(path: &Path, username: &str, how: impl FnOnce(&mut User)) -> Result<(), EditError> {
    let username = account(username)?;
    edit(path, |_, lines| {
        // The first line with the name, even if its password is not a hash yet.
        let found = lines.iter_mut().find_map(|line| {
            let user = serde_json::from_str::<User>(line).ok()?;
            (account(&user.username).ok()? == username).then_some((line, user))
        });
        let (line, mut user) = found.ok_or_else(|| EditError::Unknown(username.clone()))?;
        how(&mut user);
        *line = line_of(&user);
        Ok(())
    })
}

fn line_of(user: &User) -> String {
    // Two strings and a flag: serialising them cannot fail.
    serde_json::to_string(user).unwrap_or_default()
}

/// Reads, changes and replaces the file, one editor at a time.
fn edit(
    path: &Path,
    change: impl FnOnce(&[User], &mut Vec<String>) -> Result<(), EditError>,
) -> Result<(), EditError> {
    let failed = |error: io::Error| EditError::Io(path.to_owned(), error);
    let folder =
        path.parent().ok_or_else(|| failed(io::Error::other("the file path has no parent folder")))?;
    // Held until the end: the command line and the port may edit at the same time.
    let lock = File::open(folder).map_err(failed)?;
    flock(&lock, FlockOperation::LockExclusive).map_err(|error| failed(error.into()))?;
    let text = json_lines::read(path).map_err(failed)?;
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    change(&parse(&text).0, &mut lines)?;
    lines.push(String::new());
    json_lines::replace(path, &lines.join("\n")).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stratum::users::password::cheap_hash;

    fn file() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users.json");
        (folder, path)
    }

    fn users(path: &Path) -> (Vec<User>, Vec<BrokenLine>) {
        parse(&json_lines::read(path).unwrap())
    }

    #[test]
    fn users_are_added_changed_and_disabled() {
        let (_folder, path) = file();
        add(&path, "alice", cheap_hash("first")).unwrap();
        add(&path, "bob", cheap_hash("other")).unwrap();
        assert!(matches!(add(&path, "alice", cheap_hash("x")), Err(EditError::Exists(_))));
        set_password(&path, "alice", cheap_hash("second")).unwrap();
        set_disabled(&path, "bob", true).unwrap();
        assert!(matches!(set_disabled(&path, "carol", true), Err(EditError::Unknown(_))));

        let (users, broken) = users(&path);
        assert!(broken.is_empty());
        assert!(password::matches(&users[0].password, "second"));
        assert!(users[1].disabled && !users[0].disabled);
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 2);
        assert!(text.starts_with("{\"username\":\"alice\",\"password\":\"$argon2id$"), "{text}");
        assert!(!text.lines().next().unwrap().contains("disabled"));
    }

    #[test]
    fn a_broken_line_is_named_and_outlives_edits() {
        let (_folder, path) = file();
        let good = line_of(&User { username: "alice".into(), password: cheap_hash("x"), disabled: false });
        let lines = [
            good.as_str(),
            "# a comment",
            "{\"username\":\"old\",\"password\":\"5f4dcc3b5aa765d61d8327deb882cf99\"}",
            good.as_str(),
            "{\"username\":\"a b\",\"password\":\"x\"}",
        ];
        std::fs::write(&path, lines.join("\n")).unwrap();
        let (read, broken) = users(&path);
        assert_eq!(read.len(), 1);
        assert_eq!(broken.iter().map(|line| line.number).collect::<Vec<_>>(), [2, 3, 4, 5]);
        assert!(broken[1].reason.contains("not an argon2id hash"));
        assert!(broken[2].reason.contains("earlier line already"));

        add(&path, "bob", cheap_hash("x")).unwrap();
        set_password(&path, "old", cheap_hash("x")).unwrap();
        let (read, broken) = users(&path);
        assert_eq!(read.len(), 3);
        assert_eq!(broken.iter().map(|line| line.number).collect::<Vec<_>>(), [2, 4, 5]);
    }

    #[test]
    fn names_are_accounts() {
        let (_folder, path) = file();
        for wrong in ["", "a.rig", "a.", "aleo1typo", "a b"] {
            assert!(matches!(add(&path, wrong, cheap_hash("x")), Err(EditError::Name(_))), "{wrong}");
        }
        assert!(!path.exists());
    }

    #[test]
    fn editors_do_not_overtake_each_other() {
        let (_folder, path) = file();
        let hash = cheap_hash("x");
        std::thread::scope(|scope| {
            for editor in 0..4 {
                let (path, hash) = (&path, &hash);
                scope.spawn(move || {
                    for number in 0..10 {
                        add(path, &format!("user-{editor}-{number}"), hash.clone()).unwrap();
                    }
                });
            }
        });
        assert_eq!(users(&path).0.len(), 40);
    }
}
