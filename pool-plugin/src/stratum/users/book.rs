//! The users while the pool runs: follows `users.json`, and checks passwords off the async threads.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use parking_lot::{Mutex, RwLock};
use pool_core::{
    json_lines::{self, BrokenLine},
    reject::Reject,
};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::{sync::Semaphore, time::interval};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    file::{self, EditError, User},
    password::{self, PasswordError},
};
use crate::stratum::users::UserMode;

/// How often the file is checked.
const LOOK: Duration = Duration::from_secs(2);
/// How many passwords are checked at a time: each takes a thread and 19 MiB for a while.
const AT_A_TIME: usize = 2;
/// Logins that wait for their turn; further ones are asked to try again.
const WAITING: usize = 1024;
/// How many correct passwords are remembered, so that a thousand miners of one user cost one check.
const REMEMBERED: usize = 1 << 16;

/// Who may log in.
pub struct Users {
    mode: RwLock<UserMode>,
    path: PathBuf,
    loaded: RwLock<Loaded>,
    turns: Semaphore,
    waiting: Semaphore,
    /// Digests of user, hash and password that matched, under a key of this process.
    proven: Mutex<HashMap<String, [u8; 32]>>,
    key: [u8; 32],
}

#[derive(Default)]
struct Loaded {
    text: String,
    users: HashMap<String, User>,
}

/// Why a user could not be added over the stratum port.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error(transparent)]
    Edit(#[from] EditError),
    #[error("the pool is busy: send it again")]
    Busy,
}

impl Users {
    /// Reads the users; invalid lines are logged with their number.
    pub fn open(path: &Path, mode: UserMode) -> std::io::Result<Arc<Self>> {
        let users = Arc::new(Self {
            mode: mode.into(),
            path: path.to_owned(),
            loaded: RwLock::default(),
            turns: Semaphore::new(AT_A_TIME),
            waiting: Semaphore::new(WAITING),
            proven: Mutex::default(),
            key: rand::random(),
        });
        users.reload()?;
        Ok(users)
    }

    /// Who may log in from now on; existing sessions stay.
    pub fn set_mode(&self, mode: UserMode) {
        *self.mode.write() = mode;
    }

