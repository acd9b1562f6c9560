//! What the pool knows of each worker, over all its connections: its hash rates, its last target, and whether
//! its account sends all its shares.
//!
//! It lives in memory, bounded; a worker that has not been seen for [`KEPT`] is forgotten. The last targets
//! are also stored in the share database, written once a minute by [`keep`], so that neither a reconnect nor
//! a restart leads to a low first target. The rates of the last day are rebuilt from the stored shares.

mod account;
mod keep;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use indexmap::IndexMap;
use parking_lot::Mutex;

pub use self::keep::{WRITE_EVERY, keep, load, replay};
use pool_core::{
    hashrate::{HashRate, Past, Rates},
    reject::{Reject, RejectCode},
    types::{Worker, unix_seconds},
};

use crate::{
    ledger::records::LastTarget,
    stratum::history::{History, Spans},
};
use account::Account;

/// The most workers that are known at a time. Beyond it those that were unseen for longest are forgotten.
const MOST: usize = 100_000;
/// How long a worker is known after its last share.
pub const KEPT: Duration = Duration::from_secs(30 * 86_400);
/// A day of silence, after which the rates are zero and take no memory.
const DAY: u64 = 86_400;
/// Workers copied at a time for an [`Overview`]: a share never waits for more than these.
const PORTION: usize = 64;
/// Refusals alone add a worker only while there is plenty of room: they cost nothing to make.
const ROOM_FOR_STRANGERS: usize = MOST / 2;

/// Everything known of the pool's workers. Times are Unix seconds.
#[derive(Debug, Default)]
pub struct Workers {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    // In an order that stays while workers are added, so that it can be read in portions.
    workers: IndexMap<Worker, Entry>,
    /// How often that order was broken.
    sweeps: u64,
    accounts: HashMap<String, Account>,
    pool: Option<HashRate>,
    history: History,
    /// Workers whose last target is not written yet, or is to be deleted.
    unwritten: HashSet<Worker>,
}

#[derive(Clone, Debug, Default)]
struct Entry {
    target: Option<u64>,
    /// The last share, or the last written target.
    seen: u64,
    rate: Option<Box<HashRate>>,
    claim: Option<Claim>,
    tally: Tally,
    /// Connections on which it is logged in.
    online: u32,
}

/// The verdicts on a worker's shares since the pool's start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub accepted: u64,
    /// In the order of [`RejectCode::ALL`].
    pub refused: [u64; RejectCode::ALL.len()],
    /// Refused because their epoch had just ended; not counted among the others.
    pub epoch_ended: u64,
    /// The highest target that was reached.
    pub best: u64,
    /// The assigned target of the last accepted share; 0 before the first.
    pub assigned: u64,
}

/// A login on a connection, counted until dropped.
pub struct Presence {
    workers: Arc<Workers>,
    worker: Worker,
}

/// A miner's own report: attempts a second, and the time of the report.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Claim {
    pub rate: f64,
    pub time: u64,
}

/// A worker as the API shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkerStatus {
    pub worker: Worker,
    pub rates: Rates,
    pub claim: Option<Claim>,
    /// The last good target.
    pub target: Option<u64>,
    /// The last share; 0 if none is known.
    pub seen: u64,
    pub tally: Tally,
    /// Connections on which it is logged in.
    pub online: u32,
}

/// Rates at a moment: the pool's, and those of all workers that are connected or found a share in the last
/// day.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overview {
    pub pool: Rates,
    pub accounts: HashMap<String, Rates>,
    pub workers: Vec<WorkerStatus>,
}

/// What has to be written to the database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unwritten {
    pub targets: Vec<LastTarget>,
    pub forgotten: Vec<Worker>,
}

impl Workers {
    /// Counts an accepted share. `Some`: this account withholds shares; all its targets must be at least this
    /// one, so that there is none to choose from.
    pub fn share(&self, worker: &Worker, target: u64, reached: u64, now: u64) -> Option<u64> {
        let mut known = self.known.lock();
        let tally = &mut known.count(worker, target, now).tally;
        tally.accepted += 1;
        (tally.best, tally.assigned) = (tally.best.max(reached), target);
        known.bound();
        let account = known.accounts.entry(worker.account.clone()).or_default();
        if account.note(target, reached, now) {
            tracing::warn!(
                account = worker.account,
                least = account.least(now),
                "this account withholds shares at low targets: holding it to its highest target for a day"
            );
        }
        account.least(now)
    }

