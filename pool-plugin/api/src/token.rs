//! The bearer token of the admin part: made once, kept as an argon2id hash.

use std::time::Instant;

use parking_lot::Mutex;
use pool_plugin::stratum::users::{
    password,
    tries::{LoginAttempt, Tries},
};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The check of the admin's token.
pub struct AdminToken {
    hash: String,
    /// The digest of the token after its first use: the hash is deliberately slow, and needed once.
    known: Mutex<Option<[u8; 32]>>,
    tries: Mutex<Tries>,
}

impl AdminToken {
    pub fn new(hash: String) -> Self {
        Self { hash, known: Mutex::default(), tries: Mutex::default() }
    }

    /// Compares in constant time. Some hundredths of a second the first time: not for async threads.
    pub fn attempt(&self, token: &str, now: Instant) -> LoginAttempt {
        let digest: [u8; 32] = Sha256::digest(token).into();
        let known = *self.known.lock();
        if known.is_some_and(|known| digest.ct_eq(&known).into()) {
            return LoginAttempt::Right;
        }
        // Held while the hash is computed: simultaneous attempts are checked one by one, and counted.
        let mut tries = self.tries.lock();
        let attempt = tries.attempt(now, || password::matches(&self.hash, token));
        if attempt == LoginAttempt::Right {
            *self.known.lock() = Some(digest);
        }
        attempt
    }
}

/// A new token, and the line of the configuration that makes it the admin's: `snarkos pool api-token`.
pub fn make() -> Result<String, password::PasswordError> {
    let token: String = rand::random::<[u8; 32]>().iter().map(|byte| format!("{byte:02x}")).collect();
    let hash = password::hash(&token)?;
    Ok(format!(
        "the token, which is not stored anywhere:\n\n    {token}\n\nin the pool's configuration file:\n\n    \
         [api]\n    admin_token = \"{hash}\"\n"
    ))
}

#[cfg(test)]
mod tests {
    use pool_plugin::stratum::users::tries::{MOST, WITHIN};

    use super::*;

    #[test]
    fn a_made_token_opens_and_guesses_are_few() {
        let made = make().unwrap();
        let token = made.lines().nth(2).unwrap().trim();
        let hash = made.split('"').nth(1).unwrap();
        let (admin, now) = (AdminToken::new(hash.to_owned()), Instant::now());
        assert_eq!(admin.attempt("guess", now), LoginAttempt::Wrong);
        assert_eq!(admin.attempt(token, now), LoginAttempt::Right);
        for _ in 1..MOST {
            assert_eq!(admin.attempt("guess", now), LoginAttempt::Wrong);
        }
        assert_eq!(admin.attempt("guess", now), LoginAttempt::TooMany);
        assert_eq!(admin.attempt(token, now), LoginAttempt::Right, "a token used before is not locked out");
        assert_eq!(admin.attempt("guess", now + WITHIN), LoginAttempt::Wrong);
    }
}
