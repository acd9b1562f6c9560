//! What all sessions share, whichever listener they came through. It outlives a run of the listeners, which are started
//! again when one fails.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use parking_lot::RwLock;
use pool_core::chain::ChainState;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::error;

use super::{
    accept::AcceptRules, capture::CaptureRecorder, chain_news::ChainNews, config::StratumConfig,
    encoded_jobs::EncodedJobs, epoch_clock::EpochClock, reconnect_jitter::ReconnectJitter,
    sessions::Sessions, stats::Stats,
};
use crate::stratum::{
    guard::Unauthenticated, intake::Intake, vardiff, wire::extranonce::Extranonces, workers::Workers,
};

/// When the server is full: connections that may wait for one without a login to give way.
const WAITING: usize = 64;
/// How often one that waits looks for a free slot.
const SLOT_CHECKS: Duration = Duration::from_millis(10);

/// The stratum server: what its sessions share, and what others see and change of it.
pub struct Server {
    pub(super) config: StratumConfig,
    /// The settings that may change while the server runs.
    live: RwLock<LiveSettings>,
    /// Who may connect and log in.
    pub accept: AcceptRules,
    pub sessions: Sessions,
    pub workers: Arc<Workers>,
    pub stats: Arc<Stats>,
    pub(super) intake: Arc<Intake>,
    pub(super) extranonces: Arc<Extranonces>,
    pub(super) chain_news: ChainNews,
    pub(super) encoded_jobs: EncodedJobs,
    /// When each epoch began for the sessions.
    pub(super) epochs: EpochClock,
    /// Submissions in flight. They outlive their sessions: a find must not be lost with a connection.
    pub(super) submissions: TaskTracker,
    pub(super) recorder: Option<CaptureRecorder>,
    pub(super) unauthenticated: Arc<Unauthenticated>,
    /// As many as can ever exist; the connections of all listeners hold some of them.
    slots: Arc<Semaphore>,
    /// One for every connection that waits for a slot.
    pub(super) waiting: Arc<Semaphore>,
    reconnect_jitter: ReconnectJitter,
    started: Instant,
    brake: AtomicU32,
    stop: CancellationToken,
}

/// What the server is made of.
pub struct ServerParts {
    pub accept: AcceptRules,
    pub intake: Arc<Intake>,
    pub workers: Arc<Workers>,
    pub stats: Arc<Stats>,
    pub extranonces: Arc<Extranonces>,
}

#[derive(Clone, Copy)]
struct LiveSettings {
    targets: vardiff::Settings,
    max_connections: usize,
}

impl Server {
    /// Serves nobody yet; [`serve`](super::serve) does, until `stop` is cancelled.
    pub fn new(config: StratumConfig, parts: ServerParts, stop: CancellationToken) -> Self {
        let ServerParts { accept, intake, workers, stats, extranonces } = parts;
        let live = LiveSettings { targets: config.targets, max_connections: config.max_connections };
        Self {
            recorder: start_recorder(&config),
            config,
            live: RwLock::new(live),
            accept,
            sessions: Sessions::default(),
            workers,
            stats,
            intake,
            extranonces,
            chain_news: ChainNews::new(ChainState::default()),
            encoded_jobs: EncodedJobs::default(),
            epochs: EpochClock::default(),
            submissions: TaskTracker::new(),
            unauthenticated: Arc::default(),
            slots: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
            waiting: Arc::new(Semaphore::new(WAITING)),
            reconnect_jitter: ReconnectJitter::default(),
            started: Instant::now(),
            brake: AtomicU32::new(0),
            stop,
        }
    }

    /// Cancelled: the listeners are closed, or will be in a moment.
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// The time since the server was made.
    pub fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// How share targets are chosen.
    pub fn targets(&self) -> vardiff::Settings {
        self.live.read().targets
    }

    /// Sessions apply it at the next check of their target.
    pub fn set_targets(&self, targets: vardiff::Settings) {
        self.live.write().targets = targets;
    }

    /// How many connections there may be.
    pub fn max_connections(&self) -> usize {
        self.live.read().max_connections
    }

    /// Existing connections stay.
    pub fn set_max_connections(&self, limit: usize) {
        self.live.write().max_connections = limit;
    }

    /// Doublings of every target while verification is behind.
    pub fn brake(&self) -> u32 {
        self.brake.load(Ordering::Relaxed)
    }

    /// The brake is pulled or let go.
    pub fn set_brake(&self, doublings: u32) {
        self.brake.store(doublings, Ordering::Relaxed);
    }

    /// A slot for one more connection. Listeners that ask at the same moment may exceed the limit by their
    /// number.
    pub(super) fn slot(&self) -> Option<OwnedSemaphorePermit> {
        let taken = Semaphore::MAX_PERMITS - self.slots.available_permits();
        if taken >= self.max_connections() {
            return None;
        }
        Arc::clone(&self.slots).try_acquire_owned().ok()
    }

    /// Waits for a slot that is about to be freed.
    pub(super) async fn next_slot(&self) -> OwnedSemaphorePermit {
        loop {
            match self.slot() {
                Some(slot) => return slot,
                None => sleep(SLOT_CHECKS).await,
            }
        }
    }

    /// How long a miner should wait before it reconnects: a different time for each.
    pub(super) fn reconnect_wait(&self) -> Duration {
        let miners = self.stats.snapshot().connections;
        self.reconnect_jitter.wait(miners, self.stop.is_cancelled(), rand::random())
    }
}

fn start_recorder(config: &StratumConfig) -> Option<CaptureRecorder> {
    let capture = config.capture.as_ref()?;
    let started = CaptureRecorder::start(capture);
    started
        .inspect_err(|reason| error!(%reason, folder = %capture.folder.display(), "capturing nothing"))
        .ok()
}
