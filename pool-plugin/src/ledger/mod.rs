//! The share ledger: every accepted share, every solution and every round, in RocksDB.
//!
//! A share takes two steps. [`ShareLedger::reserve`] takes its key, so that the same attempt cannot be
//! verified or credited twice; [`ShareLedger::append`] returns once the share is on the disk, and only then
//! may the miner get its answer. The share is verified in between; if it fails, dropping the [`Reservation`]
//! frees the key.
//!
//! # Layout
//! - [`records`]: what is kept, as values; [`codec`]: their bytes.
//! - `schema`: column families, keys, RocksDB's settings.
//! - `database`: RocksDB; `open`: opening, creating, refusing; `torn_log`: the log's end after a loss of power; `migrate`: from an older schema.
//! - `reserve`: keys in flight; `expected`: finds in flight.
//! - `settle`: what a block means; `changes`: the writes that follow.
//! - `store`: the database handle.
//! - `writer`: the one thread that writes; `condition`: what is wrong with the database, if anything.

mod changes;
pub mod codec;
mod condition;
mod database;
pub mod disk;
mod errors;
mod expected;
pub mod health;
mod migrate;
mod open;
pub mod records;
mod reserve;
mod schema;
mod settle;
mod store;
#[cfg(test)]
mod tests;
mod torn_log;
mod writer;

use std::{fmt, path::Path, sync::Arc, thread::JoinHandle};

use tokio::sync::{mpsc, oneshot, watch};

pub use crate::ledger::{
    errors::{LedgerHealth, OpenError, ReadError, ReserveError, WriteError},
    reserve::Reservation,
};
use pool_core::{
    accounting::terms::{Rules, Terms},
    types::{Network, SolutionId, Worker},
};

use crate::ledger::{
    codec::MAX_NAME_BYTES,
    expected::ExpectedFinds,
    open::{open_store, open_store_beside},
    records::{
        Adopted, BlockOutcome, DumpMark, LastTarget, Round, Share, ShareKey, SolutionRecord, WorkerTotal,
    },
    reserve::InFlightKeys,
    schema::{Meta, solution_of_open_key},
    store::{ShareStream, Store},
    writer::{
        Writer,
        command::{Append, Command, QUEUE},
    },
};

/// The folder of the database in the pool's data folder.
pub const FOLDER: &str = "db";

/// A handle to the share ledger; clones share it. Dropping the last one finishes all queued writes and closes
/// the database, which blocks for a moment: [`close`](Self::close) does the same without blocking.
#[derive(Clone)]
pub struct ShareLedger {
    shared: Arc<Shared>,
}

struct Shared {
    store: Arc<Store>,
    in_flight: Arc<InFlightKeys>,
    expected: ExpectedFinds,
    network: Network,
    health: watch::Receiver<LedgerHealth>,
    /// `None` if opened read-only.
    writer: Option<WriterHandle>,
}

struct WriterHandle {
    /// `None` only while dropping.
    commands: Option<mpsc::Sender<Command>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for WriterHandle {
    fn drop(&mut self) {
        self.commands.take();
        if let Some(thread) = self.thread.take() {
            // The health already reports a panic of the writer.
            let _ = thread.join();
        }
    }
}

impl ShareLedger {
    /// Opens the ledger in the folder `dir`, or creates it there.
    pub fn open(dir: &Path, network: Network) -> Result<Self, OpenError> {
        let store = Arc::new(open_store(dir, network)?);
        let in_flight = Arc::new(InFlightKeys::default());
        let (health_sender, health) = watch::channel(LedgerHealth::Ok);
        let unreadable = |reason: String| OpenError::Unreadable { dir: dir.to_owned(), reason };
        let writer = Writer::new(Arc::clone(&store), Arc::clone(&in_flight), health_sender)
            .map_err(|error| unreadable(error.to_string()))?;
        let (commands, queue) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("share-writer".to_owned())
            .spawn(move || writer.run(queue))
            .map_err(|error| unreadable(format!("no thread for the writer: {error}")))?;
        let writer = Some(WriterHandle { commands: Some(commands), thread: Some(thread) });
        Ok(Self::over(store, in_flight, network, health, writer))
    }

    /// Opens the ledger as it is now, even while a pool uses it. Writes return [`WriteError::ReadOnly`].
    pub fn open_read_only(dir: &Path) -> Result<Self, OpenError> {
        let (store, network) = open_store_beside(dir)?;
        let (_, health) = watch::channel(LedgerHealth::Ok);
        Ok(Self::over(store, Arc::default(), network, health, None))
    }

