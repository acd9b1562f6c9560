//! The differences between two configurations, and which of them a running pool can apply. Pure.

use std::fmt;

use serde::Serialize;

use super::{
    Config,
    keys::{self, Reload},
};

/// A key whose value has changed. Contains no secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    pub key: &'static str,
    pub from: String,
    pub to: String,
    /// Whether it takes effect only at the next start.
    pub needs_restart: bool,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, from, to, needs_restart } = self;
        write!(f, "{key}: {from} -> {to}")?;
        if *needs_restart { f.write_str(" (needs a restart)") } else { Ok(()) }
    }
}

/// The keys whose values differ, by name.
pub fn changes(running: &Config, new: &Config) -> Vec<Change> {
    let changed = keys::by_name().into_iter().filter_map(|key| {
        let (from, shown) = (key.shown(running), key.shown(new));
        let to = match from == shown {
            false => shown,
            true if key.same_secret(running, new) => return None,
            true => format!("{shown} (the part that is not shown has changed)"),
        };
        Some(Change { key: key.name, from, to, needs_restart: key.needs_restart() })
    });
    changed.collect()
}

impl Config {
    /// This configuration with the applicable changes of another. The rest stays as it is, so that it is
    /// reported again until the restart.
    pub fn taking_up(&self, new: &Self) -> Self {
        let mut config = self.clone();
        for key in keys::all() {
            if let Reload::Now(copy) = key.reload {
                copy(&mut config, new);
            }
        }
        config
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operate::config::samples;

    fn load(file: &str) -> Config {
        Config::of_file(file).unwrap()
    }

    #[test]
    fn every_key_is_compared_and_taken_up_exactly_if_it_can_be() {
        let running = load("");
        for key in keys::all() {
            let new = load(&samples::of(key));
            let found = changes(&running, &new);
            let change = found.iter().find(|change| change.key == key.name);
            let change = change.unwrap_or_else(|| panic!("{}", key.name));
            assert_eq!(change.needs_restart, key.needs_restart());
            let taken = running.taking_up(&new);
            assert_eq!(taken == running, change.needs_restart, "{}", key.name);
            let left = changes(&taken, &new);
            let needs_restart: Vec<_> = found.into_iter().filter(|change| change.needs_restart).collect();
            assert_eq!(left, needs_restart, "what is left is reported again");
        }
    }

    #[test]
    fn nothing_changed_is_no_change() {
        assert_eq!(changes(&load(""), &load("share_target = 100000")), []);
    }

    #[test]
    fn a_change_is_told_in_one_line_without_what_is_secret() {
        let shown = |before: &str, after: &str| {
            let found = changes(&load(before), &load(after));
            found.iter().map(Change::to_string).collect::<Vec<_>>().join("\n")
        };
        assert_eq!(shown("share_target = 5", "share_target = 6"), "share_target: 5 -> 6");
        assert_eq!(shown("", "node = 3"), "node: 0 -> 3 (needs a restart)");
        assert_eq!(shown("fees = \"dev:5\"", ""), "fees: dev:5 -> not set");
        let redis = |password| format!("[sinks.redis]\nurl = \"redis://:{password}@a\"");
        let secret = shown(&redis("hunter2"), &redis("hunter3"));
        assert!(
            secret.starts_with("sinks.redis.url: redis://a:6379/0 -> redis://a:6379/0 (the part that is not")
        );
        assert!(!secret.contains("hunter"), "{secret}");
        let hook = |path| format!("[[webhook]]\nurl = \"https://a/{path}\"");
        let secret = shown(&hook("hunter2"), &hook("hunter3"));
        assert!(secret.contains("https://a/…") && !secret.contains("hunter"), "{secret}");
    }
}
