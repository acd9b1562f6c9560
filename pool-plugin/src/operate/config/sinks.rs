//! The tables `[sinks.redis]` and `[sinks.postgres]`. They have no flags: passwords do not belong on a
//! command line, where everybody on the machine can read them. For the same reason no error quotes a URL.

use std::str::FromStr;

use pool_sinks::{
    redis::DEFAULT_PREFIX,
    url::{PostgresUrl, RedisUrl},
};
use toml::Value;

use super::{Problem, table::TableReader};

/// Where copies of the books are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SinksConfig {
    pub redis: Option<RedisConfig>,
    pub postgres: Option<PostgresConfig>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisConfig {
    pub url: RedisUrl,
    /// The prefix of every key.
    pub prefix: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostgresConfig {
    pub url: PostgresUrl,
    /// The value of `blocks_records.location`.
    pub location: String,
}

const REDIS_URL: &str = "redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE] or redis+unix:///PATH";
const POSTGRES_URL: &str = "postgresql://USER[:PASSWORD]@HOST[:PORT]/DATABASE";

/// Reads the value of the key `sinks` of the file called `origin`.
pub(super) fn read(sinks: Option<&Value>, origin: &str, problems: &mut Vec<Problem>) -> SinksConfig {
    let Some(sinks) = sinks else { return SinksConfig::default() };
    let mut reader = TableReader { origin, problems };
    let Some(tables) = reader.table("sinks", sinks, &["redis", "postgres"]) else {
        return SinksConfig::default();
    };
    let redis = tables.get("redis").and_then(|table| {
        let table = reader.table("sinks.redis", table, &["url", "prefix"])?;
        let url = reader.url("sinks.redis.url", table.get("url"), REDIS_URL);
        let prefix = reader.text("sinks.redis.prefix", table.get("prefix"));
        Some(RedisConfig { url: url?, prefix: prefix.unwrap_or_else(|| DEFAULT_PREFIX.to_owned()) })
    });
    let postgres = tables.get("postgres").and_then(|table| {
        let table = reader.table("sinks.postgres", table, &["url", "location"])?;
        let url = reader.url("sinks.postgres.url", table.get("url"), POSTGRES_URL);
        let location = reader.text("sinks.postgres.location", table.get("location"));
        Some(PostgresConfig { url: url?, location: location.unwrap_or_default() })
    });
    SinksConfig { redis, postgres }
}

impl TableReader<'_> {
    fn url<T: FromStr<Err = String>>(
        &mut self,
        key: &str,
        value: Option<&Value>,
        allowed: &str,
    ) -> Option<T> {
        if value.is_none() {
            self.problem(key, "it is missing", allowed);
        }
        match self.text(key, value)?.parse() {
            Ok(url) => Some(url),
            Err(wrong) => {
                self.problem(key, wrong, allowed);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use toml::Table;

    use super::*;

    fn check(text: &str) -> (SinksConfig, Vec<String>) {
        let table: Table = text.parse().unwrap();
        let mut problems = vec![];
        let config = read(table.get("sinks"), "pool.toml", &mut problems);
        (config, problems.into_iter().map(|problem| format!("{}: {}", problem.key, problem.wrong)).collect())
    }

    #[test]
    fn no_sink_is_the_default() {
        assert_eq!(check(""), (SinksConfig::default(), vec![]));
    }

    #[test]
    fn a_sink_needs_only_its_url() {
        let (config, problems) = check(
            "[sinks.redis]\nurl = \"redis://:hunter2@localhost/3\"\n\
             [sinks.postgres]\nurl = \"postgresql://pool:hunter2@localhost/books\"\nlocation = \"cellar\"",
        );
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(config.redis.as_ref().unwrap().prefix, "{stratum}:aleo:");
        assert_eq!(config.postgres.as_ref().unwrap().location, "cellar");
        assert!(!format!("{config:?}").contains("hunter2"), "a configuration may be shown");
    }

    #[test]
    fn every_mistake_is_listed_and_none_shows_a_password() {
        let (config, problems) = check(
            "[sinks.redis]\nurl = \"http://:hunter2@x\"\nprefx = \"a\"\n\
             [sinks.postgres]\nlocation = 5\n[sinks.mysql]\nurl = \"mysql://:hunter2@x\"",
        );
        assert_eq!(config, SinksConfig::default());
        assert_eq!(
            problems,
            [
                "sinks.mysql: unknown key",
                "sinks.redis.prefx: unknown key",
                "sinks.redis.url: it is not the URL of a Redis server",
                "sinks.postgres.url: it is missing",
                "sinks.postgres.location: a integer stands where text belongs",
            ]
        );
        assert_eq!(check("sinks = 5").1, ["sinks: it is not a table"]);
    }
}
