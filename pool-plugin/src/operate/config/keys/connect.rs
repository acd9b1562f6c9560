//! Keys for new connections: the default port, limits, TLS, proxies, users, the admin of the stratum port.

use std::{net::SocketAddr, path::PathBuf, str::FromStr};

use ipnet::IpNet;

use super::{
    Allowed::{OneOf, Words},
    DefaultValue::{Absent, Fixed},
    Flag, Key,
    Reload::{Now, Restart},
    Sample::One,
    Section,
    Show::Whole,
    data::path,
    range::in_range,
    text::{list, optional},
};
use crate::stratum::{guard::access::parse_network, users::UserMode};

const DEFAULT_PER_ADDRESS: usize = 256;
const MAX_CONNECTIONS: usize = 1_000_000;

/// How miners connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptConfig {
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

impl Default for AcceptConfig {
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

pub(super) static SECTION: Section = Section {
    about: "Where miners connect",
    keys: &[
        Key {
            name: "listen",
            flag: Flag::new("pool-listen", "IP:PORT"),
            allowed: Words("an IP address and a port, e.g. 0.0.0.0:3333"),
            default: Fixed,
            sample: One("\"127.0.0.1:3334\""),
            doc: "Where miners connect: the default port, for AleoStratum and the JSON dialects that differ visibly \
                  from it",
            reload: Restart,
            parse: |given, config| given.one(&mut config.listen, parse_listen),
            show: Whole(|config| config.listen.to_string()),
        },
        Key {
            name: "max_connections",
            flag: Flag::new("pool-max-connections", "N"),
            allowed: Words("a whole number from 1 to 1000000"),
            default: Fixed,
            sample: One("7"),
            doc: "Miners served at once. The limit of open files may allow fewer: the log says so",
            reload: Now(|running, new| running.max_connections = new.max_connections),
            parse: |given, config| given.one(&mut config.max_connections, connections),
            show: Whole(|config| config.max_connections.to_string()),
        },
        Key {
            name: "max_per_address",
            flag: Flag::new("pool-max-per-address", "N"),
            allowed: Words("a whole number from 1 to 1000000"),
            default: Fixed,
            sample: One("7"),
            doc: "Connections of one address; more for those whose shares have earned it",
            reload: Now(|running, new| running.accept.max_per_address = new.accept.max_per_address),
            parse: |given, config| given.one(&mut config.accept.max_per_address, connections),
            show: Whole(|config| config.accept.max_per_address.to_string()),
        },
        Key {
            name: "tls_certificate",
            flag: Flag::new("pool-tls-certificate", "FILE"),
            allowed: Words("a file the pool may read"),
            default: Absent,
            sample: One("\"/etc/aleo-pool/cert.pem\""),
            doc: "A certificate chain (PEM): with it and its key every port speaks TLS too. Renewed files are loaded \
                  by themselves; other paths need a restart",
            reload: Restart,
            parse: |given, config| given.one(&mut config.accept.tls.get_or_insert_default().0, path),
            show: Whole(|config| optional(config.accept.tls.as_ref().map(|(file, _)| file.display()))),
        },
        Key {
            name: "tls_key",
            flag: Flag::new("pool-tls-key", "FILE"),
            allowed: Words("a file the pool may read"),
            default: Absent,
            sample: One("\"/etc/aleo-pool/key.pem\""),
            doc: "The private key of the TLS certificate (PEM)",
            reload: Restart,
            parse: |given, config| given.one(&mut config.accept.tls.get_or_insert_default().1, path),
            show: Whole(|config| optional(config.accept.tls.as_ref().map(|(_, file)| file.display()))),
        },
        Key {
            name: "proxies",
            flag: Flag::new("pool-proxies", "LIST"),
            allowed: Words("addresses or networks separated by commas, e.g. 10.0.0.7, 192.168.0.0/16"),
            default: Absent,
            sample: One("\"10.0.0.7, 192.168.0.0/16\""),
            doc: "Proxies in front of the pool: they must send a PROXY header, and the pool trusts it",
            reload: Now(|running, new| running.accept.proxies.clone_from(&new.accept.proxies)),
            parse: |given, config| given.one(&mut config.accept.proxies, networks),
            show: Whole(|config| list(&config.accept.proxies)),
        },
        Key {
            name: "users",
            flag: Flag::new("pool-users", "open|closed"),
            allowed: OneOf(user_modes),
            default: Fixed,
            sample: One("\"closed\""),
            doc: "Who may log in: `open` means any valid login, `closed` only the users of users.json with their \
                  passwords",
            reload: Now(|running, new| running.accept.users = new.accept.users),
            parse: |given, config| given.choice(&mut config.accept.users, user_modes, UserMode::from_str),
            show: Whole(|config| config.accept.users.name().to_owned()),
        },
        Key {
            name: "admin_password_file",
            flag: Flag::new("pool-admin-password-file", "FILE"),
            allowed: Words("a file the pool may read"),
            default: Absent,
            sample: One("\"/etc/aleo-pool/admin.password\""),
            doc: "A file (mode 600) with the password of `mining.authorize_admin`; without it the port has no such \
                  method",
            reload: Restart,
            parse: |given, config| {
                given.one(&mut config.accept.admin_password_file, |text| path(text).map(Some))
            },
            show: Whole(|config| {
                optional(config.accept.admin_password_file.as_ref().map(|file| file.display()))
            }),
        },
    ],
};

fn connections(text: &str) -> Result<usize, String> {
    in_range(text, 1, MAX_CONNECTIONS)
}

fn networks(text: &str) -> Result<Vec<IpNet>, String> {
    text.split(',').filter(|part| !part.trim().is_empty()).map(parse_network).collect()
}

fn user_modes() -> Vec<&'static str> {
    UserMode::ALL.map(UserMode::name).into()
}

pub(super) fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    SocketAddr::from_str(text).map_err(|_| format!("'{text}' is not an address with a port"))
}
