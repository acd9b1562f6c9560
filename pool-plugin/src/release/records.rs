//! Writes found solutions to the ledger, one after the other, while they are broadcast: neither waits for the
//! other. A failed write is retried for as long as the pool runs.

use std::{future::Future, sync::Arc};

use pool_core::{
    chain::Puzzle,
    types::{Found, Settled, SolutionId},
};
use tokio::{
    sync::{mpsc, watch},
    time::{Duration, sleep},
};
use tokio_util::sync::CancellationToken;

use crate::{
    ledger::{
        ReadError, ShareLedger, WriteError,
        records::{SolutionRecord, SolutionState},
    },
    release::replay_finds,
};

/// The first pause after a failed write; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How often a write is retried once the pool stops, before the record goes to the log instead.
const TRIES_WHEN_STOPPING: u32 = 5;

/// What the release queue needs from the ledger.
pub trait SolutionStore: Send + Sync + 'static {
    /// Announces a find that will be recorded, at once and without waiting for the disk.
    fn expect_found(&self, record: &SolutionRecord);
    fn record_found(&self, record: SolutionRecord) -> impl Future<Output = Result<(), WriteError>> + Send;
    fn mark_released(&self, id: SolutionId) -> impl Future<Output = Result<(), WriteError>> + Send;
    fn solution(&self, id: SolutionId) -> Result<Option<SolutionRecord>, ReadError>;
    fn open_solutions(&self) -> Result<Vec<SolutionRecord>, ReadError>;
    /// Finds of which only the share is stored.
    fn unrecorded_finds(&self, puzzle: &Puzzle) -> Result<Vec<Found>, ReadError>;
}

impl SolutionStore for ShareLedger {
    fn expect_found(&self, record: &SolutionRecord) {
        Self::expect_found(self, record);
    }

    async fn record_found(&self, record: SolutionRecord) -> Result<(), WriteError> {
        Self::record_found(self, record).await
    }

    async fn mark_released(&self, id: SolutionId) -> Result<(), WriteError> {
        Self::mark_released(self, id).await
    }

    fn solution(&self, id: SolutionId) -> Result<Option<SolutionRecord>, ReadError> {
        Self::solution(self, id)
    }

    fn open_solutions(&self) -> Result<Vec<SolutionRecord>, ReadError> {
        Self::open_solutions(self)
    }

    fn unrecorded_finds(&self, puzzle: &Puzzle) -> Result<Vec<Found>, ReadError> {
        replay_finds::last_finds(self, puzzle)
    }
}

/// What to write.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    Found(SolutionRecord),
    Released(SolutionId),
}

/// The notices to the queue.
#[derive(Clone, Copy, Debug)]
pub(super) enum Notice {
    /// The database has this find as settled: it was found again after a restart.
    Settled(Settled),
    /// A release was marked, or that failed and is retried.
    Marked(SolutionId),
}

pub(super) struct SolutionRecorder<S> {
    pub(super) store: Arc<S>,
    /// Sends to a queue that may have ended: then nothing is released any more.
    pub(super) queue: mpsc::UnboundedSender<Notice>,
    /// Why the current write fails, for the health report.
    pub(super) failure: watch::Sender<Option<String>>,
    pub(super) stop: CancellationToken,
}

impl<S: SolutionStore> SolutionRecorder<S> {
    /// Writes until every sender is gone and all is written, or, after `stop`, has gone to the log.
    pub(super) async fn run(self, mut entries: mpsc::UnboundedReceiver<Entry>) {
        while let Some(entry) = entries.recv().await {
            if let Entry::Found(record) = &entry {
                self.tell_if_settled(record);
            }
            self.write(entry).await;
        }
    }

    fn tell_if_settled(&self, record: &SolutionRecord) {
        let id = record.solution.id();
        let Ok(Some(known)) = self.store.solution(id) else { return };
        if matches!(known.state, SolutionState::Landed { .. } | SolutionState::Aborted { .. }) {
            let _ = self.queue.send(Notice::Settled(Settled { id, epoch: known.epoch }));
        }
    }

    async fn write(&self, mut entry: Entry) {
        let mut pause = FIRST_PAUSE;
        let mut tries_when_stopping = 0;
        loop {
            let written = self.try_write(&entry).await;
            if let Entry::Released(id) = entry {
                let _ = self.queue.send(Notice::Marked(id));
            }
            let Err(error) = written else { break };
            match (&error, &mut entry) {
                (WriteError::NameTooLong, Entry::Found(record)) if record.finder.is_some() => {
                    tracing::error!(finder = ?record.finder, "solution recorded without its finder: {error}");
                    record.finder = None;
                    continue;
                }
                (WriteError::UnknownSolution { .. }, _) => {
                    // Its find was given up: the log has it.
                    return tracing::warn!(?entry, "release not recorded: {error}");
                }
                _ => {}
            }
            if self.failure.borrow().is_none() {
                tracing::error!(%error, "could not record a found solution; retrying");
            }
            self.failure.send_replace(Some(error.to_string()));
            if !self.stop.is_cancelled() {
                // A stop ends the pause early.
                self.stop.run_until_cancelled(sleep(pause)).await;
                pause = (2 * pause).min(LONGEST_PAUSE);
                continue;
            }
            tries_when_stopping += 1;
            if tries_when_stopping >= TRIES_WHEN_STOPPING {
                return tracing::error!(?entry, %error, "solution not recorded: keep this line");
            }
            sleep(FIRST_PAUSE).await;
        }
        if self.failure.borrow().is_some() {
            tracing::info!("recording found solutions again");
            self.failure.send_replace(None);
        }
    }

    async fn try_write(&self, entry: &Entry) -> Result<(), WriteError> {
        match entry {
            Entry::Found(record) => self.store.record_found(record.clone()).await,
            Entry::Released(id) => self.store.mark_released(*id).await,
        }
    }
}
