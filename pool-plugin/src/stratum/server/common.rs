//! What the sessions of all ports have in common, and what outlives them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::RwLock;
use tokio::time::Instant;

use super::{entrance::Entrance, sessions::Sessions};
use crate::stratum::{vardiff, wire::places::Places, workers::Workers};

/// Shared by every session.
pub struct Common {
    /// The guard between the network and the sessions.
    pub entrance: Entrance,
    pub sessions: Sessions,
    started: Instant,
    brake: AtomicU32,
    /// Settings changed since the ports were opened.
    changed: RwLock<Changed>,
    /// When each epoch began for the sessions.
    pub epochs: EpochClock,
    pub workers: Arc<Workers>,
    pub places: Arc<Places>,
}

/// Settings of the ports; `None`: unchanged.
#[derive(Clone, Copy, Default)]
struct Changed {
    targets: Option<vardiff::Settings>,
    max_connections: Option<usize>,
}

impl Common {
    pub fn new(entrance: Entrance, workers: Arc<Workers>, places: Arc<Places>) -> Self {
        let sessions = Sessions::default();
        let (started, brake, changed) = (Instant::now(), AtomicU32::new(0), RwLock::default());
        let epochs = EpochClock::default();
        Self { entrance, sessions, started, brake, changed, epochs, workers, places }
    }

    /// The time since the pool started.
    pub fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// How share targets are chosen, if that was changed.
    pub fn targets(&self) -> Option<vardiff::Settings> {
        self.changed.read().targets
    }

    /// Sessions apply it at the next check of their target.
    pub fn set_targets(&self, targets: vardiff::Settings) {
        self.changed.write().targets = Some(targets);
    }

    /// The limit of connections, if it was changed.
    pub fn max_connections(&self) -> Option<usize> {
        self.changed.read().max_connections
    }

    /// Existing connections stay.
    pub fn set_max_connections(&self, limit: usize) {
        self.changed.write().max_connections = Some(limit);
    }

    /// Doublings of every target while verification is behind.
    pub fn brake(&self) -> u32 {
        self.brake.load(Ordering::Relaxed)
    }

    /// The brake is pulled or let go.
    pub fn set_brake(&self, doublings: u32) {
        self.brake.store(doublings, Ordering::Relaxed);
    }
}

/// When the first session learned of the current epoch: pushes are timed from it.
#[derive(Debug, Default)]
pub struct EpochClock {
    /// One more than the epoch; 0 before the first.
    epoch: AtomicU32,
    /// Nanoseconds since the pool started.
    since: AtomicU64,
}

impl EpochClock {
    /// When `epoch` was first known; `now` if that is now. Both since the pool started.
    pub(super) fn known_since(&self, epoch: u32, now: Duration) -> Duration {
        let mark = epoch.saturating_add(1);
        if self.epoch.load(Ordering::Acquire) < mark {
            // A later caller gets the earlier time.
            self.since.store(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
            self.epoch.store(mark, Ordering::Release);
        }
        Duration::from_nanos(self.since.load(Ordering::Relaxed)).min(now)
    }
}