    /// Counts a refused share.
    pub fn refused(&self, worker: &Worker, reject: &Reject) {
        let known = &mut *self.known.lock();
        known.history.refused(unix_seconds());
        let has_room = known.workers.len() < ROOM_FOR_STRANGERS;
        let tally = match known.workers.get_mut(worker) {
            Some(entry) => &mut entry.tally,
            None if has_room => &mut known.workers.entry(worker.clone()).or_default().tally,
            None => return,
        };
        if *reject == Reject::EpochEnded {
            tally.epoch_ended += 1;
        } else if let Some(count) = tally.refused.get_mut(reject.code().index()) {
            *count += 1;
        }
    }

    /// Counts a worker as connected until the guard is dropped.
    pub fn arrive(self: &Arc<Self>, worker: &Worker) -> Presence {
        self.known.lock().workers.entry(worker.clone()).or_default().online += 1;
        Presence { workers: Arc::clone(self), worker: worker.clone() }
    }

    /// The lowest target this account may have, if it is held to one.
    pub fn least(&self, account: &str, now: u64) -> Option<u64> {
        self.known.lock().accounts.get(account).and_then(|account| account.least(now))
    }

    /// The last target of a worker.
    pub fn last_target(&self, worker: &Worker) -> Option<u64> {
        self.known.lock().workers.get(worker).and_then(|entry| entry.target)
    }

    /// Keeps a worker's target for its next connection.
    pub fn remember(&self, worker: &Worker, target: u64, now: u64) {
        let mut known = self.known.lock();
        let entry = known.workers.entry(worker.clone()).or_default();
        if entry.target == Some(target) {
            return;
        }
        (entry.target, entry.seen) = (Some(target), entry.seen.max(now));
        known.unwritten.insert(worker.clone());
        known.bound();
    }

    /// Keeps a miner's own report of its rate, in attempts a second.
    pub fn claim(&self, worker: &Worker, rate: f64, now: u64) {
        let known = &mut *self.known.lock();
        if let Some(entry) = known.workers.get_mut(worker).filter(|_| rate.is_finite() && rate >= 0.0) {
            entry.claim = Some(Claim { rate, time: now });
        }
    }

    /// The pool's rates.
    pub fn pool_rates(&self, now: u64) -> Rates {
        self.known.lock().pool.as_ref().map(|rate| rate.at(now)).unwrap_or_default()
    }

    /// What came in over the last `hours`, in spans of `minutes`.
    pub fn history(&self, now: u64, hours: u64, minutes: u64) -> Spans {
        self.known.lock().history.spans(now, hours, minutes)
    }

    /// The rates of some workers together, in the spans that `past` takes of each.
    pub fn past(
        &self,
        workers: impl Iterator<Item = Worker>,
        past: fn(&HashRate, u64) -> Past,
        now: u64,
    ) -> Past {
        let mut sum = Past::default();
        for worker in workers {
            let rate = self.known.lock().workers.get(&worker).and_then(|entry| entry.rate.clone());
            rate.iter().for_each(|rate| sum += &past(rate, now));
        }
        sum
    }

    /// All rates, by account and worker. The lock is released every few workers, so this is not an atomic
    /// snapshot.
    pub fn overview(&self, now: u64) -> Overview {
        let mut overview = Overview { pool: self.pool_rates(now), ..Overview::default() };
        for (worker, entry) in self.copy() {
            let rates = entry.rate.as_ref().map(|rate| rate.at(now)).unwrap_or_default();
            *overview.accounts.entry(worker.account.clone()).or_default() += rates;
            overview.workers.push(WorkerStatus {
                worker,
                rates,
                claim: entry.claim,
                target: entry.target,
                seen: entry.seen,
                tally: entry.tally,
                online: entry.online,
            });
        }
        overview.workers.sort_unstable_by(|one, other| one.worker.cmp(&other.worker));
        overview
    }

