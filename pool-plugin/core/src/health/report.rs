//! A part's report about itself, with its level.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A part of the pool that reports. Each has one reporter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Whether the node follows the network, and whether solutions would get through.
    Chain,
    /// Whether shares reach the disk.
    Ledger,
    /// Whether found solutions are on their way.
    Release,
    /// Whether blocks are accounted and dumped.
    Rounds,
    /// Whether shares are checked in time.
    Verification,
    /// Whether the copy of the books in Redis is complete.
    Redis,
    /// Whether the copy of the books in PostgreSQL is complete.
    Postgres,
    /// Whether shares are checked rightly: the sample that snarkVM checks again.
    Puzzle,
    /// Whether the sums of the share ledger match its shares.
    Books,
    /// Whether the accounts find as many solutions as their work makes likely.
    Finds,
    /// Whether miners' shares come in.
    Shares,
    /// Whether there is room on the disk.
    Disk,
    /// Whether the receivers of the webhooks accept the messages.
    Webhooks,
    /// Whether what the dumps paid can be read, for the rewards and the luck that are shown.
    Rewards,
}

#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    #[default]
    Green,
    /// Works, but something is lost or soon will be.
    Amber,
    /// Unhealthy: does not do its work.
    Red,
}

/// A part's report about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub level: Level,
    /// One word for machines; a change of level or reason is logged, a change of the text alone is not.
    pub reason: &'static str,
    /// For people: what is wrong, and what to do.
    pub text: String,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Chain => "chain",
            Self::Ledger => "ledger",
            Self::Release => "release",
            Self::Rounds => "rounds",
            Self::Verification => "verification",
            Self::Redis => "redis",
            Self::Postgres => "postgres",
            Self::Puzzle => "puzzle",
            Self::Books => "books",
            Self::Finds => "finds",
            Self::Shares => "shares",
            Self::Disk => "disk",
            Self::Webhooks => "webhooks",
            Self::Rewards => "rewards",
        })
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Green => "green",
            Self::Amber => "amber",
            Self::Red => "red",
        })
    }
}

impl Report {
    pub fn green(reason: &'static str, text: impl Into<String>) -> Self {
        Self { level: Level::Green, reason, text: text.into() }
    }

    pub fn amber(reason: &'static str, text: impl Into<String>) -> Self {
        Self { level: Level::Amber, reason, text: text.into() }
    }

    pub fn red(reason: &'static str, text: impl Into<String>) -> Self {
        Self { level: Level::Red, reason, text: text.into() }
    }
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;
    use serde_json::{from_value, to_value};
    use utoipa::PartialSchema;

    use super::*;

    /// Each value by the name that the API's document gives it.
    fn documented<T: PartialSchema + DeserializeOwned>() -> Vec<(String, T)> {
        let names: Vec<String> = from_value(to_value(T::schema()).unwrap()["enum"].take()).unwrap();
        names.into_iter().map(|name| (name.clone(), from_value(name.into()).unwrap())).collect()
    }

    #[test]
    fn parts_and_levels_are_called_what_the_api_says() {
        for (name, part) in documented::<Part>() {
            assert_eq!(part.to_string(), name);
        }
        for (name, level) in documented::<Level>() {
            assert_eq!(level.to_string(), name);
        }
    }
}