    /// How many users there are.
    pub fn len(&self) -> usize {
        self.loaded.read().users.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Loads the present file; returns the invalid lines. `None`: it has not changed.
    pub fn reload(&self) -> std::io::Result<Option<Vec<BrokenLine>>> {
        let text = json_lines::read(&self.path)?;
        if text == self.loaded.read().text {
            return Ok(None);
        }
        let (users, broken) = file::parse(&text);
        for BrokenLine { number, reason } in &broken {
            warn!(file = %self.path.display(), line = number, reason, "ignoring an invalid line: fix it");
        }
        info!(users = users.len(), "loaded the users");
        let users = users.into_iter().map(|user| (user.username.clone(), user)).collect();
        *self.loaded.write() = Loaded { text, users };
        Ok(Some(broken))
    }

    /// Reloads whenever the file changes, until `stop`.
    pub async fn follow(self: Arc<Self>, stop: CancellationToken) {
        let mut looks = interval(LOOK);
        let mut readable = true;
        while stop.run_until_cancelled(looks.tick()).await.is_some() {
            let this = Arc::clone(&self);
            let looked = tokio::task::spawn_blocking(move || this.reload()).await;
            let trouble = looked
                .map_err(|error| error.to_string())
                .and_then(|read| read.map_err(|error| error.to_string()));
            if let Err(reason) = &trouble
                && readable
            {
                warn!(file = %self.path.display(), reason, "cannot read the users: keeping the known ones");
            }
            readable = trouble.is_ok();
        }
    }

    /// Whether an account may log in with this password.
    pub async fn check(&self, account: &str, password: Option<&str>) -> Result<(), Reject> {
        let user = self.loaded.read().users.get(account).cloned();
        let mode = *self.mode.read();
        match (user, mode) {
            (Some(user), _) if user.disabled => {
                Err(Reject::BadLogin(format!("'{account}' is disabled: ask the pool")))
            }
            (_, UserMode::Open) => Ok(()),
            // The same answer for both: names are secret.
            (None, UserMode::Closed) => Err(Reject::WrongPassword),
            (Some(user), UserMode::Closed) => self.check_password(user, password.unwrap_or_default()).await,
        }
    }

    async fn check_password(&self, user: User, password: &str) -> Result<(), Reject> {
        let digest = self.digest(&user, password);
        let is_proven =
            || self.proven.lock().get(&user.username).is_some_and(|known| known.ct_eq(&digest).into());
        if is_proven() {
            return Ok(());
        }
        let _place = self.waiting.try_acquire().map_err(|_| Reject::Busy)?;
        let _turn = self.turns.acquire().await.map_err(|_| Reject::Busy)?;
        // Another miner of this user may have been checked in the meantime.
        if is_proven() {
            return Ok(());
        }
        let (hash, password) = (user.password.clone(), password.to_owned());
        let matches = tokio::task::spawn_blocking(move || password::matches(&hash, &password)).await;
        if !matches.unwrap_or(false) {
            return Err(Reject::WrongPassword);
        }
        let mut proven = self.proven.lock();
        if proven.len() >= REMEMBERED {
            proven.clear();
        }
        proven.insert(user.username, digest);
        Ok(())
    }

    /// Adds a user, as `mining.add_user` asks.
    pub async fn add(&self, username: &str, password: &str) -> Result<(), AddError> {
        let _place = self.waiting.try_acquire().map_err(|_| AddError::Busy)?;
        let _turn = self.turns.acquire().await.map_err(|_| AddError::Busy)?;
        let (path, username, password) = (self.path.clone(), username.to_owned(), password.to_owned());
        let added = tokio::task::spawn_blocking(move || {
            let hash = password::hash(&password)?;
            Ok(file::add(&path, &username, hash)?)
        });
        added.await.unwrap_or(Err(AddError::Busy))?;
        let _ = self.reload();
        Ok(())
    }

    fn digest(&self, user: &User, password: &str) -> [u8; 32] {
        let mut digest = Sha256::new();
        for part in [self.key.as_slice(), user.password.as_bytes(), password.as_bytes()] {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        digest.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stratum::users::password::cheap_hash;

    fn book(mode: UserMode) -> (tempfile::TempDir, Arc<Users>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users.json");
        file::add(&path, "alice", cheap_hash("secret")).unwrap();
        file::add(&path, "bob", cheap_hash("other")).unwrap();
        file::set_disabled(&path, "bob", true).unwrap();
        let users = Users::open(&path, mode).unwrap();
        (folder, users)
    }

    #[tokio::test]
    async fn open_takes_everyone_who_is_not_disabled() {
        let (_folder, users) = book(UserMode::Open);
        assert_eq!(users.check("stranger", None).await, Ok(()));
        assert_eq!(users.check("alice", Some("x")).await, Ok(()));
        assert!(matches!(users.check("bob", Some("other")).await, Err(Reject::BadLogin(_))));
    }

    #[tokio::test]
    async fn closed_takes_users_with_their_password() {
        let (_folder, users) = book(UserMode::Closed);
        assert_eq!(users.check("alice", Some("secret")).await, Ok(()));
        assert_eq!(users.check("alice", Some("secret")).await, Ok(()), "remembered");
        for (account, password) in [("alice", Some("wrong")), ("alice", None), ("stranger", Some("secret"))] {
            assert_eq!(users.check(account, password).await, Err(Reject::WrongPassword), "{account}");
        }
        assert!(matches!(users.check("bob", Some("other")).await, Err(Reject::BadLogin(_))));
    }

    #[tokio::test]
    async fn the_file_is_followed_and_a_changed_password_counts_at_once() {
        let (folder, users) = book(UserMode::Closed);
        let path = folder.path().join("users.json");
        users.check("alice", Some("secret")).await.unwrap();
        assert_eq!(users.reload().unwrap(), None);
        file::set_password(&path, "alice", cheap_hash("new")).unwrap();
        std::fs::write(&path, std::fs::read_to_string(&path).unwrap() + "rubbish\n").unwrap();
        let broken = users.reload().unwrap().unwrap();
        assert_eq!(broken[0].number, 3);
        assert_eq!(users.check("alice", Some("secret")).await, Err(Reject::WrongPassword));
        assert_eq!(users.check("alice", Some("new")).await, Ok(()));
    }

    #[tokio::test]
    async fn a_user_that_is_added_can_log_in() {
        let (_folder, users) = book(UserMode::Closed);
        users.add("carol", "long enough").await.unwrap();
        assert_eq!(users.check("carol", Some("long enough")).await, Ok(()));
        assert!(users.add("carol", "long enough").await.unwrap_err().to_string().contains("already"));
        assert!(users.add("dave", "short").await.unwrap_err().to_string().contains("5 bytes"));
    }

    #[tokio::test]
    async fn logins_that_would_have_to_wait_too_long_are_told_so() {
        let (_folder, users) = book(UserMode::Closed);
        let held = users.waiting.acquire_many(WAITING as u32).await.unwrap();
        assert_eq!(users.check("alice", Some("secret")).await, Err(Reject::Busy));
        drop(held);
        assert_eq!(users.check("alice", Some("secret")).await, Ok(()));
    }
}