    /// All workers with something to show.
    fn copy(&self) -> Vec<(Worker, Entry)> {
        let (mut copied, mut next, mut sweeps) = (Vec::new(), 0, None);
        loop {
            let known = self.known.lock();
            if *sweeps.get_or_insert(known.sweeps) != known.sweeps {
                // Some have moved: start over.
                (copied, next, sweeps) = (Vec::new(), 0, None);
                continue;
            }
            let end = known.workers.len().min(next + PORTION);
            let Some(portion) = known.workers.get_range(next..end).filter(|portion| !portion.is_empty())
            else {
                return copied;
            };
            let shown = portion.iter().filter(|(_, entry)| entry.is_shown());
            copied.extend(shown.map(|(worker, entry)| (worker.clone(), entry.clone())));
            next = end;
        }
    }

    /// Forgets workers that were unseen for long, and returns what the database does not know yet. What
    /// cannot be written must be [given back](Self::still_unwritten).
    pub fn take_unwritten(&self, now: u64) -> Unwritten {
        let mut known = self.known.lock();
        known.forget_before(now.saturating_sub(KEPT.as_secs()));
        for entry in known.workers.values_mut().filter(|entry| entry.seen + DAY < now) {
            entry.rate = None;
        }
        let mut unwritten = Unwritten::default();
        for worker in std::mem::take(&mut known.unwritten) {
            match known.workers.get(&worker).map(|entry| (entry.target, entry.seen)) {
                Some((Some(target), seen)) => unwritten.targets.push(LastTarget { worker, target, seen }),
                Some((None, _)) => {}
                None => unwritten.forgotten.push(worker),
            }
        }
        unwritten
    }

    /// What could not be written is retried.
    pub fn still_unwritten(&self, unwritten: Unwritten) {
        let workers = unwritten.targets.into_iter().map(|last| last.worker);
        self.known.lock().unwritten.extend(workers.chain(unwritten.forgotten));
    }

    /// Adds a worker from the database.
    fn recall(&self, last: LastTarget) {
        let known = &mut *self.known.lock();
        let entry = known.workers.entry(last.worker).or_default();
        entry.target.get_or_insert(last.target);
        entry.seen = entry.seen.max(last.seen);
    }

    /// Counts a share from before the restart.
    fn recount(&self, worker: &Worker, target: u64, time: u64) {
        let mut known = self.known.lock();
        known.count(worker, target, time);
        known.bound();
    }
}

impl Known {
    fn count(&mut self, worker: &Worker, target: u64, now: u64) -> &mut Entry {
        self.pool.get_or_insert_with(|| HashRate::new(now)).add(now, target);
        self.history.accepted(now, target);
        let index = match self.workers.get_index_of(worker) {
            Some(index) => index,
            None => self.workers.insert_full(worker.clone(), Entry::default()).0,
        };
        let entry = &mut self.workers[index];
        entry.seen = entry.seen.max(now);
        entry.rate.get_or_insert_with(|| Box::new(HashRate::new(now))).add(now, target);
        entry
    }

    /// Makes room in one sweep, so that no single share pays for it.
    fn bound(&mut self) {
        if self.workers.len() <= MOST {
            return;
        }
        let mut seen: Vec<u64> = self.workers.values().map(|entry| entry.seen).collect();
        let (_, oldest_kept, _) = seen.select_nth_unstable(MOST / 16);
        let oldest_kept = oldest_kept.saturating_add(1);
        self.forget_before(oldest_kept);
    }

    fn forget_before(&mut self, time: u64) {
        self.sweeps += 1;
        let unwritten = &mut self.unwritten;
        self.workers.retain(|worker, entry| {
            let stays = entry.seen >= time || entry.online > 0;
            if !stays && entry.target.is_some() {
                unwritten.insert(worker.clone());
            }
            stays
        });
        let accounts: HashSet<&str> = self.workers.keys().map(|worker| worker.account.as_str()).collect();
        self.accounts.retain(|account, _| accounts.contains(account.as_str()));
    }
}

impl Entry {
    fn is_shown(&self) -> bool {
        self.rate.is_some() || self.online > 0 || self.tally != Tally::default()
    }
}

impl Presence {
    pub fn worker(&self) -> &Worker {
        &self.worker
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        let known = &mut *self.workers.known.lock();
        let Some(entry) = known.workers.get_mut(&self.worker) else { return };
        entry.online = entry.online.saturating_sub(1);
        if entry.online == 0 && entry.target.is_none() && !entry.is_shown() {
            // It connected, did nothing and left.
            known.sweeps += 1;
            known.workers.swap_remove(&self.worker);
        }
    }
}

#[cfg(test)]
mod tests;
