//! The password of `mining.authorize_admin`. It opens little, and may be tried rarely.

use std::{
    collections::VecDeque,
    os::unix::fs::PermissionsExt,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

const SHORTEST: usize = 12;
/// So many wrong passwords, from wherever, are heard within the time; then nobody is.
const TRIES: usize = 5;
const WITHIN: Duration = Duration::from_secs(60);

/// The password, as its digest.
pub struct AdminPassword {
    digest: [u8; 32],
    /// When wrong ones came, the latest last.
    wrong: Mutex<VecDeque<Instant>>,
}

/// What an attempt came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    Right,
    Wrong,
    /// Not looked at: there were too many wrong ones.
    TooMany,
}

impl AdminPassword {
    /// Reads the password: the first line of a file that only its owner can read.
    pub fn read(path: &Path) -> Result<Self> {
        let name = path.display();
        let text = std::fs::read_to_string(path).with_context(|| format!("{name} cannot be read"))?;
        let mode =
            std::fs::metadata(path).with_context(|| format!("{name} cannot be read"))?.permissions().mode();
        ensure!(mode & 0o077 == 0, "{name} can be read by others: chmod 600 it");
        let password = text.lines().next().unwrap_or_default().trim();
        ensure!(
            password.len() >= SHORTEST,
            "the password in {name} is shorter than {SHORTEST} bytes: use a longer one"
        );
        Ok(Self::new(password))
    }

    pub fn new(password: &str) -> Self {
        Self { digest: Sha256::digest(password).into(), wrong: Mutex::default() }
    }

    /// Compares in a time that tells nothing.
    pub fn attempt(&self, password: &str, now: Instant) -> Attempt {
        let mut wrong = self.wrong.lock();
        while wrong.front().is_some_and(|at| now.saturating_duration_since(*at) >= WITHIN) {
            wrong.pop_front();
        }
        if wrong.len() >= TRIES {
            return Attempt::TooMany;
        }
        let digest: [u8; 32] = Sha256::digest(password).into();
        if digest.ct_eq(&self.digest).into() {
            return Attempt::Right;
        }
        wrong.push_back(now);
        Attempt::Wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessing_is_slow_even_with_the_right_one_at_last() {
        let (password, now) = (AdminPassword::new("correct horse"), Instant::now());
        assert_eq!(password.attempt("correct horse", now), Attempt::Right);
        for _ in 0..TRIES {
            assert_eq!(password.attempt("guess", now), Attempt::Wrong);
        }
        assert_eq!(password.attempt("correct horse", now), Attempt::TooMany);
        assert_eq!(password.attempt("correct horse", now + WITHIN), Attempt::Right);
    }

    #[test]
    fn the_file_is_its_owners_alone_and_the_password_long() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        let write = |text: &str, mode: u32| {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            AdminPassword::read(&path).map_err(|error| format!("{error:#}"))
        };
        assert!(write("correct horse\n", 0o600).is_ok());
        assert!(write("correct horse\n", 0o640).err().unwrap().contains("chmod 600"));
        assert!(write("short\n", 0o600).err().unwrap().contains("longer"));
    }
}
