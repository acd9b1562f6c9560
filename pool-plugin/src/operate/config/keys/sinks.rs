//! The tables `[sinks.redis]` and `[sinks.postgres]`. They have no flags: passwords do not belong on a
//! command line, where everybody on the machine can read them. For the same reason no error quotes a URL.

use pool_sinks::{
    redis::DEFAULT_PREFIX,
    url::{PostgresUrl, RedisUrl},
};

use super::{
    Allowed::Words,
    DefaultValue::{Fixed, Needed},
    Key,
    Reload::Restart,
    Sample::One,
    Section,
    Show::{Masked, Whole},
    text::optional,
};
use crate::operate::config::Config;

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

pub(super) static REDIS: Section = Section {
    about: "Copies of the books in Redis (docs/sinks.md)",
    keys: &[
        Key {
            name: "sinks.redis.url",
            flag: None,
            allowed: Words("redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE] or redis+unix:///PATH"),
            default: Needed,
            sample: One("\"redis://:PASSWORD@127.0.0.1:6379/0\""),
            doc: "The server; the password is never shown",
            reload: Restart,
            parse: |given, config| {
                given.text(&mut config.sinks.redis, |text| {
                    text.parse().map(|url| Some(RedisConfig { url, prefix: DEFAULT_PREFIX.to_owned() }))
                })
            },
            show: Masked(
                |config| optional(config.sinks.redis.as_ref().map(|redis| &redis.url)),
                |left, right| {
                    let url = |config: &Config| config.sinks.redis.as_ref().map(|redis| redis.url.clone());
                    url(left) == url(right)
                },
            ),
        },
        Key {
            name: "sinks.redis.prefix",
            flag: None,
            allowed: Words("text"),
            default: Fixed,
            sample: One("\"{stratum}:test:\""),
            doc: "What the names of all keys begin with",
            reload: Restart,
            parse: |given, config| {
                // Without a URL, which is another mistake, it is only checked.
                let mut unused = String::new();
                let prefix = config.sinks.redis.as_mut().map_or(&mut unused, |redis| &mut redis.prefix);
                given.text(prefix, any)
            },
            show: Whole(|config| optional(config.sinks.redis.as_ref().map(|redis| &redis.prefix))),
        },
    ],
};

pub(super) static POSTGRES: Section = Section {
    about: "Copies of the books in PostgreSQL (docs/sinks.md)",
    keys: &[
        Key {
            name: "sinks.postgres.url",
            flag: None,
            allowed: Words("postgresql://USER[:PASSWORD]@HOST[:PORT]/DATABASE"),
            default: Needed,
            sample: One("\"postgresql://pool:PASSWORD@127.0.0.1:5432/pool\""),
            doc: "The database; the password is never shown",
            reload: Restart,
            parse: |given, config| {
                given.text(&mut config.sinks.postgres, |text| {
                    text.parse().map(|url| Some(PostgresConfig { url, location: String::new() }))
                })
            },
            show: Masked(
                |config| optional(config.sinks.postgres.as_ref().map(|postgres| &postgres.url)),
                |left, right| {
                    let url =
                        |config: &Config| config.sinks.postgres.as_ref().map(|postgres| postgres.url.clone());
                    url(left) == url(right)
                },
            ),
        },
        Key {
            name: "sinks.postgres.location",
            flag: None,
            allowed: Words("text"),
            default: Fixed,
            sample: One("\"Reykjavik\""),
            doc: "The value of `blocks_records.location`",
            reload: Restart,
            parse: |given, config| {
                let mut unused = String::new();
                let postgres = config.sinks.postgres.as_mut();
                given.text(postgres.map_or(&mut unused, |postgres| &mut postgres.location), any)
            },
            show: Whole(|config| optional(config.sinks.postgres.as_ref().map(|postgres| &postgres.location))),
        },
    ],
};

fn any(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operate::config::read_file;

    fn check(text: &str) -> (SinksConfig, Vec<String>) {
        let (config, problems) = read_file(&Default::default(), text);
        (
            config.sinks,
            problems.into_iter().map(|problem| format!("{}: {}", problem.key, problem.wrong)).collect(),
        )
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
