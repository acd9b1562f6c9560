//! The settings for new connections: limits, TLS, proxies, users, the admin of the stratum port.

use std::{path::PathBuf, str::FromStr};

use ipnet::IpNet;

use super::{PoolArgs, Problem, range::in_range, reader::Reader};
use crate::stratum::{guard::access::parse_network, users::UserMode};

const DEFAULT_PER_ADDRESS: usize = 256;

/// The keys of a configuration file that end up here.
pub(super) const KEYS: [&str; 6] =
    ["admin_password_file", "max_per_address", "proxies", "tls_certificate", "tls_key", "users"];

/// How miners connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntranceConfig {
    /// Connections per address before its shares have earned it more.
    pub max_per_address: usize,
    /// Certificate chain and private key, PEM. `None`: no TLS.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Proxies whose PROXY headers are trusted, and required.
    pub proxies: Vec<IpNet>,
    pub users: UserMode,
    /// Holds the password of `mining.authorize_admin`. `None`: no such method.
    pub admin_password_file: Option<PathBuf>,
}

impl Default for EntranceConfig {
    fn default() -> Self {
        Self {
            max_per_address: DEFAULT_PER_ADDRESS,
            tls: None,
            proxies: Vec::new(),
            users: UserMode::default(),
            admin_password_file: None,
        }
    }
}

/// Reads these keys; mistakes go to the reader's list.
pub(super) fn read(reader: &mut Reader, args: &PoolArgs) -> EntranceConfig {
    const FILE: &str = "a file the pool may read";
    let path = |text: &str| match text {
        "" => Err("it is empty".to_owned()),
        _ => Ok(PathBuf::from(text)),
    };
    let max_per_address = reader.read(
        "max_per_address",
        &args.pool_max_per_address,
        "a whole number from 1 to 1000000",
        |text| in_range(text, 1, 1_000_000),
    );
    let proxies = reader.read(
        "proxies",
        &args.pool_proxies,
        "addresses or networks separated by commas, e.g. 10.0.0.7, 192.168.0.0/16",
        |text| text.split(',').filter(|part| !part.trim().is_empty()).map(parse_network).collect(),
    );
    let users = reader.read("users", &args.pool_users, "open or closed", UserMode::from_str);
    let admin_password_file = reader.read("admin_password_file", &args.pool_admin_password_file, FILE, path);
    let certificate = reader.read("tls_certificate", &args.pool_tls_certificate, FILE, path);
    let key = reader.read("tls_key", &args.pool_tls_key, FILE, path);
    for (missing, there) in [("tls_key", "tls_certificate"), ("tls_certificate", "tls_key")] {
        let is_set = |key: &str| match key {
            "tls_key" => reader.is_set(key, &args.pool_tls_key),
            _ => reader.is_set(key, &args.pool_tls_certificate),
        };
        if is_set(there) && !is_set(missing) {
            reader.problems.push(Problem {
                key: missing.into(),
                origin: "not set".into(),
                wrong: format!("{there} is set, and it needs {missing}"),
                allowed: "both, or neither".into(),
            });
        }
    }
    let defaults = EntranceConfig::default();
    EntranceConfig {
        max_per_address: max_per_address.unwrap_or(defaults.max_per_address),
        tls: certificate.zip(key),
        proxies: proxies.unwrap_or_default(),
        users: users.unwrap_or_default(),
        admin_password_file,
    }
}
