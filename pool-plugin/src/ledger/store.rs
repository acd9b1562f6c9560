//! The database handle: reads from any thread, writes from the writer thread, and reopening in between.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::RwLock;
use pool_core::types::Worker;
use pool_core::{accounting::terms::Terms, meters::meters, types::SolutionId};
use rocksdb::{
    AsColumnFamilyRef, DB, Direction, IteratorMode, WriteBatch, WriteOptions, checkpoint::Checkpoint,
};
use tempfile::TempDir;

use crate::ledger::{
    codec::{
        DecodeError, decode_dump_mark, decode_last_target, decode_number, decode_round, decode_share,
        decode_solution, decode_terms, decode_total,
    },
    database::{one_line, open_database},
    errors::ReadError,
    records::{DumpMark, LastTarget, Round, Share, ShareKey, SolutionRecord, WorkerTotal},
    schema::{
        Change, Meta, Table, height_key, seq_key, share_key, solution_key, solution_of_open_key, worker_key,
    },
};

type Row = (Box<[u8]>, Box<[u8]>);

/// How long a read waits for a database that is being reopened.
const READ_PATIENCE: Duration = Duration::from_millis(10);

/// Rows that a stream of shares reads at a time.
const SHARES_PER_PAGE: usize = 512;

pub(super) struct Store {
    dir: PathBuf,
    /// `None` once closed, and while the database could not be reopened.
    database: RwLock<Option<DB>>,
    /// A reader of another process's database keeps its log here.
    _scratch: Option<TempDir>,
    #[cfg(test)]
    pub(super) faults: Faults,
}

/// What tests do to the disk.
#[cfg(test)]
#[derive(Default)]
pub(super) struct Faults {
    pub(super) fail_writes: std::sync::atomic::AtomicBool,
    /// Writes wait while this is set.
    pub(super) hold_writes: std::sync::atomic::AtomicBool,
    pub(super) writes: std::sync::atomic::AtomicUsize,
}

#[cfg(test)]
impl Faults {
    fn before_write(&self) -> Result<(), String> {
        use std::sync::atomic::Ordering::SeqCst;
        while self.hold_writes.load(SeqCst) {
            std::thread::yield_now();
        }
        if self.fail_writes.load(SeqCst) {
            return Err("injected failure".to_owned());
        }
        self.writes.fetch_add(1, SeqCst);
        Ok(())
    }
}

