//! The table `[api]`: where the HTTP API listens, and who may use which part.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use ipnet::IpNet;

use super::{
    Allowed::Words,
    DefaultValue::{Absent, Fixed},
    Flag, Key,
    Reload::Restart,
    Sample::One,
    Section,
    Show::{Masked, Whole},
    connect::parse_listen,
    range::in_range,
    text::{MASK, list, optional},
};
use crate::stratum::{guard::access::parse_network, users::password::is_hash};

const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 3335);
const DEFAULT_PER_MINUTE: u32 = 600;
const MAX_PER_MINUTE: u32 = 1_000_000;

/// The HTTP API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiConfig {
    /// `None`: no API.
    pub listen: Option<SocketAddr>,
    /// The argon2id hash of the bearer token for the admin part. `None`: no admin part.
    pub admin_token: Option<String>,
    /// The origins whose pages may read the API; `*` means all.
    pub cors: Vec<String>,
    /// Requests per address and minute.
    pub requests_per_minute: u32,
    /// Proxies whose `X-Forwarded-For` is trusted.
    pub proxies: Vec<IpNet>,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            listen: Some(DEFAULT_LISTEN),
            admin_token: None,
            cors: vec![],
            requests_per_minute: DEFAULT_PER_MINUTE,
            proxies: vec![],
        }
    }
}

pub(super) static SECTION: Section = Section {
    about: "The HTTP API with metrics and dashboard (docs/api.md)",
    keys: &[
        Key {
            name: "api.listen",
            flag: Flag::new("pool-api", "IP:PORT|off"),
            allowed: Words("an IP address and a port, e.g. 127.0.0.1:3335, or off"),
            default: Fixed,
            sample: One("\"127.0.0.1:3\""),
            doc: "Where the HTTP API with metrics and dashboard listens, or `off`",
            reload: Restart,
            parse: |given, config| given.text(&mut config.api.listen, parse_api_listen),
            show: Whole(|config| {
                config.api.listen.map_or_else(|| "off".to_owned(), |address| address.to_string())
            }),
        },
        Key {
            name: "api.admin_token",
            flag: None,
            allowed: Words("what `snarkos pool api-token` prints, $argon2id$…"),
            default: Absent,
            sample: One(
                "\"$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g\"",
            ),
            doc: "The hash of the token for the admin part; `snarkos pool api-token` makes one. Without it there is \
                  no admin part",
            reload: Restart,
            // Not quoted: it may be the token itself.
            parse: |given, config| {
                given.text(&mut config.api.admin_token, |hash| {
                    is_hash(hash)
                        .then(|| Some(hash.to_owned()))
                        .ok_or("it is not an argon2id hash".to_owned())
                })
            },
            show: Masked(
                |config| optional(config.api.admin_token.as_ref().map(|_| MASK)),
                |left, right| left.api.admin_token == right.api.admin_token,
            ),
        },
        Key {
            name: "api.cors",
            flag: None,
            allowed: Words("origins such as https://pool.example, or *"),
            default: Absent,
            sample: One("[\"https://pool.example\"]"),
            doc: "The origins whose pages may read the API",
            reload: Restart,
            parse: |given, config| given.list(&mut config.api.cors, "text belongs", parse_origin),
            show: Whole(|config| list(&config.api.cors)),
        },
        Key {
            name: "api.proxies",
            flag: None,
            allowed: Words("addresses or networks, e.g. 127.0.0.1"),
            default: Absent,
            sample: One("\"127.0.0.1\""),
            doc: "The proxies whose X-Forwarded-For is trusted",
            reload: Restart,
            parse: |given, config| given.list(&mut config.api.proxies, "text belongs", parse_network),
            show: Whole(|config| list(&config.api.proxies)),
        },
        Key {
            name: "api.requests_per_minute",
            flag: None,
            allowed: Words("a whole number from 1 to 1000000"),
            default: Fixed,
            sample: One("7"),
            doc: "Requests of one address in a minute",
            reload: Restart,
            parse: |given, config| {
                given.one(&mut config.api.requests_per_minute, |text| in_range(text, 1, MAX_PER_MINUTE))
            },
            show: Whole(|config| config.api.requests_per_minute.to_string()),
        },
    ],
};

fn parse_api_listen(text: &str) -> Result<Option<SocketAddr>, String> {
    match text {
        "off" => Ok(None),
        text => parse_listen(text).map(Some),
    }
}

/// An origin as browsers write it: scheme, host, an optional port, and no path.
fn parse_origin(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_host = |host: &str| {
        !host.is_empty()
            && host.chars().all(|c| c.is_ascii_graphic() && !c.is_ascii_uppercase())
            && !host.contains(['/', '?', '#', '@', ','])
    };
    match text == "*" || host.is_some_and(is_host) {
        true => Ok(text.to_owned()),
        false => Err(format!("'{text}' is not an origin")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operate::config::{Problem, read_file};

    fn check(text: &str, flag: Option<&str>) -> (ApiConfig, Vec<String>) {
        let flags = flag.map(|flag| ("api.listen", flag.to_owned()));
        let (config, problems) = read_file(&flags.into_iter().collect(), text);
        let said = |problem: Problem| format!("{} ({}): {}", problem.key, problem.origin, problem.wrong);
        (config.api, problems.into_iter().map(said).collect())
    }

    #[test]
    fn without_a_table_the_api_is_on_loopback_and_read_only() {
        let (config, problems) = check("", None);
        assert_eq!(config, ApiConfig::default());
        assert_eq!((config.listen.unwrap().to_string().as_str(), problems.len()), ("127.0.0.1:3335", 0));
        assert_eq!(config.admin_token, None);
    }

    #[test]
    fn every_key_is_read_and_the_flag_wins() {
        let file = r#"
            [api]
            listen = "0.0.0.0:80"
            admin_token = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaA"
            cors = ["https://pool.example", "http://localhost:8080"]
            proxies = "10.0.0.0/8"
            requests_per_minute = 60
        "#;
        let (config, problems) = check(file, Some("off"));
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!((config.listen, config.requests_per_minute), (None, 60));
        assert_eq!((config.cors.len(), config.proxies.len()), (2, 1));
        assert!(config.admin_token.is_some());
        assert_eq!(check(file, None).0.listen, Some("0.0.0.0:80".parse().unwrap()));
    }

    #[test]
    fn every_mistake_is_told_and_no_token_is_quoted() {
        let file = r#"
            [api]
            listen = "nowhere"
            admin_token = "hunter2hunter2"
            cors = ["https://pool.example/path", 7]
            proxies = ["x"]
            requests_per_minute = 0
            colour = "red"
        "#;
        let (_, problems) = check(file, Some("also nowhere"));
        assert_eq!(problems.len(), 8, "{problems:#?}");
        assert!(!problems.concat().contains("hunter2"));
    }
}
