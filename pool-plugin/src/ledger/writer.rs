//! The one thread that writes. It takes commands from a bounded queue, writes everything that waits in one
//! synced batch, and only then answers.
//!
//! After a failed write nothing is trusted: the database is opened again and the state read back from it,
//! because a batch that was reported as failed may have reached the disk.

mod upkeep;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    thread,
};

use tokio::sync::{mpsc, oneshot, watch};

use crate::{
    accounting::terms::{Rules, Terms},
    ledger::{
        changes::{
            add_share, block_changes, close_epochs, dump_mark_change, last_target_changes, meta_change,
            share_changes, solution_changes, terms_change, total_change,
        },
        condition::{Condition, RETRY},
        errors::{LedgerHealth, ReadError, WriteError},
        open::probe,
        records::{
            Adopted, BlockOutcome, DumpMark, LastTarget, Round, Share, ShareKey, SolutionRecord,
            SolutionState, Worker, WorkerTotal,
        },
        reserve::{KeyDesk, Reservation},
        schema::{Change, Meta, solution_of_open_key},
        settle::{Known, is_open, merge_found, settle},
        store::Store,
    },
    types::SolutionId,
};

/// Commands that wait before a sender has to.
pub(super) const QUEUE: usize = 4096;
/// Commands of one group commit.
const GROUP: usize = 1024;

type Answer<T> = oneshot::Sender<Result<T, WriteError>>;

pub(super) struct Append {
    pub(super) reservation: Reservation,
    pub(super) share: Share,
    pub(super) answer: Answer<u64>,
}

impl Append {
    /// Gives the key back, then answers: who is refused may try again at once. A stored share needs its
    /// reservation no more.
    fn finish(self, answer: Result<u64, WriteError>) {
        drop(self.reservation);
        // Nobody may wait any more.
        let _ = self.answer.send(answer);
    }
}

pub(super) enum Command {
    Append(Box<Append>),
    RecordFound(Box<SolutionRecord>, Answer<()>),
    MarkReleased(SolutionId, Answer<()>),
    ApplyBlock(Box<BlockOutcome>, Answer<Option<Round>>),
    SetScannedHeight(u32, Answer<()>),
    SetRules(Box<Rules>, Answer<Terms>),
    RecordDump(u32, Box<DumpMark>, Answer<()>),
    /// Lets the shares before this one go; answers with the first that is kept.
    Retire(u64, Answer<u64>),
    /// Takes over what a restored backup does not know.
    TakeUp(Vec<Adopted>, Answer<()>),
    /// The first epoch whose shares a restored ledger takes.
    Resume(u32, Answer<()>),
    KeepTargets(Vec<LastTarget>, Vec<Worker>, Answer<()>),
    /// This key could not be looked up, for this reason.
    Unreadable(ShareKey, String),
    Close(Answer<()>),
}

pub(super) struct Writer {
    store: Arc<Store>,
    desk: Arc<KeyDesk>,
    next_seq: u64,
    condition: Condition,
}

/// Why a command was not carried out.
enum Trouble {
    /// The command's own fault, or nobody's: the database is well.
    Refused(WriteError),
    /// The database failed.
    Failed(String),
}

impl From<ReadError> for Trouble {
    fn from(error: ReadError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl Writer {
    pub(super) fn new(
        store: Arc<Store>,
        desk: Arc<KeyDesk>,
        health: watch::Sender<LedgerHealth>,
    ) -> Result<Self, ReadError> {
        let mut writer = Self { store, desk, next_seq: 1, condition: Condition::new(health) };
        writer.read_state()?;
        Ok(writer)
    }

    /// Runs until closed, or until every sender is gone and the queue is empty; then closes the database.
    pub(super) fn run(mut self, mut queue: mpsc::Receiver<Command>) {
        let mut group = Vec::with_capacity(GROUP);
        let timer = tokio::runtime::Builder::new_current_thread().enable_time().build().ok();
        loop {
            // With nobody asking, a database that works again would stay red.
            let patience = timer.as_ref().filter(|_| !self.condition.is_sound());
            if next_group(&mut queue, &mut group, patience) == Waited::ForNothing {
                break;
            }
            self.try_to_mend();
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
            // A run of shares is one batch. Anything else reads what is stored, so it comes after them.
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
                    // Nobody may wait any more.
                    let _ = answer.send(Ok(()));
                    return true;
                }
            }
        }
        self.write_shares(appends);
        false
    }

