//! The table `[api]`, and the flag `--pool-api`: where the HTTP API listens, and who may use which part.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use ipnet::IpNet;
use toml::Value;

use super::{Problem, ports::parse_listen, range::in_range, table::TableReader};
use crate::stratum::{guard::access::parse_network, users::password::is_hash};

const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 3335);
const DEFAULT_PER_MINUTE: u32 = 600;
const MAX_PER_MINUTE: u32 = 1_000_000;

const KEYS: [&str; 5] = ["admin_token", "cors", "listen", "proxies", "requests_per_minute"];
const LISTEN: &str = "an IP address and a port, e.g. 127.0.0.1:3335, or off";

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

/// Reads the value of the key `api` of the file called `origin`; `flag` is that of `--pool-api`.
pub(super) fn read(
    api: Option<&Value>,
    flag: Option<&str>,
    origin: &str,
    problems: &mut Vec<Problem>,
) -> ApiConfig {
    let mut config = ApiConfig::default();
    let mut reader = TableReader { origin, problems };
    if let Some(table) = api.and_then(|value| reader.table("api", value, &KEYS)) {
        if let Some(text) = reader.text("api.listen", table.get("listen")) {
            take(&mut reader, "api.listen", parse_api_listen(&text), LISTEN, &mut config.listen);
        }
        if let Some(hash) = reader.text("api.admin_token", table.get("admin_token")) {
            // Not quoted: it may be the token itself.
            let hash = is_hash(&hash).then_some(Some(hash)).ok_or("it is not an argon2id hash".to_owned());
            let allowed = "what `snarkos pool api-token` prints, $argon2id$…";
            take(&mut reader, "api.admin_token", hash, allowed, &mut config.admin_token);
        }
        for text in reader.texts("api.cors", table.get("cors")) {
            let mut origin = None;
            let allowed = "origins such as https://pool.example, or *";
            take(&mut reader, "api.cors", parse_origin(&text).map(Some), allowed, &mut origin);
            config.cors.extend(origin);
        }
        for text in reader.texts("api.proxies", table.get("proxies")) {
            let mut proxy = None;
            let allowed = "addresses or networks, e.g. 127.0.0.1";
            take(&mut reader, "api.proxies", parse_network(&text).map(Some), allowed, &mut proxy);
            config.proxies.extend(proxy);
        }
        if let Some(value) = table.get("requests_per_minute") {
            let number = match value.as_integer() {
                Some(number) => in_range(&number.to_string(), 1, MAX_PER_MINUTE),
                None => Err(format!("a {} stands where a whole number belongs", value.type_str())),
            };
            let (key, allowed) = ("api.requests_per_minute", "a whole number from 1 to 1000000");
            take(&mut reader, key, number, allowed, &mut config.requests_per_minute);
        }
    }
    if let Some(text) = flag {
        let mut reader = TableReader { origin: "--pool-api", problems: reader.problems };
        take(&mut reader, "api.listen", parse_api_listen(text), LISTEN, &mut config.listen);
    }
    config
}

fn take<T>(reader: &mut TableReader<'_>, key: &str, parsed: Result<T, String>, allowed: &str, to: &mut T) {
    match parsed {
        Ok(value) => *to = value,
        Err(wrong) => reader.problem(key, wrong, allowed),
    }
}

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

    fn check(text: &str, flag: Option<&str>) -> (ApiConfig, Vec<String>) {
        let table: toml::Table = text.parse().unwrap();
        let mut problems = vec![];
        let config = read(table.get("api"), flag, "pool.toml", &mut problems);
        let said = |problem: Problem| format!("{} ({}): {}", problem.key, problem.origin, problem.wrong);
        (config, problems.into_iter().map(said).collect())
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