impl Store {
    pub(super) fn new(dir: &Path, database: DB, scratch: Option<TempDir>) -> Self {
        Self {
            dir: dir.to_owned(),
            database: RwLock::new(Some(database)),
            _scratch: scratch,
            #[cfg(test)]
            faults: Faults::default(),
        }
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Waits for the current reads, then closes. Later reads return [`ReadError::Closed`].
    pub(super) fn close(&self) {
        self.database.write().take();
    }

    /// Closes and opens again: what RocksDB needs after a failed write. It then holds what reached the disk,
    /// which may include a batch that was reported as failed.
    pub(super) fn reopen(&self) -> Result<(), String> {
        let mut database = self.database.write();
        // RocksDB's lock file allows one handle: the old one closes first.
        database.take();
        *database = Some(open_database(&self.dir).map_err(one_line)?);
        Ok(())
    }

    /// Writes all of `changes` or none, and returns when they are on the disk.
    pub(super) fn write(&self, changes: &[Change]) -> Result<(), String> {
        #[cfg(test)]
        self.faults.before_write()?;
        let guard = self.database.read();
        let database = guard.as_ref().ok_or_else(|| ReadError::Closed.to_string())?;
        let batch = batch_of(database, changes).map_err(|error| error.to_string())?;
        let mut options = WriteOptions::default();
        options.set_sync(true);
        let started = Instant::now();
        let written = database.write_opt(batch, &options).map_err(one_line);
        meters().fsync.record(started.elapsed());
        written
    }

    pub(super) fn seq_of(&self, key: &ShareKey) -> Result<Option<u64>, ReadError> {
        self.get(Table::Keys, &share_key(key), "share key", decode_number)
    }

    pub(super) fn share(&self, seq: u64) -> Result<Option<Share>, ReadError> {
        self.get(Table::Shares, &seq_key(seq), "share", decode_share)
    }

    pub(super) fn total_of(&self, worker: &Worker) -> Result<Option<WorkerTotal>, ReadError> {
        self.get(Table::Totals, &worker_key(worker), "total", decode_total)
    }

    pub(super) fn solution(&self, id: SolutionId) -> Result<Option<SolutionRecord>, ReadError> {
        self.get(Table::Solutions, &solution_key(id), "solution", decode_solution)
    }

    pub(super) fn round(&self, height: u32) -> Result<Option<Round>, ReadError> {
        self.get(Table::Rounds, &height_key(height), "round", decode_round)
    }

    pub(super) fn meta(&self, name: Meta) -> Result<Option<u64>, ReadError> {
        self.get(Table::Meta, name.key(), "number", decode_number)
    }

    /// The highest number a share has had; 0 before the first one.
    pub(super) fn last_seq(&self) -> Result<u64, ReadError> {
        let stored = self.last_row(Table::Shares)?.map_or(Ok(0), |(key, _)| seq_of_row(&key))?;
        Ok(stored.max(self.meta(Meta::SeqFloor)?.unwrap_or(0)))
    }

    /// The first share that is kept.
    pub(super) fn shares_from(&self) -> Result<u64, ReadError> {
        Ok(self.meta(Meta::SharesFrom)?.unwrap_or(1))
    }

    /// Frees the data files that hold nothing but the shares `first..=last`, which are deleted already:
    /// compaction would take long to reach them.
    pub(super) fn drop_files_of_shares(&self, first: u64, last: u64) -> Result<(), ReadError> {
        self.with(|database| {
            let shares = family(database, Table::Shares)?;
            database.delete_file_in_range_cf(&shares, seq_key(first), seq_key(last)).map_err(storage)
        })
    }

    /// A copy of the database as it is now, in `dir`, which must not exist: data files are linked where the
    /// file system allows it.
    pub(super) fn checkpoint(&self, dir: &Path) -> Result<(), ReadError> {
        self.with(|database| {
            Checkpoint::new(database)
                .and_then(|checkpoint| checkpoint.create_checkpoint(dir))
                .map_err(storage)
        })
    }

    pub(super) fn last_round(&self) -> Result<Option<Round>, ReadError> {
        let row = self.last_row(Table::Rounds)?;
        row.map(|(_, value)| decoded("round", decode_round(&value))).transpose()
    }

    /// All solutions, in no particular order.
    pub(super) fn solutions(&self) -> Result<Vec<SolutionRecord>, ReadError> {
        self.all(Table::Solutions, |_, value| decoded("solution", decode_solution(value)))
    }

    /// The last round below `height`.
    pub(super) fn round_before(&self, height: u32) -> Result<Option<Round>, ReadError> {
        let Some(below) = height.checked_sub(1) else { return Ok(None) };
        let row = self.row_up_to(Table::Rounds, &height_key(below))?;
        row.map(|(_, value)| decoded("round", decode_round(&value))).transpose()
    }

    /// The terms that apply to share `seq`.
    pub(super) fn terms_at(&self, seq: u64) -> Result<Option<Terms>, ReadError> {
        let row = self.row_up_to(Table::Terms, &seq_key(seq))?;
        row.map(|(_, value)| decoded("terms", decode_terms(&value))).transpose()
    }

    /// All terms, the oldest first.
    pub(super) fn terms(&self) -> Result<Vec<Terms>, ReadError> {
        self.all(Table::Terms, |_, value| decoded("terms", decode_terms(value)))
    }

    pub(super) fn dump_mark(&self, height: u32) -> Result<Option<DumpMark>, ReadError> {
        self.get(Table::Dumps, &height_key(height), "dump mark", decode_dump_mark)
    }

    /// At most `limit` rounds above `height`, by height.
    pub(super) fn rounds_above(&self, height: u32, limit: usize) -> Result<Vec<Round>, ReadError> {
        let Some(first) = height.checked_add(1) else { return Ok(Vec::new()) };
        let rows = self.rows_from(Table::Rounds, &height_key(first), limit)?;
        rows.iter().map(|(_, value)| decoded("round", decode_round(value))).collect()
    }

    /// At most `limit` rounds below `height`, the last one first.
    pub(super) fn rounds_below(&self, height: u32, limit: usize) -> Result<Vec<Round>, ReadError> {
        let Some(first) = height.checked_sub(1) else { return Ok(Vec::new()) };
        let from = height_key(first);
        self.with(|database| {
            database
                .iterator_cf(&family(database, Table::Rounds)?, IteratorMode::From(&from, Direction::Reverse))
                .take(limit)
                .map(|row| row.map_err(storage).and_then(|(_, value)| decoded("round", decode_round(&value))))
                .collect()
        })
    }

    pub(super) fn rounds(&self) -> Result<Vec<Round>, ReadError> {
        self.all(Table::Rounds, |_, value| decoded("round", decode_round(value)))
    }

    /// In no particular order.
    pub(super) fn totals(&self) -> Result<Vec<WorkerTotal>, ReadError> {
        self.all(Table::Totals, |_, value| decoded("total", decode_total(value)))
    }

    /// In no particular order.
    pub(super) fn last_targets(&self) -> Result<Vec<LastTarget>, ReadError> {
        self.all(Table::LastTargets, |_, value| decoded("last target", decode_last_target(value)))
    }

    /// The keys of [`Table::OpenSolutions`], by epoch.
    pub(super) fn open_solution_keys(&self) -> Result<Vec<Box<[u8]>>, ReadError> {
        self.all(Table::OpenSolutions, |key, _| Ok(key.into()))
    }

    /// Whether everything that a write has to read is readable.
    pub(super) fn check_readable(&self) -> Result<(), ReadError> {
        self.totals()?;
        for id in self.open_solution_keys()?.iter().filter_map(|key| solution_of_open_key(key)) {
            self.solution(id)?;
        }
        self.last_round().map(|_| ())
    }

    pub(super) fn is_empty(&self, table: Table) -> Result<bool, ReadError> {
        self.last_row(table).map(|row| row.is_none())
    }

    fn get<T>(
        &self,
        table: Table,
        key: &[u8],
        record: &'static str,
        decode: fn(&[u8]) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, ReadError> {
        self.with(|database| {
            let value = database.get_pinned_cf(&family(database, table)?, key).map_err(storage)?;
            value.map(|bytes| decoded(record, decode(&bytes))).transpose()
        })
    }

    fn last_row(&self, table: Table) -> Result<Option<Row>, ReadError> {
        self.with(|database| {
            let mut rows = database.iterator_cf(&family(database, table)?, IteratorMode::End);
            rows.next().transpose().map_err(storage)
        })
    }

    /// The last row whose key is not above `key`.
    fn row_up_to(&self, table: Table, key: &[u8]) -> Result<Option<Row>, ReadError> {
        self.with(|database| {
            let from = IteratorMode::From(key, Direction::Reverse);
            let mut rows = database.iterator_cf(&family(database, table)?, from);
            rows.next().transpose().map_err(storage)
        })
    }

    fn all<T>(
        &self,
        table: Table,
        read: impl Fn(&[u8], &[u8]) -> Result<T, ReadError>,
    ) -> Result<Vec<T>, ReadError> {
        self.with(|database| {
            database
                .iterator_cf(&family(database, table)?, IteratorMode::Start)
                .map(|row| row.map_err(storage).and_then(|(key, value)| read(&key, &value)))
                .collect()
        })
    }

    fn rows_from(&self, table: Table, key: &[u8], limit: usize) -> Result<Vec<Row>, ReadError> {
        self.with(|database| {
            database
                .iterator_cf(&family(database, table)?, IteratorMode::From(key, Direction::Forward))
                .take(limit)
                .map(|row| row.map_err(storage))
                .collect()
        })
    }

    fn shares_page(&self, first_seq: u64) -> Result<Vec<(u64, Share)>, ReadError> {
        self.with(|database| {
            let from = seq_key(first_seq);
            database
                .iterator_cf(&family(database, Table::Shares)?, IteratorMode::From(&from, Direction::Forward))
                .take(SHARES_PER_PAGE)
                .map(|row| {
                    let (key, value) = row.map_err(storage)?;
                    Ok((seq_of_row(&key)?, decoded("share", decode_share(&value))?))
                })
                .collect()
        })
    }

    fn with<T>(&self, read: impl FnOnce(&DB) -> Result<T, ReadError>) -> Result<T, ReadError> {
        // Reopening takes as long as the disk needs: nothing may block on it, least of all an async thread.
        let guard = self.database.try_read_for(READ_PATIENCE).ok_or(ReadError::Closed)?;
        read(guard.as_ref().ok_or(ReadError::Closed)?)
    }
}

/// Shares by sequence number, read page by page: without a snapshot, since a share never changes.
pub(super) struct ShareStream {
    store: Arc<Store>,
    next_seq: u64,
    last_seq: u64,
    page: std::vec::IntoIter<(u64, Share)>,
    ended: bool,
}

impl ShareStream {
    pub(super) fn new(store: Arc<Store>, first_seq: u64, last_seq: u64) -> Self {
        Self {
            store,
            next_seq: first_seq,
            last_seq,
            page: Vec::new().into_iter(),
            ended: last_seq < first_seq,
        }
    }
}

impl Iterator for ShareStream {
    type Item = Result<(u64, Share), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        if self.page.len() == 0 {
            match self.store.shares_page(self.next_seq) {
                Ok(page) => self.page = page.into_iter(),
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
        match self.page.next().filter(|(seq, _)| *seq <= self.last_seq) {
            Some((seq, share)) => {
                self.ended = seq == self.last_seq;
                self.next_seq = seq.saturating_add(1);
                Some(Ok((seq, share)))
            }
            None => {
                self.ended = true;
                None
            }
        }
    }
}

fn family(database: &DB, table: Table) -> Result<impl AsColumnFamilyRef + use<'_>, ReadError> {
    let missing = || ReadError::Storage(format!("the column family '{}' is missing", table.name()));
    database.cf_handle(table.name()).ok_or_else(missing)
}

fn batch_of(database: &DB, changes: &[Change]) -> Result<WriteBatch, ReadError> {
    let mut batch = WriteBatch::default();
    for change in changes {
        match change {
            Change::Put { table, key, value } => batch.put_cf(&family(database, *table)?, key, value),
            Change::Delete { table, key } => batch.delete_cf(&family(database, *table)?, key),
            Change::DeleteRange { table, from, to } => {
                batch.delete_range_cf(&family(database, *table)?, from, to);
            }
        }
    }
    Ok(batch)
}

fn seq_of_row(key: &[u8]) -> Result<u64, ReadError> {
    let bytes = key.try_into().map_err(|_| DecodeError::TooShort);
    decoded("share number", bytes.map(u64::from_be_bytes))
}

fn decoded<T>(record: &'static str, result: Result<T, DecodeError>) -> Result<T, ReadError> {
    result.map_err(|reason| ReadError::Corrupt { record, reason })
}

fn storage(error: rocksdb::Error) -> ReadError {
    ReadError::Storage(one_line(error))
}
