//! Who may log in: anyone, or users with a password.

use std::str::FromStr;

/// Who may log in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UserMode {
    /// Any valid login that is not disabled.
    #[default]
    Open,
    /// Users of `users.json` with their password.
    Closed,
}

impl UserMode {
    pub const ALL: [Self; 2] = [Self::Open, Self::Closed];

    /// The name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }
}

impl FromStr for UserMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|mode| mode.name() == text);
        known.ok_or_else(|| format!("'{text}' is not a user mode"))
    }
}
