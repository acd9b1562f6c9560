//! The pool's configuration: flags over a TOML file over defaults, checked whole before anything starts.

mod addresses;
mod api;
mod args;
pub mod change;
pub mod cli;
mod entrance;
pub mod example;
mod live;
mod ports;
mod problems;
mod range;
mod reader;
mod resolve;
mod shown;
mod sinks;
mod source;
mod table;
mod webhooks;

pub use api::ApiConfig;
pub use args::PoolArgs;
pub use entrance::EntranceConfig;
pub use live::Live;
pub use problems::{Problem, Problems};
pub use resolve::{Context, resolve};
pub use shown::{Entry, NOT_SET};
pub use sinks::{PostgresConfig, RedisConfig, SinksConfig};
pub use source::{CheckAddress, Source};

use std::{net::SocketAddr, path::PathBuf, time::Duration};

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
    pub entrance: EntranceConfig,
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

impl Config {
    /// The configuration of a file with this text, for a node with an account and no flags.
    #[cfg(test)]
    pub(crate) fn of_file(text: &str) -> Result<Self, Problems> {
        let context = Context {
            file: Some(("pool.toml".into(), Ok(text.to_owned()))),
            node_address: Some(Address([7; 32])),
            default_data: "/data".into(),
            cores: 8,
            check_address: &|_| Ok(()),
        };
        resolve(&PoolArgs::default(), context)
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
