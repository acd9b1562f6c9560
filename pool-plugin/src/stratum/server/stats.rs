//! What the port counts, for the log line and the metrics.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use pool_core::{
    reject::{Reject, RejectCode},
    types::Worker,
};
use pool_sinks::activity::Activity;

use super::session_counts::SessionCounts;

/// Counters since the start, and the number of open connections. Cheap to update and to read.
#[derive(Debug, Default)]
pub struct Stats {
    connections: AtomicUsize,
    connected: AtomicU64,
    turned_away: AtomicU64,
    accepted: AtomicU64,
    rejected: [AtomicU64; RejectCode::ALL.len()],
    epoch_ended: AtomicU64,
    garbage: AtomicU64,
    /// The sessions by dialect and state.
    pub session_counts: Arc<SessionCounts>,
    /// Details beyond the counters, for a sink that shows them.
    activity: Option<Activity>,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatsSnapshot {
    /// Connections open now.
    pub connections: usize,
    /// Connections accepted since the start.
    pub connected: u64,
    /// Connections closed at once because the pool was full.
    pub turned_away: u64,
    /// Shares answered with `true`.
    pub accepted: u64,
    /// Shares refused, in the order of [`RejectCode::ALL`].
    pub rejected: [u64; RejectCode::ALL.len()],
    /// Shares refused because their epoch had just ended; not counted among the others.
    pub epoch_ended: u64,
    /// Lines that were not requests.
    pub garbage: u64,
}

impl Stats {
    pub fn snapshot(&self) -> StatsSnapshot {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        StatsSnapshot {
            connections: self.connections.load(Ordering::Relaxed),
            connected: load(&self.connected),
            turned_away: load(&self.turned_away),
            accepted: load(&self.accepted),
            rejected: self.rejected.each_ref().map(load),
            epoch_ended: load(&self.epoch_ended),
            garbage: load(&self.garbage),
        }
    }

    /// Counters that also report to a sink.
    pub fn telling(activity: Option<Activity>) -> Self {
        Self { activity, ..Self::default() }
    }

    pub(super) fn note_login(&self, worker: &Worker, peer: SocketAddr) {
        if let Some(activity) = &self.activity {
            activity.logged_in(worker.clone(), peer);
        }
    }

    /// Counts a connection as open until the guard is dropped.
    pub(super) fn connection(self: &Arc<Self>) -> OpenConnection {
        self.connected.fetch_add(1, Ordering::Relaxed);
        self.connections.fetch_add(1, Ordering::Relaxed);
        OpenConnection(Arc::clone(self))
    }

    pub(super) fn count_turned_away(&self) {
        self.turned_away.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_accepted(&self, worker: &Worker, peer: SocketAddr) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
        if let Some(activity) = &self.activity {
            activity.accepted(worker, peer.ip());
        }
    }

    /// `share`: its worker and its assigned target, if it had a worker.
    pub(super) fn count_rejected(&self, reject: &Reject, share: Option<(&Worker, u64)>) {
        if let (Some(activity), Some((worker, target))) = (&self.activity, share) {
            activity.refused(worker, target);
        }
        if *reject == Reject::EpochEnded {
            self.epoch_ended.fetch_add(1, Ordering::Relaxed);
        } else if let Some(counter) = self.rejected.get(reject.code().index()) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn count_garbage(&self) {
        self.garbage.fetch_add(1, Ordering::Relaxed);
    }
}

impl StatsSnapshot {
    /// Shares refused with one code.
    pub fn rejected_with(&self, code: RejectCode) -> u64 {
        self.rejected.get(code.index()).copied().unwrap_or(0)
    }
}

/// An open connection, counted until dropped.
#[derive(Debug)]
pub(super) struct OpenConnection(Arc<Stats>);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}
