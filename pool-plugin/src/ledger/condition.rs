//! Whether the database works, what is wrong if not, and when to retry.

use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::ledger::{errors::LedgerHealth, records::ShareKey};

/// The pause between two attempts to repair. In the meantime commands fail at once.
pub(super) const RETRY: Duration = Duration::from_millis(500);
/// A database that fails again and again is opened less and less often.
const LONGEST_RETRY: Duration = Duration::from_secs(8);
/// A failure this soon after a repair is the same one.
const RELAPSE: Duration = Duration::from_secs(30);

/// What is wrong, and the published health.
pub(super) struct Condition {
    health: watch::Sender<LedgerHealth>,
    /// Why nothing can be written.
    failure: Option<String>,
    /// A share key that could not be looked up, and why. Other shares still work.
    unreadable: Option<(ShareKey, String)>,
    pause: Duration,
    retry_at: Instant,
    mended_at: Option<Instant>,
}

impl Condition {
    pub(super) fn new(health: watch::Sender<LedgerHealth>) -> Self {
        let retry_at = Instant::now();
        Self { health, failure: None, unreadable: None, pause: RETRY, retry_at, mended_at: None }
    }

    /// Why nothing can be written.
    pub(super) fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    pub(super) fn unreadable(&self) -> Option<ShareKey> {
        self.unreadable.as_ref().map(|(key, _)| *key)
    }

    pub(super) fn is_sound(&self) -> bool {
        self.failure.is_none() && self.unreadable.is_none()
    }

    pub(super) fn is_time_to_repair(&self) -> bool {
        !self.is_sound() && Instant::now() >= self.retry_at
    }

    /// A write failed, or a read that a write needs; also when the repair failed.
    pub(super) fn fail(&mut self, reason: String) {
        if self.failure.as_ref() != Some(&reason) {
            tracing::error!(reason, "cannot store shares; refusing them: free disk space or check the disk");
        }
        if self.failure.is_none() {
            let relapse = self.mended_at.is_some_and(|at| at.elapsed() < RELAPSE);
            self.pause = if relapse { (2 * self.pause).min(LONGEST_RETRY) } else { RETRY };
        }
        self.failure = Some(reason);
        self.look_later();
    }

    /// The duplicate check of a share failed.
    pub(super) fn cannot_read(&mut self, key: ShareKey, reason: String) {
        if self.unreadable.is_none() {
            tracing::error!(
                reason,
                "cannot check for duplicate shares; refusing shares: check the disk, and restore a backup \
                 if this persists"
            );
        }
        self.unreadable = Some((key, reason));
        self.look_later();
    }

    pub(super) fn can_write(&mut self) {
        self.failure = None;
        self.mended_at = Some(Instant::now());
        self.publish();
    }

    pub(super) fn can_read(&mut self) {
        self.unreadable = None;
        self.publish();
    }

    /// Retries what is still wrong after a pause.
    pub(super) fn look_later(&mut self) {
        self.retry_at = Instant::now() + self.pause;
        self.publish();
    }

    /// For a writer that has ended.
    pub(super) fn give_up(&self, reason: &str) {
        self.health.send_replace(LedgerHealth::Failing { reason: reason.to_owned() });
    }

    fn publish(&self) {
        let unreadable = self.unreadable.as_ref().map(|(_, reason)| reason);
        let health = match self.failure.as_ref().or(unreadable) {
            Some(reason) => LedgerHealth::Failing { reason: reason.clone() },
            None => LedgerHealth::Ok,
        };
        self.health.send_if_modified(|last| {
            *last != health && {
                *last = health;
                true
            }
        });
    }
}
