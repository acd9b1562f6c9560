//! A configuration as text: every key of the file with its value, without secrets.

use std::fmt::Display;

use super::{ApiConfig, Config, EntranceConfig, PostgresConfig, RedisConfig, SinksConfig};

/// Stands for a value that is not set.
pub const NOT_SET: &str = "not set";

/// Stands for a secret.
const MASK: &str = "***";

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
        // A new field does not compile until it is shown.
        let Self {
            listen,
            ports,
            addresses,
            data,
            share_target,
            share_interval,
            min_share_target,
            fixed_share_target,
            node,
            puzzle,
            release,
            rules,
            keep_shares,
            patience,
            verify_threads,
            capture,
            max_connections,
            entrance,
            sinks,
            webhooks,
            api,
        } = self;
        let ApiConfig { listen: api_listen, admin_token, cors, requests_per_minute, proxies: api_proxies } =
            api;
        let EntranceConfig { max_per_address, tls, proxies, users, admin_password_file } = entrance;
        let SinksConfig { redis, postgres } = sinks;
        let RedisTexts { url: redis_url, prefix } = RedisTexts::of(redis.as_ref());
        let PostgresTexts { url: postgres_url, location } = PostgresTexts::of(postgres.as_ref());
        let ports = ports.iter().map(|port| {
            let target = port.fixed_share_target.map(|target| format!(",d={target}"));
            format!("{}@{}{}", port.dialect, port.listen, target.unwrap_or_default())
        });
        let fees = rules.fees.iter().map(|fee| format!("{}:{}", fee.account, fee.basis_points));
        let (certificate, tls_key) = tls.as_ref().map(|(certificate, key)| (certificate, key)).unzip();
        let mut entries = [
            ("address", list(addresses)),
            ("admin_password_file", optional(admin_password_file.as_ref().map(|file| file.display()))),
            ("api.admin_token", optional(admin_token.as_ref().map(|_| MASK))),
            ("api.cors", list(cors)),
            ("api.listen", api_listen.map_or_else(|| "off".to_owned(), |address| address.to_string())),
            ("api.proxies", list(api_proxies)),
            ("api.requests_per_minute", requests_per_minute.to_string()),
            ("capture", optional(capture.as_ref().map(|capture| capture.folder.display()))),
            ("capture_address", optional(capture.as_ref().and_then(|capture| capture.only))),
            ("data", data.display().to_string()),
            ("fees", list(fees)),
            ("fixed_share_target", optional(*fixed_share_target)),
            ("keep_shares_days", (keep_shares.as_secs() / (24 * 60 * 60)).to_string()),
            ("listen", listen.to_string()),
            ("max_connections", max_connections.to_string()),
            ("max_per_address", max_per_address.to_string()),
            ("min_share_target", min_share_target.to_string()),
            ("node", node.to_string()),
            ("port", list(ports)),
            ("proxies", list(proxies)),
            ("puzzle", puzzle.name().to_owned()),
            ("release", release.name().to_owned()),
            ("scheme", rules.scheme.to_string()),
            ("share_interval", share_interval.as_secs().to_string()),
            ("share_target", share_target.to_string()),
            ("sinks.postgres.location", location),
            ("sinks.postgres.url", postgres_url),
            ("sinks.redis.prefix", prefix),
            ("sinks.redis.url", redis_url),
            ("stall_close", patience.close.as_secs().to_string()),
            ("stall_refuse", patience.refuse.as_secs().to_string()),
            ("tls_certificate", optional(certificate.map(|file| file.display()))),
            ("tls_key", optional(tls_key.map(|file| file.display()))),
            ("users", users.name().to_owned()),
            ("verify_threads", verify_threads.to_string()),
            ("webhook", list(webhooks)),
        ]
        .map(|(key, value)| Entry { key, value });
        entries.sort_unstable_by_key(|entry| entry.key);
        entries.into()
    }

    /// Whether a key's value differs though it looks the same when shown.
    pub(super) fn differs_in_secret(&self, other: &Self, key: &str) -> bool {
        let redis = |config: &Self| config.sinks.redis.as_ref().map(|redis| redis.url.clone());
        let postgres = |config: &Self| config.sinks.postgres.as_ref().map(|postgres| postgres.url.clone());
        match key {
            "sinks.redis.url" => redis(self) != redis(other),
            "sinks.postgres.url" => postgres(self) != postgres(other),
            "api.admin_token" => self.api.admin_token != other.api.admin_token,
            "webhook" => self.webhooks != other.webhooks,
            _ => false,
        }
    }
}

struct RedisTexts {
    url: String,
    prefix: String,
}

impl RedisTexts {
    fn of(config: Option<&RedisConfig>) -> Self {
        let shown = config.map(|RedisConfig { url, prefix }| (url.to_string(), prefix.clone()));
        let (url, prefix) = shown.unwrap_or_else(|| (NOT_SET.into(), NOT_SET.into()));
        Self { url, prefix }
    }
}

struct PostgresTexts {
    url: String,
    location: String,
}

impl PostgresTexts {
    fn of(config: Option<&PostgresConfig>) -> Self {
        let shown = config.map(|PostgresConfig { url, location }| (url.to_string(), location.clone()));
        let (url, location) = shown.unwrap_or_else(|| (NOT_SET.into(), NOT_SET.into()));
        Self { url, location }
    }
}

fn optional(value: Option<impl Display>) -> String {
    value.map_or_else(|| NOT_SET.into(), |value| value.to_string())
}

fn list(values: impl IntoIterator<Item = impl Display>) -> String {
    let texts: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
    if texts.is_empty() { NOT_SET.into() } else { texts.join(", ") }
}
