//! The only thread that writes. It takes commands from a bounded queue, writes all waiting ones in one synced
//! batch, and only then answers.
//!
//! After a failed write nothing is trusted: the database is reopened and the state read back from it, because
//! a batch that was reported as failed may have reached the disk.

mod books;
pub(super) mod command;
mod upkeep;

use std::{collections::HashMap, sync::Arc, thread};

use pool_core::types::Worker;
use tokio::sync::{mpsc, watch};

use self::command::{Answer, Append, Command, GROUP, Waited, next_group};
use crate::ledger::{
    changes::{add_share, last_target_changes, meta_change, share_changes, total_change},
    condition::Condition,
    errors::{LedgerHealth, ReadError, WriteError},
    open::probe,
    records::WorkerTotal,
    reserve::InFlightKeys,
    schema::{Change, Meta},
    store::Store,
};

pub(super) struct Writer {
    store: Arc<Store>,
    in_flight: Arc<InFlightKeys>,
    next_seq: u64,
    condition: Condition,
}

/// Why a command was not carried out.
enum WriteTrouble {
    /// The command's own fault, or nobody's: the database is fine.
    Refused(WriteError),
    /// The database failed.
    Failed(String),
}

impl From<ReadError> for WriteTrouble {
    fn from(error: ReadError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl Writer {
    pub(super) fn new(
        store: Arc<Store>,
        in_flight: Arc<InFlightKeys>,
        health: watch::Sender<LedgerHealth>,
    ) -> Result<Self, ReadError> {
        let mut writer = Self { store, in_flight, next_seq: 1, condition: Condition::new(health) };
        writer.read_state()?;
        Ok(writer)
    }

    /// Runs until closed, or until every sender is gone and the queue is empty; then closes the database.
    pub(super) fn run(mut self, mut queue: mpsc::Receiver<Command>) {
        let mut group = Vec::with_capacity(GROUP);
        let timer = tokio::runtime::Builder::new_current_thread().enable_time().build().ok();
        loop {
            // Without requests, a database that works again would stay red.
            let patience = timer.as_ref().filter(|_| !self.condition.is_sound());
            if next_group(&mut queue, &mut group, patience) == Waited::ForNothing {
                break;
            }
            self.try_to_repair();
            if self.carry_out(&mut group) {
                break;
            }
        }
        queue.close();
        self.store.close();
    }

    /// `true`: the ledger was closed.
    fn carry_out(&mut self, group: &mut Vec<Command>) -> bool {
        let mut appends = Vec::new();
        for command in group.drain(..) {
            // Consecutive shares are one batch. Anything else reads what is stored, so it comes after them.
            let command = match command {
                Command::Append(append) => {
                    appends.push(*append);
                    continue;
                }
                other => other,
            };
            self.write_shares(std::mem::take(&mut appends));
            match command {
                Command::Append(_) => {}
                Command::RecordFound(record, answer) => {
                    self.answer(answer, |writer| writer.record_found(*record));
                }
                Command::MarkReleased(id, answer) => {
                    self.answer(answer, |writer| writer.mark_released(id));
                }
                Command::ApplyBlock(outcome, answer) => {
                    self.answer(answer, |writer| writer.apply_block(&outcome));
                }
                Command::SetRules(rules, answer) => {
                    self.answer(answer, |writer| writer.set_rules(*rules));
                }
                Command::RecordDump(height, mark, answer) => {
                    self.answer(answer, |writer| writer.record_dump(height, &mark));
                }
                Command::SetScannedHeight(height, answer) => {
                    self.answer(answer, |writer| writer.set_scanned_height(height));
                }
                Command::Retire(keep_from, answer) => {
                    self.answer(answer, |writer| writer.retire(keep_from));
                }
                Command::TakeUp(adopted, answer) => {
                    self.answer(answer, |writer| writer.take_up(&adopted));
                }
                Command::Resume(epoch, answer) => {
                    self.answer(answer, |writer| writer.resume(epoch));
                }
                Command::KeepTargets(targets, forgotten, answer) => {
                    self.answer(answer, |writer| writer.write(&last_target_changes(&targets, &forgotten)));
                }
                Command::Unreadable(key, reason) => self.condition.cannot_read(key, reason),
                Command::Close(answer) => {
                    self.store.close();
                    // The caller may be gone.
                    let _ = answer.send(Ok(()));
                    return true;
                }
            }
        }
        self.write_shares(appends);
        false
    }

    fn answer<T>(&mut self, answer: Answer<T>, work: impl FnOnce(&mut Self) -> Result<T, WriteTrouble>) {
        let result = match self.condition.failure() {
            Some(reason) => Err(WriteError::Storage(reason.to_owned())),
            None => work(self).map_err(|trouble| self.note(trouble)),
        };
        let _ = answer.send(result);
    }

    fn write_shares(&mut self, appends: Vec<Append>) {
        if appends.is_empty() {
            return;
        }
        let mut answers = Vec::with_capacity(appends.len());
        let written = match self.condition.failure() {
            Some(reason) => Err(WriteError::Storage(reason.to_owned())),
            None => self.store_shares(&appends, &mut answers).map_err(|trouble| self.note(trouble)),
        };
        match written {
            Ok(next_seq) => {
                self.next_seq = next_seq;
                for (append, answer) in appends.into_iter().zip(answers) {
                    append.finish(answer);
                }
            }
            Err(error) => {
                for append in appends {
                    append.finish(Err(error.clone()));
                }
            }
        }
    }

    /// One answer for each of `appends`, valid if the result is `Ok`: the next sequence number.
    fn store_shares(
        &self,
        appends: &[Append],
        answers: &mut Vec<Result<u64, WriteError>>,
    ) -> Result<u64, WriteTrouble> {
        let mut next_seq = self.next_seq;
        let mut changes = Vec::with_capacity(2 * appends.len());
        let mut totals: HashMap<&Worker, WorkerTotal> = HashMap::new();
        let open_from = self.in_flight.open_from();
        for append in appends {
            let share = &append.share;
            let epoch = share.key.epoch;
            if epoch < open_from {
                answers.push(Err(WriteError::EpochClosed { epoch, open_from }));
                continue;
            }
            // The reservation was checked against the database at that time. After a failed write more may
            // have turned out to be stored.
            if let Some(seq) = self.store.seq_of(&share.key)? {
                answers.push(Err(WriteError::AlreadyStored { seq }));
                continue;
            }
            let total = match totals.remove(&share.worker) {
                Some(total) => total,
                None => self.store.total_of(&share.worker)?.unwrap_or_else(|| WorkerTotal {
                    worker: share.worker.clone(),
                    shares: 0,
                    credit: 0,
                }),
            };
            let total = add_share(total, share.target).ok_or_else(|| overflow("a worker's total"))?;
            totals.insert(&share.worker, total);
            let seq = next_seq;
            changes.extend(share_changes(seq, share));
            answers.push(Ok(seq));
            next_seq = seq.checked_add(1).ok_or_else(|| overflow("the share number"))?;
        }
        changes.extend(totals.values().map(total_change));
        self.write(&changes)?;
        Ok(next_seq)
    }

    fn write(&self, changes: &[Change]) -> Result<(), WriteTrouble> {
        self.store.write(changes).map_err(WriteTrouble::Failed)
    }

    /// The error for the caller; a failing database also turns the health red.
    fn note(&mut self, trouble: WriteTrouble) -> WriteError {
        match trouble {
            WriteTrouble::Refused(error) => error,
            WriteTrouble::Failed(reason) => {
                self.condition.fail(reason.clone());
                WriteError::Storage(reason)
            }
        }
    }

    fn try_to_repair(&mut self) {
        if !self.condition.is_time_to_repair() {
            return;
        }
        if self.condition.failure().is_some() {
            match self.recover() {
                Ok(()) => {
                    self.condition.can_write();
                    tracing::info!(next_seq = self.next_seq, "storing shares again");
                }
                Err(reason) => self.condition.fail(reason),
            }
        }
        if let Some(key) = self.condition.unreadable() {
            // The keys of that epoch are deleted, and the damaged ones with them.
            if key.epoch < self.in_flight.open_from() || self.store.seq_of(&key).is_ok() {
                self.condition.can_read();
                tracing::info!("the duplicate check works again");
            } else {
                self.condition.look_later();
            }
        }
    }

    fn recover(&mut self) -> Result<(), String> {
        // While the disk is full the failed database stays open: it can still be read.
        probe(self.store.dir()).map_err(|error| error.to_string())?;
        self.store.reopen()?;
        self.read_state().and_then(|()| self.store.check_readable()).map_err(|error| error.to_string())?;
        self.store.write(&[meta_change(Meta::Probe, 0u32)])
    }

    fn read_state(&mut self) -> Result<(), ReadError> {
        self.next_seq = self.store.last_seq()?.saturating_add(1);
        let keys_from = match self.store.meta(Meta::Restored)? {
            Some(_) => u64::MAX,
            None => self.store.meta(Meta::KeysFrom)?.unwrap_or(0),
        };
        self.in_flight.set_open_from(u32::try_from(keys_from).unwrap_or(u32::MAX));
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if thread::panicking() {
            self.condition.give_up("the writer thread failed: restart the pool");
        }
    }
}

fn overflow(what: &str) -> WriteTrouble {
    WriteTrouble::Failed(format!("{what} no longer fits its type: the database is damaged"))
}
