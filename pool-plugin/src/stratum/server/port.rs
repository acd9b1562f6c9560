//! What the sessions of all doors share, and how it is set.

use std::{sync::Arc, time::Duration};

use pool_core::chain::{ChainState, addresses::Addresses};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::error;

use super::{
    bell::Bell,
    capture::{CaptureConfig, Recorder},
    common::Common,
    phrases::Phrases,
    returns::Returns,
    stats::Stats,
};
use crate::stratum::{guard::Strangers, intake::Intake, vardiff, wire::dialects::Dialect};

/// When the port is full: connections that may wait for a stranger to give way.
const WAITING: usize = 64;
/// How often one that waits looks for a place.
const PLACE_LOOKS: Duration = Duration::from_millis(10);

/// The settings of the port.
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
pub struct Pinned {
    pub dialect: Dialect,
    /// One share target for all its miners that ask for no other.
    pub fixed_target: Option<u64>,
}

/// What all sessions share.
pub(super) struct Port {
    pub(super) config: StratumConfig,
    pub(super) intake: Arc<Intake>,
    pub(super) stats: Arc<Stats>,
    pub(super) bell: Bell,
    pub(super) phrases: Phrases,
    /// Submissions in flight. They outlive their sessions: a find must not be lost with a connection.
    pub(super) submissions: TaskTracker,
    pub(super) recorder: Option<Recorder>,
    /// As many as can ever exist; the connections of all listeners hold some of them.
    slots: Arc<Semaphore>,
    pub(super) stop: CancellationToken,
    pub(super) common: Arc<Common>,
    /// One for every connection that waits for a place.
    pub(super) waiting: Arc<Semaphore>,
    pub(super) strangers: Arc<Strangers>,
    returns: Returns,
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

impl Port {
    /// `state`: the chain's at this moment.
    pub(super) fn new(
        config: StratumConfig,
        intake: Arc<Intake>,
        stats: Arc<Stats>,
        common: Arc<Common>,
        state: ChainState,
        stop: CancellationToken,
    ) -> Self {
        Self {
            recorder: start_recorder(&config),
            config,
            intake,
            stats,
            bell: Bell::new(state),
            phrases: Phrases::default(),
            submissions: TaskTracker::new(),
            slots: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
            waiting: Arc::new(Semaphore::new(WAITING)),
            strangers: Arc::default(),
            returns: Returns::default(),
            stop,
            common,
        }
    }

    /// How share targets are chosen.
    pub(super) fn targets(&self) -> vardiff::Settings {
        self.common.targets().unwrap_or(self.config.targets)
    }

    pub(super) fn max_connections(&self) -> usize {
        self.common.max_connections().unwrap_or(self.config.max_connections)
    }

    /// A place for one more connection. Listeners that ask at the same moment may exceed the limit by their
    /// number.
    pub(super) fn slot(&self) -> Option<OwnedSemaphorePermit> {
        let taken = Semaphore::MAX_PERMITS - self.slots.available_permits();
        if taken >= self.max_connections() {
            return None;
        }
        Arc::clone(&self.slots).try_acquire_owned().ok()
    }

    /// Waits for a place that is about to be freed.
    pub(super) async fn next_slot(&self) -> OwnedSemaphorePermit {
        loop {
            match self.slot() {
                Some(slot) => return slot,
                None => sleep(PLACE_LOOKS).await,
            }
        }
    }

    /// How long a miner should wait before it reconnects: a different time for each.
    pub(super) fn reconnect_wait(&self) -> Duration {
        let miners = self.stats.snapshot().connections;
        self.returns.wait(miners, self.stop.is_cancelled(), rand::random())
    }
}

fn start_recorder(config: &StratumConfig) -> Option<Recorder> {
    let capture = config.capture.as_ref()?;
    let started = Recorder::start(capture);
    started
        .inspect_err(|reason| error!(%reason, folder = %capture.folder.display(), "capturing nothing"))
        .ok()
}