    fn answer<T>(&mut self, answer: Answer<T>, work: impl FnOnce(&mut Self) -> Result<T, Trouble>) {
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
    ) -> Result<u64, Trouble> {
        let mut next_seq = self.next_seq;
        let mut changes = Vec::with_capacity(2 * appends.len());
        let mut totals: HashMap<&Worker, WorkerTotal> = HashMap::new();
        let open_from = self.desk.open_from();
        for append in appends {
            let share = &append.share;
            let epoch = share.key.epoch;
            if epoch < open_from {
                answers.push(Err(WriteError::EpochClosed { epoch, open_from }));
                continue;
            }
            // The reservation was checked against the database of its time. After a failed write more may
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

    fn record_found(&mut self, record: SolutionRecord) -> Result<(), Trouble> {
        let id = record.solution.id();
        if !is_open(&record) {
            return Err(Trouble::Refused(WriteError::NotFromBlock { id }));
        }
        let changed = match self.store.solution(id)? {
            Some(stored) => merge_found(&stored, &record),
            None => Some(record),
        };
        match changed {
            Some(solution) => self.write(&solution_changes(id, &solution)),
            None => Ok(()),
        }
    }

    fn mark_released(&mut self, id: SolutionId) -> Result<(), Trouble> {
        let stored = self.store.solution(id)?;
        let record = stored.ok_or(Trouble::Refused(WriteError::UnknownSolution { id }))?;
        if record.state != SolutionState::Found {
            return Ok(());
        }
        let released = SolutionRecord { state: SolutionState::Released, ..record };
        self.write(&solution_changes(id, &released))
    }

    fn set_scanned_height(&mut self, height: u32) -> Result<(), Trouble> {
        match self.scanned_height()? {
            Some(scanned) if height < scanned => {
                Err(Trouble::Refused(WriteError::ScannedAlready { scanned, height }))
            }
            _ => self.write(&[meta_change(Meta::ScannedHeight, height)]),
        }
    }

    fn apply_block(&mut self, outcome: &BlockOutcome) -> Result<Option<Round>, Trouble> {
        let height = outcome.height;
        if self.scanned_height()?.is_some_and(|scanned| height <= scanned) {
            return same_block(self.store.round(height)?, outcome);
        }
        let mut settled = settle(outcome, &self.known(outcome)?);
        // A round that was taken over from its dump stays as it was dumped.
        if let Some(round) = self.store.round(height)? {
            settled.round = same_block(Some(round), outcome)?;
        }
        let open_from = self.desk.open_from();
        let keys_from = open_from.max(outcome.open_epoch.saturating_sub(1));
        let mut changes = block_changes(outcome, &settled);
        changes.extend(close_epochs(open_from, keys_from));
        self.write(&changes)?;
        self.desk.set_open_from(keys_from);
        Ok(settled.round)
    }

    fn known(&self, outcome: &BlockOutcome) -> Result<Known, Trouble> {
        let named = outcome
            .landed
            .iter()
            .map(|(solution, _)| solution.id())
            .chain(outcome.aborted.iter().map(|(id, _)| *id));
        let open = self.store.open_solution_keys()?;
        let open_ids = open.iter().filter_map(|key| solution_of_open_key(key));
        let mut solutions = BTreeMap::new();
        for id in named.chain(open_ids) {
            if let Some(record) = self.store.solution(id)? {
                solutions.insert(id, record);
            }
        }
        let last_seq = self.next_seq.saturating_sub(1);
        Ok(Known {
            solutions,
            previous_last_seq: self.store.last_round()?.map_or(0, |round| round.last_seq),
            last_seq,
            terms: self.terms_of(last_seq)?,
        })
    }

    /// Puts `rules` in force for the shares to come, unless they are already.
    fn set_rules(&mut self, rules: Rules) -> Result<Terms, Trouble> {
        let last_seq = self.next_seq.saturating_sub(1);
        if let Some(newest) = self.store.terms_at(u64::MAX)?.filter(|newest| newest.rules == rules) {
            return Ok(newest);
        }
        // Rules that no share came under are replaced.
        let before = self.store.terms_at(last_seq)?;
        let open_from = self.store.last_round()?.map_or(0, |round| round.last_seq).saturating_add(1);
        let terms = Terms::after(last_seq, open_from, rules, before.as_ref());
        self.write(&[terms_change(&terms)])?;
        Ok(terms)
    }

    /// Before the first share under terms, the first terms there are.
    fn terms_of(&self, seq: u64) -> Result<Option<Terms>, ReadError> {
        match self.store.terms_at(seq)? {
            Some(terms) => Ok(Some(terms)),
            None => Ok(self.store.terms()?.into_iter().next()),
        }
    }

    /// A dump that was made once must stay what it is.
    fn record_dump(&mut self, height: u32, mark: &DumpMark) -> Result<(), Trouble> {
        match self.store.dump_mark(height)? {
            Some(stored) if stored == *mark => Ok(()),
            Some(_) => Err(Trouble::Refused(WriteError::OtherDump { height })),
            None => self.write(&[dump_mark_change(height, mark)]),
        }
    }

    fn scanned_height(&self) -> Result<Option<u32>, ReadError> {
        Ok(self.store.meta(Meta::ScannedHeight)?.map(|height| u32::try_from(height).unwrap_or(u32::MAX)))
    }

    fn write(&self, changes: &[Change]) -> Result<(), Trouble> {
        self.store.write(changes).map_err(Trouble::Failed)
    }

    /// The error for the caller; a failing database also turns the health red.
    fn note(&mut self, trouble: Trouble) -> WriteError {
        match trouble {
            Trouble::Refused(error) => error,
            Trouble::Failed(reason) => {
                self.condition.fail(reason.clone());
                WriteError::Storage(reason)
            }
        }
    }

    fn try_to_mend(&mut self) {
        if !self.condition.is_time_to_mend() {
            return;
        }
        if self.condition.failure().is_some() {
            match self.recover() {
                Ok(()) => {
                    self.condition.can_write();
                    tracing::info!(next_seq = self.next_seq, "shares are stored again");
                }
                Err(reason) => self.condition.fail(reason),
            }
        }
        if let Some(key) = self.condition.unreadable() {
            // With its epoch the key leaves, and what is damaged with it.
            if key.epoch < self.desk.open_from() || self.store.seq_of(&key).is_ok() {
                self.condition.can_read();
                tracing::info!("shares can be told from those stored again");
            } else {
                self.condition.look_later();
            }
        }
    }

    fn recover(&mut self) -> Result<(), String> {
        // While the disk is full the failed database is kept: it can still be read.
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
        self.desk.set_open_from(u32::try_from(keys_from).unwrap_or(u32::MAX));
        Ok(())
    }
}

#[derive(PartialEq, Eq)]
enum Waited {
    /// For commands, or until patience ran out.
    Enough,
    /// Every sender is gone.
    ForNothing,
}

/// Waits for a command and takes all that are there by then; with a timer, for [`RETRY`] at most.
fn next_group(
    queue: &mut mpsc::Receiver<Command>,
    group: &mut Vec<Command>,
    patience: Option<&tokio::runtime::Runtime>,
) -> Waited {
    let taken = match patience {
        Some(timer) => {
            timer.block_on(async { tokio::time::timeout(RETRY, queue.recv_many(group, GROUP)).await.ok() })
        }
        None => Some(queue.blocking_recv_many(group, GROUP)),
    };
    if taken == Some(0) { Waited::ForNothing } else { Waited::Enough }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if thread::panicking() {
            self.condition.give_up("the writer thread failed: restart the pool");
        }
    }
}

fn overflow(what: &str) -> Trouble {
    Trouble::Failed(format!("{what} no longer fits its type: the database is damaged"))
}

/// For a block that is applied already: its round, if it is that block's.
fn same_block(stored: Option<Round>, outcome: &BlockOutcome) -> Result<Option<Round>, Trouble> {
    match stored {
        Some(round) if round.hash != outcome.hash => Err(Trouble::Refused(WriteError::OtherChain {
            height: outcome.height,
            stored: round.hash,
            given: outcome.hash,
        })),
        Some(round) => Ok(Some(round)),
        None => {
            if !outcome.landed.is_empty() {
                tracing::warn!(
                    height = outcome.height,
                    landed = outcome.landed.len(),
                    "a scanned block turns out to hold solutions of ours: no round is cut for it"
                );
            }
            Ok(None)
        }
    }
}
