//! When the sessions learned of an epoch. Pure but for its atomics.

use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
    time::Duration,
};

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
