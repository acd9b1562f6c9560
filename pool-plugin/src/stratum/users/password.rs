//! Hashes of passwords: argon2id, in the usual text form (`$argon2id$v=19$…`).

use argon2::{
    Argon2, PasswordHasher, PasswordVerifier,
    password_hash::{PasswordHash, SaltString},
};

/// The shortest password of a new user.
pub const SHORTEST: usize = 8;
/// The longest; more only costs time.
pub const LONGEST: usize = 256;

/// Why there is no hash.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    #[error("the password has {0} bytes: use {SHORTEST} to {LONGEST}")]
    Length(usize),
    #[error("cannot hash the password: {0}")]
    Hash(String),
}

/// The hash of a new password. Deliberately takes some hundredths of a second and 19 MiB.
pub fn hash(password: &str) -> Result<String, PasswordError> {
    if !(SHORTEST..=LONGEST).contains(&password.len()) {
        return Err(PasswordError::Length(password.len()));
    }
    hash_with(&Argon2::default(), password)
}

/// A hash that costs nothing, for tests.
#[cfg(test)]
pub(crate) fn cheap_hash(password: &str) -> String {
    let params = argon2::Params::new(8, 1, 1, None).unwrap();
    let argon2 = Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    hash_with(&argon2, password).unwrap()
}

fn hash_with(argon2: &Argon2<'_>, password: &str) -> Result<String, PasswordError> {
    let failed = |error: argon2::password_hash::Error| PasswordError::Hash(error.to_string());
    let salt = SaltString::encode_b64(&rand::random::<[u8; 16]>()).map_err(failed)?;
    Ok(argon2.hash_password(password.as_bytes(), &salt).map_err(failed)?.to_string())
}

/// Whether `text` is a hash that [`matches`] can check, at an acceptable cost.
pub fn is_hash(text: &str) -> bool {
    const MOST_MEMORY: u32 = 1 << 16;
    const MOST_PASSES: u32 = 16;
    let params = PasswordHash::new(text).and_then(|hash| argon2::Params::try_from(&hash));
    params.is_ok_and(|params| params.m_cost() <= MOST_MEMORY && params.t_cost() <= MOST_PASSES)
        && text.starts_with("$argon2id$")
}

/// Whether the password matches the hash. As slow as [`hash`]: not for the async threads.
pub fn matches(hash: &str, password: &str) -> bool {
    password.len() <= LONGEST
        && PasswordHash::new(hash)
            .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_knows_its_password_and_no_other() {
        let hash = hash("correct horse").unwrap();
        assert!(is_hash(&hash) && hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(matches(&hash, "correct horse"));
        for wrong in ["", "correct hors", "Correct horse", "correct horse "] {
            assert!(!matches(&hash, wrong));
        }
        assert_ne!(cheap_hash("same"), cheap_hash("same"), "each has a salt of its own");
    }

    #[test]
    fn passwords_have_a_length_and_hashes_a_bounded_cost() {
        assert_eq!(hash("seven77"), Err(PasswordError::Length(7)));
        assert!(hash(&"x".repeat(LONGEST + 1)).is_err());
        assert!(!matches(&cheap_hash("x"), &"x".repeat(LONGEST + 1)));
        let costly = cheap_hash("x").replace("m=8,", "m=4000000,");
        for no_hash in ["", "x", "5f4dcc3b5aa765d61d8327deb882cf99", costly.as_str()] {
            assert!(!is_hash(no_hash), "{no_hash}");
        }
    }
}
