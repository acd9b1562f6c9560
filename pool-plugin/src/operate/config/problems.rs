//! What is wrong with a configuration, all of it at once.

use std::fmt;

/// One mistake: which key, where it was set, what is wrong, what is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub key: String,
    /// The flag or the file that set it.
    pub origin: String,
    pub wrong: String,
    /// A name that was probably meant.
    pub near: Option<&'static str>,
    pub allowed: String,
}

/// Every mistake of a configuration; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        let noun = if count == 1 { "problem" } else { "problems" };
        write!(f, "the pool's configuration has {count} {noun}:")?;
        for problem in &self.0 {
            let Problem { key, origin, wrong, near, allowed } = problem;
            let near = near.map(|name| format!(" (did you mean `{name}`?)")).unwrap_or_default();
            write!(f, "\n  {key} ({origin}): {wrong}{near}; allowed: {allowed}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
