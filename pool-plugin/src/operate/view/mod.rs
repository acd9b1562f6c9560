//! The running pool as plain data, for the API, the metrics, the dashboard and the command line.
//!
//! A [`View`] only reads. Once a second an [observer](observe) reads the parts and builds a [`Snapshot`];
//! readers get the last one. So the number of readers changes nothing for a miner: no reader takes a lock
//! that a share waits for, and the observer takes each for a few microseconds at a time. What is too large
//! for memory (blocks, dumps) is read from the database and the folder of dumps on request, on the reader's
//! own thread.
//!
//! # Layout
//! - the shapes: [`pool`], [`budget`], [`books`], [`miners`], [`parts`], and [`decimal`] for their numbers;
//! - `observe`: from the parts to a snapshot; `round`, `rewards`, `payments`: what it keeps up to date;
//! - `health`: whether those can be shown;
//! - `pages`: lists read on request; [`past`]: the last hours, for charts;
//! - [`config`]: the configuration without its secrets;
//! - [`metrics`]: the snapshot as metrics.

pub mod books;
pub mod budget;
pub mod config;
pub mod decimal;
mod health;
pub mod metrics;
pub mod miners;
mod observe;
mod pages;
pub mod parts;
pub mod past;
mod payments;
pub mod pool;
mod rewards;
mod round;

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use parking_lot::RwLock;
use serde_json::Value;
use tokio::sync::watch;

pub(crate) use self::observe::run;
pub use self::{
    books::*,
    budget::*,
    decimal::Decimal,
    miners::*,
    pages::{Page, PageError},
    parts::*,
    past::*,
    pool::*,
};
use pool_core::{
    chain::{ChainHandle, ChainState, Peer, Protocol},
    evaluator::Evaluator,
    health::{Health, HealthBoard},
    log_throttle::LogThrottle,
    supervise::Restarts,
    types::Network,
};

use self::{payments::Payments, rewards::RewardBook};
use crate::{
    books::dump,
    ledger::{ShareLedger, records::SolutionRecord},
    operate::{
        config::{Config, Live},
        webhooks,
    },
    release::Waits,
    stratum::{intake::Intake, server::Server},
};

/// A view of a pool; clones share it. Before the pool runs there is little to see.
#[derive(Clone)]
pub struct View(Arc<Shared>);

struct Shared {
    /// The configuration at the start.
    config: Arc<Config>,
    network: Network,
    ledger: ShareLedger,
    board: HealthBoard,
    parts: OnceLock<Sources>,
    chain: OnceLock<ChainHandle>,
    latest: watch::Sender<Arc<Snapshot>>,
    rewards: RwLock<RewardBook>,
    unreadable_dumps: LogThrottle,
    payments: RwLock<Payments>,
}

/// The parts of a running pool that are read.
pub(crate) struct Sources {
    pub(crate) server: Arc<Server>,
    pub(crate) live: Live,
    pub(crate) intake: Arc<Intake>,
    pub(crate) evaluator: Arc<dyn Evaluator>,
    pub(crate) state: watch::Receiver<ChainState>,
    pub(crate) restarts: Restarts,
    pub(crate) waits: watch::Receiver<Waits>,
    pub(crate) webhooks: Arc<webhooks::Counters>,
}

/// The pool at a moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub pool: PoolView,
    pub budgets: Vec<BudgetView>,
    /// By name.
    pub accounts: Vec<AccountView>,
    /// By account and name.
    pub workers: Vec<WorkerView>,
    /// The last found ones first.
    pub solutions: Arc<Vec<SolutionRecord>>,
}

impl View {
    pub(crate) fn new(config: Config, network: Network, ledger: ShareLedger, board: HealthBoard) -> Self {
        let pool = PoolView {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            network: network.name().to_owned(),
            addresses: config.addresses.iter().map(ToString::to_string).collect(),
            ..PoolView::default()
        };
        let config = Arc::new(config);
        let latest = watch::Sender::new(Arc::new(Snapshot { pool, ..Snapshot::default() }));
        let (parts, chain) = (OnceLock::new(), OnceLock::new());
        let (rewards, payments) = (RwLock::default(), RwLock::default());
        Self(Arc::new(Shared {
            config,
            network,
            ledger,
            board,
            parts,
            chain,
            latest,
            rewards,
            unreadable_dumps: LogThrottle::default(),
            payments,
        }))
    }

    /// The pool runs: from now on there is something to read.
    pub(crate) fn attach(&self, parts: Sources) {
        // A pool runs once.
        let _ = self.0.parts.set(parts);
    }

    pub(crate) fn attach_chain(&self, chain: ChainHandle) {
        let _ = self.0.chain.set(chain);
    }

    /// The last snapshot, about a second old at most while the pool runs.
    pub fn latest(&self) -> Arc<Snapshot> {
        self.0.latest.borrow().clone()
    }

    /// Every future snapshot.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.0.latest.subscribe()
    }

    /// The present health of the parts.
    pub fn health(&self) -> HealthView {
        HealthView::from(&*self.0.board.subscribe().borrow())
    }

    /// Every change of the parts' health.
    pub fn subscribe_health(&self) -> watch::Receiver<Health> {
        self.0.board.subscribe()
    }

    /// The configuration in force.
    pub fn config(&self) -> Arc<Config> {
        self.0.parts.get().map_or_else(|| Arc::clone(&self.0.config), |parts| parts.live.now())
    }

    /// The configuration without its secrets, by the keys of its file.
    pub fn shown_config(&self) -> Value {
        config::shown(&self.config())
    }

    /// The peers of the node; none before it is up.
    pub fn peers(&self) -> Vec<Peer> {
        self.0.chain.get().map(|chain| chain.peers()).unwrap_or_default()
    }

    /// What the node's release knows of the protocol; nothing before the node is up.
    pub fn protocol(&self) -> Protocol {
        self.0.chain.get().map(|chain| chain.protocol()).unwrap_or_default()
    }

    fn shares_dir(&self) -> PathBuf {
        self.0.config.data.join(dump::FOLDER)
    }
}
