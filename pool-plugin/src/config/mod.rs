//! The pool's configuration: flags over a TOML file over defaults, checked whole before anything starts.

mod args;
mod ports;
mod problems;
mod resolve;

pub use args::PoolArgs;
pub use problems::{Problem, Problems};
pub use resolve::{Context, resolve};

use std::{net::SocketAddr, path::PathBuf};

use crate::{evaluator::PuzzleKind, stratum::dialects::Dialect, types::Address};

/// A configuration without a mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where miners connect: the default port.
    pub listen: SocketAddr,
    /// Further ports, each for miners of one dialect.
    pub ports: Vec<PortConfig>,
    /// The prover address of every job: the chain's rewards go there.
    pub address: Address,
    /// Holds `db/` and `shares/`.
    pub data: PathBuf,
    /// The target of a share, in expected attempts, before the cap by the network's proof target.
    pub share_target: u64,
    pub puzzle: PuzzleKind,
    /// Threads that verify shares.
    pub verify_threads: usize,
    /// Miners served at once.
    pub max_connections: usize,
}

/// A port that is pinned to a dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortConfig {
    pub listen: SocketAddr,
    pub dialect: Dialect,
}