    fn over(
        store: Arc<Store>,
        in_flight: Arc<InFlightKeys>,
        network: Network,
        health: watch::Receiver<LedgerHealth>,
        writer: Option<WriterHandle>,
    ) -> Self {
        let expected = ExpectedFinds::default();
        Self { shared: Arc::new(Shared { store, in_flight, expected, network, health, writer }) }
    }

    /// The network the ledger was created for.
    pub fn network(&self) -> Network {
        self.shared.network
    }

    /// Takes `key` before its share is verified: refused if it is stored, or already taken. Almost always a
    /// look-up in memory, so fit for async threads.
    pub fn reserve(&self, key: ShareKey) -> Result<Reservation, ReserveError> {
        let reserved = self.shared.in_flight.reserve(key, || Ok(self.shared.store.seq_of(&key)?.is_some()));
        if let Err(ReserveError::Storage(error)) = &reserved
            && *error != ReadError::Closed
            && let Some(commands) = self.shared.writer.as_ref().and_then(|writer| writer.commands.as_ref())
        {
            // If the queue is full, the next one reports it.
            let _ = commands.try_send(Command::Unreadable(key, error.to_string()));
        }
        reserved
    }

    /// Stores a share of the reserved key and returns its sequence number once it is on the disk. On an
    /// error the share is not stored and must not be acknowledged.
    ///
    /// `target` is the assigned target, which is also the credit; `reached` the one the counter reached;
    /// `time_ms` Unix milliseconds. If the future is dropped after it was first polled, the share may still
    /// be stored.
    pub async fn append(
        &self,
        reservation: Reservation,
        worker: Worker,
        target: u64,
        reached: u64,
        time_ms: u64,
    ) -> Result<u64, WriteError> {
        check_names(&worker)?;
        let share = Share { key: *reservation.key(), worker, target, reached, time_ms };
        self.send(|answer| Command::Append(Box::new(Append { reservation, share, answer }))).await
    }

    /// Announces a find: if a block names it before [`record_found`](Self::record_found) has succeeded, the
    /// block still knows it.
    pub fn expect_found(&self, record: &SolutionRecord) {
        // A find that cannot be recorded must not block the accounting of blocks.
        if record.finder.as_ref().is_none_or(|finder| check_names(finder).is_ok()) {
            self.shared.expected.add(record.clone());
        }
    }

    /// Records a find, as found or released. Harmless when repeated or late: a later state stays.
    pub async fn record_found(&self, record: SolutionRecord) -> Result<(), WriteError> {
        if let Some(finder) = &record.finder {
            check_names(finder)?;
        }
        let id = record.solution.id();
        self.send(|answer| Command::RecordFound(Box::new(record), answer)).await?;
        self.shared.expected.remove(id);
        Ok(())
    }

    /// Moves a solution from found to released; any other state stays.
    pub async fn mark_released(&self, id: SolutionId) -> Result<(), WriteError> {
        self.send(|answer| Command::MarkReleased(id, answer)).await
    }

    /// Applies a block in one atomic write: the states of our solutions, the scanned height, the round if a
    /// solution of ours landed, and the removal of closed epochs. Blocks come in rising order; one that was
    /// applied before changes nothing and returns its round.
    pub async fn apply_block(&self, outcome: BlockOutcome) -> Result<Option<Round>, WriteError> {
        let landed = outcome.landed.iter().map(|(solution, _)| solution.id());
        let named = landed.chain(outcome.aborted.iter().map(|(id, _)| *id));
        for record in self.shared.expected.among(named) {
            self.record_found(record).await?;
        }
        self.send(|answer| Command::ApplyBlock(Box::new(outcome), answer)).await
    }

    /// The highest block applied; `None` before the first start has set one.
    pub fn scanned_height(&self) -> Result<Option<u32>, ReadError> {
        let height = self.shared.store.meta(Meta::ScannedHeight)?;
        Ok(height.map(|number| u32::try_from(number).unwrap_or(u32::MAX)))
    }

    /// Declares all blocks up to `height` as scanned: on the first start, the tip. Never goes back.
    pub async fn set_scanned_height(&self, height: u32) -> Result<(), WriteError> {
        self.send(|answer| Command::SetScannedHeight(height, answer)).await
    }

    /// Puts `rules` in force from the next share on; closed rounds stay as they are. Returns the terms that
    /// then apply: older ones if nothing changed.
    pub async fn set_rules(&self, rules: Rules) -> Result<Terms, WriteError> {
        self.send(|answer| Command::SetRules(Box::new(rules), answer)).await
    }

