//! The password of `mining.authorize_admin`. It opens little, and may be tried rarely.

use std::{os::unix::fs::PermissionsExt, path::Path, time::Instant};

use anyhow::{Context, Result, ensure};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::tries::{LoginAttempt, Tries};

const SHORTEST: usize = 12;

/// The password, as its digest.
pub struct AdminPassword {
    digest: [u8; 32],
    tries: Mutex<Tries>,
}

impl AdminPassword {
    /// Reads the password: the first line of a file that only its owner can read.
    pub fn read(path: &Path) -> Result<Self> {
        let name = path.display();
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
        let mode =
            std::fs::metadata(path).with_context(|| format!("cannot read {name}"))?.permissions().mode();
        ensure!(mode & 0o077 == 0, "{name} can be read by others: chmod 600 it");
        let password = text.lines().next().unwrap_or_default().trim();
        ensure!(
            password.len() >= SHORTEST,
            "the password in {name} is shorter than {SHORTEST} bytes: use a longer one"
        );
        Ok(Self::new(password))
    }

    pub fn new(password: &str) -> Self {
        Self { digest: Sha256::digest(password).into(), tries: Mutex::default() }
    }

    /// Compares in constant time.
    pub fn attempt(&self, password: &str, now: Instant) -> LoginAttempt {
        let is_right = || {
            let digest: [u8; 32] = Sha256::digest(password).into();
            digest.ct_eq(&self.digest).into()
        };
        self.tries.lock().attempt(now, is_right)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stratum::users::tries;

    #[test]
    fn guesses_are_counted() {
        let (password, now) = (AdminPassword::new("correct horse"), Instant::now());
        assert_eq!(password.attempt("correct horse", now), LoginAttempt::Right);
        for _ in 0..tries::MOST {
            assert_eq!(password.attempt("guess", now), LoginAttempt::Wrong);
        }
        assert_eq!(password.attempt("correct horse", now), LoginAttempt::TooMany);
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
