//! The differences between two configurations, and which of them a running pool can apply. Pure.

use std::fmt;

use serde::Serialize;

use super::{Config, EntranceConfig};

/// The keys that a running pool applies; the others need a restart.
pub const LIVE: [&str; 12] = [
    "fees",
    "fixed_share_target",
    "keep_shares_days",
    "max_connections",
    "max_per_address",
    "min_share_target",
    "proxies",
    "scheme",
    "share_interval",
    "share_target",
    "users",
    "webhook",
];

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
    let pairs = running.entries().into_iter().zip(new.entries());
    let changed = pairs.filter_map(|(before, after)| {
        let key = before.key;
        let (from, to) = match before.value == after.value {
            false => (before.value, after.value),
            true if running.differs_in_secret(new, key) => {
                let to = format!("{} (the part that is not shown has changed)", after.value);
                (before.value, to)
            }
            true => return None,
        };
        Some(Change { key, from, to, needs_restart: !LIVE.contains(&key) })
    });
    changed.collect()
}

impl Config {
    /// This configuration with the applicable changes of another. The rest stays as it is, so that it is
    /// reported again until the restart.
    pub fn taking_up(&self, new: &Self) -> Self {
        Self {
            share_target: new.share_target,
            share_interval: new.share_interval,
            min_share_target: new.min_share_target,
            fixed_share_target: new.fixed_share_target,
            rules: new.rules.clone(),
            keep_shares: new.keep_shares,
            max_connections: new.max_connections,
            entrance: EntranceConfig {
                max_per_address: new.entrance.max_per_address,
                proxies: new.entrance.proxies.clone(),
                users: new.entrance.users,
                ..self.entrance.clone()
            },
            webhooks: new.webhooks.clone(),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OTHER: &str = "aleo1rhgdu77hgyqd3xjj8ucu3jj9r2krwz6mnzyd80gncr5fxcwlh5rsvzp9px";

    fn load(file: &str) -> Config {
        Config::of_file(file).unwrap()
    }

    /// For every key a file that sets it to something other than the default.
    fn files() -> Vec<(&'static str, String)> {
        let text = |key, value: &str| (key, format!("{key} = \"{value}\""));
        vec![
            text("address", OTHER),
            text("admin_password_file", "/a"),
            (
                "api.admin_token",
                "[api]\nadmin_token = \"$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaA\""
                    .into(),
            ),
            ("api.cors", "[api]\ncors = [\"https://a.example\"]".into()),
            ("api.listen", "[api]\nlisten = \"127.0.0.1:3\"".into()),
            ("api.proxies", "[api]\nproxies = \"10.0.0.0/8\"".into()),
            ("api.requests_per_minute", "[api]\nrequests_per_minute = 7".into()),
            text("capture", "/c"),
            ("capture_address", "capture = \"/c\"\ncapture_address = \"10.0.0.1\"".into()),
            text("data", "/d"),
            text("fees", "dev:100"),
            text("fixed_share_target", "7"),
            text("keep_shares_days", "7"),
            text("listen", "127.0.0.1:1"),
            text("max_connections", "7"),
            text("max_per_address", "7"),
            text("min_share_target", "7"),
            text("node", "7"),
            ("port", "[[port]]\nlisten = \"127.0.0.1:2\"\ndialect = \"json\"".into()),
            text("proxies", "10.0.0.0/8"),
            text("puzzle", "stock"),
            text("release", "immediate"),
            text("scheme", "solo"),
            text("share_interval", "7"),
            text("share_target", "7"),
            (
                "sinks.postgres.location",
                "[sinks.postgres]\nurl = \"postgres://a@b/c\"\nlocation = \"x\"".into(),
            ),
            ("sinks.postgres.url", "[sinks.postgres]\nurl = \"postgres://a@b/c\"".into()),
            ("sinks.redis.prefix", "[sinks.redis]\nurl = \"redis://a\"\nprefix = \"x\"".into()),
            ("sinks.redis.url", "[sinks.redis]\nurl = \"redis://a\"".into()),
            text("stall_close", "700"),
            text("stall_refuse", "7"),
            ("tls_certificate", "tls_certificate = \"/t\"\ntls_key = \"/k\"".into()),
            ("tls_key", "tls_certificate = \"/t\"\ntls_key = \"/k\"".into()),
            text("users", "closed"),
            text("verify_threads", "7"),
            ("webhook", "[[webhook]]\nurl = \"https://a/b\"".into()),
        ]
    }

    #[test]
    fn every_key_is_compared_and_taken_up_exactly_if_it_can_be() {
        let running = load("");
        let keys: Vec<_> = running.entries().into_iter().map(|entry| entry.key).collect();
        assert_eq!(files().iter().map(|(key, _)| *key).collect::<Vec<_>>(), keys, "this test lacks a key");
        for (key, file) in files() {
            let new = load(&file);
            let found = changes(&running, &new);
            let change = found.iter().find(|change| change.key == key).unwrap_or_else(|| panic!("{key}"));
            assert_eq!(change.needs_restart, !LIVE.contains(&key));
            let taken = running.taking_up(&new);
            assert_eq!(taken == running, change.needs_restart, "{key}");
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
