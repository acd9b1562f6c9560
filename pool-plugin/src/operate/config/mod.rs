//! The pool's configuration: flags over a TOML file over defaults, checked whole before anything starts. Its keys are one table,
//! `keys`: a new key is a field of [`Config`] with its default, and an entry there.

mod args;
pub mod change;
mod checks;
pub mod cli;
#[cfg(test)]
mod docs;
pub mod example;
mod keys;
mod live;
mod problems;
mod resolve;
#[cfg(test)]
mod samples;
mod settings;
mod shown;
mod source;

pub use args::{KeyFlags, PoolArgs};
pub use keys::{AcceptConfig, ApiConfig, NOT_SET, PostgresConfig, RedisConfig, SinksConfig};
pub use live::Live;
pub use problems::{Problem, Problems};
pub use resolve::{Context, resolve};
pub use shown::Entry;
pub use source::{CheckAddress, Source};

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use pool_core::{
    accounting::terms::Rules, chain::following::Patience, evaluator::PuzzleKind, types::Address,
};

use crate::{
    operate::webhooks::WebhookConfig,
    release::policy::Policy,
    stratum::{server::capture::CaptureConfig, vardiff, wire::dialects::Dialect},
};

/// A configuration without a mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where miners connect: the default port.
    pub listen: SocketAddr,
    /// Further ports, each pinned to a dialect.
    pub ports: Vec<PortConfig>,
    /// The prover addresses of the jobs, at least one: the chain pays the rewards to them.
    pub addresses: Vec<Address>,
    /// Holds `db/` and `shares/`.
    pub data: PathBuf,
    /// The share target of a miner that is new to the pool, in expected attempts.
    pub share_target: u64,
    /// The interval between a miner's shares.
    pub share_interval: Duration,
    /// The lowest share target, unless the network's proof target is lower.
    pub min_share_target: u64,
    /// One share target for all miners that ask for no other.
    pub fixed_share_target: Option<u64>,
    /// The number of this node among those of the pool: its miners' counters begin with it.
    pub node: u8,
    pub puzzle: PuzzleKind,
    /// Which solutions are sent when, if more are found than may land.
    pub release: Policy,
    /// How rewards are shared out.
    pub rules: Rules,
    /// How long shares are kept at least; longer while a future block may pay for them.
    pub keep_shares: Duration,
    /// How long the node may be cut off from the network before shares are refused and connections closed.
    pub patience: Patience,
    /// Threads that verify shares.
    pub verify_threads: usize,
    /// What is captured of the connections, if anything.
    pub capture: Option<CaptureConfig>,
    /// Miners served at once.
    pub max_connections: usize,
    /// How miners connect.
    pub accept: AcceptConfig,
    /// Copies of the books elsewhere.
    pub sinks: SinksConfig,
    /// Who is notified of events.
    pub webhooks: Vec<WebhookConfig>,
    pub api: ApiConfig,
}

/// A port pinned to a dialect and, optionally, to a share target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortConfig {
    pub listen: SocketAddr,
    pub dialect: Dialect,
    /// One share target for all miners of the port that ask for no other.
    pub fixed_share_target: Option<u64>,
}

const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 3333);

impl Config {
    /// What holds without flags and file. `address`: the node's own. `data`: see [`Context::default_data`].
    fn defaults(address: Option<Address>, data: PathBuf, cores: usize) -> Self {
        Self {
            listen: DEFAULT_LISTEN,
            ports: vec![],
            addresses: address.into_iter().collect(),
            data,
            share_target: 100_000,
            share_interval: Duration::from_secs(10),
            min_share_target: 1,
            fixed_share_target: None,
            node: 0,
            puzzle: PuzzleKind::default(),
            release: Policy::default(),
            rules: Rules::default(),
            keep_shares: Duration::from_secs(30 * 24 * 60 * 60),
            patience: Patience::default(),
            verify_threads: (cores / 2).max(1),
            capture: None,
            max_connections: 10_000,
            accept: AcceptConfig::default(),
            sinks: SinksConfig::default(),
            webhooks: vec![],
            api: ApiConfig::default(),
        }
    }

    /// The configuration of a file with this text, for a node with an account and no flags.
    #[cfg(test)]
    pub(crate) fn of_file(text: &str) -> Result<Self, Problems> {
        match read_file(&KeyFlags::default(), text) {
            (config, problems) if problems.is_empty() => Ok(config),
            (_, problems) => Err(Problems(problems)),
        }
    }

    /// How share targets are chosen.
    pub fn targets(&self) -> vardiff::Settings {
        vardiff::Settings {
            interval: self.share_interval,
            start: self.share_target,
            floor: self.min_share_target,
            fixed: self.fixed_share_target,
        }
    }
}

/// The configuration of these flags and a file with this text, for a node with an account, mistakes left out; and
/// these mistakes.
#[cfg(test)]
fn read_file(flags: &KeyFlags, text: &str) -> (Config, Vec<Problem>) {
    let context = Context {
        file: Some(("pool.toml".into(), Ok(text.to_owned()))),
        node_address: Some(Address([7; 32])),
        default_data: "/data".into(),
        cores: 8,
        check_address: &|_| Ok(()),
    };
    resolve::read(flags, context)
}
