//! What the sessions of all ports have in common, and what outlives them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use super::{entrance::Entrance, places::Places, sessions::Sessions};
use crate::workers::Workers;

/// Shared by every session.
pub struct Common {
    /// What stands between the network and the sessions.
    pub entrance: Entrance,
    pub sessions: Sessions,
    started: Instant,
    brake: AtomicU32,
    pub workers: Arc<Workers>,
    pub places: Arc<Places>,
}

impl Common {
    pub fn new(entrance: Entrance, workers: Arc<Workers>, places: Arc<Places>) -> Self {
        let sessions = Sessions::default();
        Self { entrance, sessions, started: Instant::now(), brake: AtomicU32::new(0), workers, places }
    }

    /// The time since the pool started.
    pub fn now(&self) -> Duration {
        self.started.elapsed()
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
