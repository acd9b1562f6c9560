//! How the server and its listeners are set.

use std::{sync::Arc, time::Duration};

use pool_core::chain::addresses::Addresses;

use super::capture::CaptureConfig;
use crate::stratum::{vardiff, wire::dialects::Dialect};

/// The settings of the server.
#[derive(Clone, Debug)]
pub struct StratumConfig {
    /// The pool's addresses: the prover addresses in the puzzle.
    pub addresses: Arc<Addresses>,
    /// How share targets are chosen.
    pub targets: vardiff::Settings,
    pub max_connections: usize,
    /// Submissions of one session that are verified at a time; until one is done its socket is not read
    /// further.
    pub in_flight: usize,
    /// Within this time a miner must subscribe, and within the same time again authorize.
    pub handshake_timeout: Duration,
    /// How long a miner may leave a line of ours unread before it is disconnected.
    pub write_timeout: Duration,
    /// What is captured; usually nothing.
    pub capture: Option<CaptureConfig>,
}

/// A port's own settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortSettings {
    pub dialect: Dialect,
    /// One share target for all its miners that ask for no other.
    pub fixed_target: Option<u64>,
}

impl StratumConfig {
    /// The defaults, for a pool of these addresses.
    pub fn new(addresses: Arc<Addresses>, targets: vardiff::Settings) -> Self {
        Self {
            addresses,
            targets,
            max_connections: 4096,
            in_flight: 32,
            handshake_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(15),
            capture: None,
        }
    }
}
