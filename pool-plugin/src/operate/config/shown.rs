//! A configuration as text: every key of the file with its value, without secrets.

use super::{Config, keys};

/// A key of the file and the value in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// As the file has it; `sinks.redis.url` is the `url` of the table `[sinks.redis]`.
    pub key: &'static str,
    /// As the file would have it, or [`NOT_SET`]; contains no secrets.
    pub value: String,
}

impl Config {
    /// Every key, by name.
    pub fn entries(&self) -> Vec<Entry> {
        keys::by_name().into_iter().map(|key| Entry { key: key.name, value: key.shown(self) }).collect()
    }
}