    /// All terms there were, the oldest first.
    pub fn terms(&self) -> Result<Vec<Terms>, ReadError> {
        self.shared.store.terms()
    }

    /// Remembers a dump for later ones. One that differs from the remembered one is refused.
    pub async fn record_dump(&self, height: u32, mark: DumpMark) -> Result<(), WriteError> {
        self.send(|answer| Command::RecordDump(height, Box::new(mark), answer)).await
    }

    pub fn dump_mark(&self, height: u32) -> Result<Option<DumpMark>, ReadError> {
        self.shared.store.dump_mark(height)
    }

    pub fn solution(&self, id: SolutionId) -> Result<Option<SolutionRecord>, ReadError> {
        self.shared.store.solution(id)
    }

    /// The same, including finds that are only announced so far.
    pub fn known_solution(&self, id: SolutionId) -> Result<Option<SolutionRecord>, ReadError> {
        let stored = self.solution(id)?;
        Ok(stored.or_else(|| self.shared.expected.among(std::iter::once(id)).pop()))
    }

    /// All solutions that were ever recorded, in no particular order.
    pub fn solutions(&self) -> Result<Vec<SolutionRecord>, ReadError> {
        self.shared.store.solutions()
    }

    /// The solutions that may still land (found or released), by epoch.
    pub fn open_solutions(&self) -> Result<Vec<SolutionRecord>, ReadError> {
        let keys = self.shared.store.open_solution_keys()?;
        let ids = keys.iter().filter_map(|key| solution_of_open_key(key));
        // One that landed since the list was read is no longer open.
        ids.filter_map(|id| self.shared.store.solution(id).transpose())
            .filter(|record| record.as_ref().map_or(true, settle::is_open))
            .collect()
    }

    pub fn round(&self, height: u32) -> Result<Option<Round>, ReadError> {
        self.shared.store.round(height)
    }

    /// The last round below `height`.
    pub fn round_before(&self, height: u32) -> Result<Option<Round>, ReadError> {
        self.shared.store.round_before(height)
    }

    /// All rounds, by height.
    pub fn rounds(&self) -> Result<Vec<Round>, ReadError> {
        self.shared.store.rounds()
    }

    /// At most `limit` rounds above `height`, by height.
    pub fn rounds_above(&self, height: u32, limit: usize) -> Result<Vec<Round>, ReadError> {
        self.shared.store.rounds_above(height, limit)
    }

    /// At most `limit` rounds below `height`, the last one first.
    pub fn rounds_below(&self, height: u32, limit: usize) -> Result<Vec<Round>, ReadError> {
        self.shared.store.rounds_below(height, limit)
    }

    /// The highest sequence number stored; 0 before the first share.
    pub fn last_seq(&self) -> Result<u64, ReadError> {
        self.shared.store.last_seq()
    }

    /// The shares from `first_seq` to `last_seq`, both included, with their sequence numbers. Reads from
    /// the disk as it goes: not for async threads.
    pub fn shares(
        &self,
        first_seq: u64,
        last_seq: u64,
    ) -> impl Iterator<Item = Result<(u64, Share), ReadError>> + use<> {
        ShareStream::new(Arc::clone(&self.shared.store), first_seq, last_seq)
    }

    /// How many numbers have no share, since a restored backup did not hold it.
    pub fn shares_lost(&self) -> Result<u64, ReadError> {
        Ok(self.shared.store.meta(Meta::SharesLost)?.unwrap_or(0))
    }

    /// The first share that is kept; older ones have been retired, and only dumps hold their sums.
    pub fn shares_from(&self) -> Result<u64, ReadError> {
        self.shared.store.shares_from()
    }

    /// The first kept share accepted at `time_ms` (Unix milliseconds) or later, or the next share to come.
    /// Where the clock went back it may be a neighbour.
    pub fn first_share_since(&self, time_ms: u64) -> Result<u64, ReadError> {
        self.first_share_after(|share| share.time_ms < time_ms)
    }

    /// A share, or the next to come, with no kept share of `epoch` before it. Shares of an epoch start to
    /// come among those of the epoch before, for as long as that one's last block is the chain's latest: the
    /// search is for the beginning of the epoch before, which is far from them.
    pub fn share_before_epoch(&self, epoch: u32) -> Result<u64, ReadError> {
        self.first_share_after(|share| share.key.epoch < epoch.saturating_sub(1))
    }

