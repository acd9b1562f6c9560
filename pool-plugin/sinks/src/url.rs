//! Server addresses. URLs may contain passwords, so neither is ever shown: the shown text is built from its
//! harmless parts.

use std::{fmt, str::FromStr};

use postgres::config::{Host, SslMode};
use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo};

/// A Redis server: `redis://[user:password@]host[:port][/database]` or `redis+unix:///path`.
#[derive(Clone)]
pub struct RedisUrl {
    text: String,
    shown: String,
}

/// A PostgreSQL database: `postgresql://user[:password]@host[:port]/database`; a host that is a path, with
/// every slash as `%2F`, is the folder of a socket.
#[derive(Clone)]
pub struct PostgresUrl {
    text: String,
    shown: String,
}

impl RedisUrl {
    pub(crate) fn connection_info(&self) -> redis::RedisResult<ConnectionInfo> {
        self.text.as_str().into_connection_info()
    }
}

impl PostgresUrl {
    pub(crate) fn config(&self) -> Result<postgres::Config, postgres::Error> {
        self.text.parse()
    }
}

impl FromStr for RedisUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("rediss://") {
            return Err("rediss:// (TLS) is not built in: use a socket, a private network or a tunnel".into());
        }
        // The library's own text may quote the URL.
        let info = text.into_connection_info().map_err(|_| "it is not the URL of a Redis server")?;
        let database = info.redis_settings().db();
        let shown = match info.addr() {
            ConnectionAddr::Unix(path) => format!("redis+unix://{}?db={database}", path.display()),
            address => format!("redis://{address}/{database}"),
        };
        Ok(Self { text: text.into(), shown })
    }
}

impl FromStr for PostgresUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if !text.starts_with("postgresql://") && !text.starts_with("postgres://") {
            return Err("it is not the URL of a PostgreSQL database".into());
        }
        // The library's own text may quote the URL.
        let config: postgres::Config =
            text.parse().map_err(|_| "it is not the URL of a PostgreSQL database")?;
        if config.get_ssl_mode() == SslMode::Require {
            return Err("sslmode=require is not built in: use a socket, a private network or a tunnel".into());
        }
        let user = config.get_user().ok_or("it names no user")?;
        let database = config.get_dbname().ok_or("it names no database")?;
        let host = match config.get_hosts() {
            [Host::Tcp(name)] => name.clone(),
            [Host::Unix(folder)] => folder.display().to_string(),
            _ => return Err("it does not name exactly one host".into()),
        };
        let port = config.get_ports().first().copied().unwrap_or(5432);
        Ok(Self { text: text.into(), shown: format!("postgresql://{user}@{host}:{port}/{database}") })
    }
}

macro_rules! show_without_password {
    ($($url:ty),*) => {$(
        impl fmt::Display for $url {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.shown)
            }
        }

        impl fmt::Debug for $url {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.shown)
            }
        }

        impl PartialEq for $url {
            fn eq(&self, other: &Self) -> bool {
                self.text == other.text
            }
        }

        impl Eq for $url {}
    )*};
}

show_without_password!(RedisUrl, PostgresUrl);

#[cfg(test)]
mod tests {
    use super::*;

    fn redis(text: &str) -> Result<String, String> {
        text.parse::<RedisUrl>().map(|url| format!("{url} {url:?}"))
    }

    fn postgres(text: &str) -> Result<String, String> {
        text.parse::<PostgresUrl>().map(|url| format!("{url} {url:?}"))
    }

    #[test]
    fn what_is_shown_has_no_password() {
        let shown = "redis://db.example:7000/2";
        assert_eq!(redis("redis://ann:hunter2@db.example:7000/2"), Ok(format!("{shown} {shown}")));
        let shown = "postgresql://pool@db.example:5432/books";
        assert_eq!(postgres("postgresql://pool:hunter2@db.example/books"), Ok(format!("{shown} {shown}")));
        let shown = "postgresql://pool@/run/postgresql:5433/books";
        assert_eq!(
            postgres("postgres://pool:hunter2@%2Frun%2Fpostgresql:5433/books"),
            Ok(format!("{shown} {shown}"))
        );
        assert!(redis("redis+unix:///run/redis.sock?pass=hunter2").unwrap().contains("/run/redis.sock"));
        assert!(!redis("redis+unix:///run/redis.sock?pass=hunter2").unwrap().contains("hunter2"));
    }

    #[test]
    fn a_mistake_shows_no_password_either() {
        let wrong = [
            redis("redis//:hunter2@x"),
            redis("http://ann:hunter2@x"),
            redis("redis://ann:hunter2@x:port"),
            redis("rediss://ann:hunter2@x"),
            postgres("host=x password=hunter2"),
            postgres("postgresql://ann:hunter2@x:port/books"),
            postgres("postgresql://ann:hunter2@x"),
            postgres("postgresql://ann:hunter2@x/books?sslmode=require"),
            postgres("postgresql:///books"),
        ];
        for result in wrong {
            let text = result.unwrap_err();
            assert!(!text.contains("hunter2"), "{text}");
        }
    }
}
