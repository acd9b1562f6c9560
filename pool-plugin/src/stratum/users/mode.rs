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
        match text {
            "open" => Ok(Self::Open),
            "closed" => Ok(Self::Closed),
            other => Err(format!("'{other}' is not a user mode")),
        }
    }
}