    fn first_share_after(&self, is_before: impl Fn(&Share) -> bool) -> Result<u64, ReadError> {
        let (mut first, mut end) = (self.shares_from()?, self.last_seq()?.saturating_add(1));
        while first < end {
            let middle = first + (end - first) / 2;
            let Some(row) = self.shares(middle, u64::MAX).next() else { break };
            let (seq, share) = row?;
            if is_before(&share) { first = seq.saturating_add(1) } else { end = middle }
        }
        Ok(first)
    }

    /// Retires the shares before `keep_from`, but none since our last block; returns the first that is kept.
    /// Totals, solutions, rounds and dumps stay.
    pub async fn retire(&self, keep_from: u64) -> Result<u64, WriteError> {
        self.send(|answer| Command::Retire(keep_from, answer)).await
    }

    /// How many times a backup was restored: numbers of shares are only comparable within one life.
    pub fn restores(&self) -> Result<u64, ReadError> {
        Ok(self.shared.store.meta(Meta::Restores)?.unwrap_or(0))
    }

    /// The highest share number when a backup was last restored: higher ones are given in this life. 0 if
    /// none was.
    pub fn restored_seq(&self) -> Result<u64, ReadError> {
        Ok(self.shared.store.meta(Meta::RestoredSeq)?.unwrap_or(0))
    }

    /// Whether a backup was restored and [`resume`](Self::resume) has not been called since.
    pub fn is_restored(&self) -> Result<bool, ReadError> {
        Ok(self.shared.store.meta(Meta::Restored)?.is_some())
    }

    /// To be called once on a database restored from a backup, with the rounds dumped since: nothing is
    /// credited or dumped again, and shares are refused until [`resume`](Self::resume).
    pub async fn take_up(&self, adopted: Vec<Adopted>) -> Result<(), WriteError> {
        self.send(|answer| Command::TakeUp(adopted, answer)).await
    }

    /// After a backup was restored: accepts shares from `epoch` on, which must be one whose puzzle nobody
    /// knew when the pool last ran. Otherwise no effect.
    pub async fn resume(&self, epoch: u32) -> Result<(), WriteError> {
        self.send(|answer| Command::Resume(epoch, answer)).await
    }

    /// Copies the database as it is now to `dir`, which must not exist. Blocks: not for async threads.
    pub(crate) fn checkpoint(&self, dir: &Path) -> Result<(), ReadError> {
        self.shared.store.checkpoint(dir)
    }

    /// What each worker has earned in total, by account and worker.
    pub fn totals(&self) -> Result<Vec<WorkerTotal>, ReadError> {
        let mut totals = self.shared.store.totals()?;
        totals.sort_unstable_by(|one, other| one.worker.cmp(&other.worker));
        Ok(totals)
    }

    /// The last share target of each worker. Reads from the disk: not for async threads.
    pub fn last_targets(&self) -> Result<Vec<LastTarget>, ReadError> {
        self.shared.store.last_targets()
    }

    /// Keeps the last targets of some workers and forgets those of others.
    pub async fn keep_targets(
        &self,
        targets: Vec<LastTarget>,
        forgotten: Vec<Worker>,
    ) -> Result<(), WriteError> {
        targets.iter().try_for_each(|last| check_names(&last.worker))?;
        self.send(|answer| Command::KeepTargets(targets, forgotten, answer)).await
    }

    /// Whether shares can be stored; turns red with a failed write and green once writing works again.
    pub fn healthy(&self) -> watch::Receiver<LedgerHealth> {
        self.shared.health.clone()
    }

    /// Finishes all writes queued so far and closes the database, also for the other handles.
    pub async fn close(self) {
        // An error means that it is closed already, or was never open for writing.
        let _ = self.send(Command::Close).await;
    }

    async fn send<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, WriteError>>) -> Command,
    ) -> Result<T, WriteError> {
        let writer = self.shared.writer.as_ref().ok_or(WriteError::ReadOnly)?;
        let commands = writer.commands.as_ref().ok_or(WriteError::Closed)?;
        let (answer, result) = oneshot::channel();
        commands.send(command(answer)).await.map_err(|_| WriteError::Closed)?;
        result.await.map_err(|_| WriteError::Closed)?
    }
}

impl fmt::Debug for ShareLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShareLedger")
            .field("dir", &self.shared.store.dir())
            .field("network", &self.shared.network)
            .finish_non_exhaustive()
    }
}

fn check_names(worker: &Worker) -> Result<(), WriteError> {
    let fits = |name: &str| name.len() <= MAX_NAME_BYTES;
    if fits(&worker.account) && fits(&worker.name) {
        return Ok(());
    }
    Err(WriteError::NameTooLong)
}
