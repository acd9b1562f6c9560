//! The checks of every submitted counter, whatever its dialect.
//!
//! A session has already checked its own state, the job and the counter's format. Here follow, in this order:
//! duplicate, epoch, puzzle, and only then the disk. A counter that reaches the network's proof target is
//! handed to the release queue the moment its target is known, on the verification thread: neither a refused
//! share nor a failing disk nor a lost connection holds it back.

use std::sync::Arc;

use parking_lot::Mutex;
use pool_core::{
    chain::{ChainState, Epoch, Puzzle},
    evaluator::EvaluateError,
    log_throttle::LogThrottle,
    reject::Reject,
    types::{Address, EpochHash, Found, Solution, Worker, unix_ms},
};
use tokio::sync::{oneshot, watch};
use tracing::error;

use crate::{
    ledger::{Reservation, ReserveError, ShareLedger, WriteError, records::ShareKey},
    release::{FoundSender, near_misses::NearMisses},
    verify::{
        fair_queue::Lane,
        verifier::{Attempt, Verifier},
    },
};

/// The job a share was mined for, with the target its session was assigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssignedJob {
    pub epoch: u32,
    pub epoch_hash: EpochHash,
    /// The prover address in the puzzle: the pool's.
    pub address: Address,
    /// The target that judges the share, and its credit.
    pub target: u64,
}

impl AssignedJob {
    fn of_epoch(&self) -> Epoch {
        Epoch { number: self.epoch, hash: self.epoch_hash }
    }
}

/// The path of a counter from a session to the release queue and the ledger.
pub struct Intake {
    ledger: ShareLedger,
    verifier: Verifier,
    finds: Finds,
    /// With a dead disk every share fails: limits the log.
    log: FailureLog,
}

#[derive(Default)]
struct FailureLog {
    unchecked: LogThrottle,
    unstored: LogThrottle,
    unevaluated: LogThrottle,
}

/// Where solutions go, and how to recognise one.
#[derive(Clone)]
struct Finds {
    chain: watch::Receiver<ChainState>,
    sender: FoundSender,
    near_misses: Arc<Mutex<NearMisses>>,
}

impl Intake {
    pub fn new(
        ledger: ShareLedger,
        verifier: Verifier,
        found: FoundSender,
        chain: watch::Receiver<ChainState>,
    ) -> Arc<Self> {
        Arc::new(Self {
            ledger,
            verifier,
            finds: Finds { chain, sender: found, near_misses: Arc::default() },
            log: FailureLog::default(),
        })
    }

    /// The verification threads, for their counters.
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// To be called when the chain's state has changed: a lower proof target makes solutions of counters that
    /// had missed it.
    pub fn chain_changed(&self) {
        self.finds.release_solutions();
    }

    /// Judges a share. `Ok` is the target it reached, and is returned only once the share is on disk; its
    /// credit is the job's target.
    ///
    /// Dropping the future loses the share, though not a solution: run it to its end, even if the connection
    /// closes.
    pub async fn submit(
        &self,
        lane: Lane,
        worker: &Worker,
        job: &AssignedJob,
        counter: u64,
    ) -> Result<u64, Reject> {
        let key = ShareKey { epoch: job.epoch, address: job.address, counter };
        let reservation = match self.ledger.reserve(key) {
            Ok(reservation) => Ok(reservation),
            Err(ReserveError::Duplicate) => return Err(Reject::Duplicate),
            // The epoch check below covers this, by the chain; but after a restored backup the epoch may
            // still be open there.
            Err(ReserveError::EpochClosed { .. }) => Err(Reject::Stale),
            // Refused in the end, but it may be a solution, and those do not depend on the disk.
            Err(ReserveError::Storage(reason)) => {
                if let Some(shares) = self.log.unchecked.due() {
                    error!(%reason, shares, "cannot check for duplicate shares; refusing shares");
                }
                Err(Reject::NotStored)
            }
        };
        if let Some(refusal) = self.finds.refusal() {
            // It earns nothing, but may still be a solution once the node is back.
            self.rescue(lane, worker, &[job.address], counter, None);
            return Err(refusal);
        }
        if !self.finds.is_open(job) {
            self.rescue(lane, worker, &[job.address], counter, None);
            return Err(Reject::Stale);
        }
        let reached = self.evaluate(lane, worker, job, counter).await?;
        if reached < job.target {
            return Err(Reject::LowDifficulty { reached, assigned: job.target });
        }
        self.store(reservation?, worker, job.target, reached).await?;
        Ok(reached)
    }

    /// Checks, at low priority, whether a counter that came with a wrong job solves the puzzle of an open
    /// epoch after all, for one of these addresses of the pool. Earns no share; a solution goes to the
    /// release queue. `tried`: for which epoch and address the counter was evaluated before.
    pub fn rescue(
        &self,
        lane: Lane,
        worker: &Worker,
        addresses: &[Address],
        counter: u64,
        tried: Option<&AssignedJob>,
    ) {
        let Some(puzzle) = self.finds.puzzle() else { return };
        let tried = tried.map(|job| (job.of_epoch(), job.address));
        let all = puzzle.open_epochs().flat_map(|epoch| addresses.iter().map(move |of| (epoch, *of)));
        for (epoch, address) in all.filter(|one| Some(*one) != tried) {
            let job = AssignedJob { epoch: epoch.number, epoch_hash: epoch.hash, address, target: 0 };
            let (finds, finder) = (self.finds.clone(), worker.clone());
            // Without room in the queue there is no second chance: the share was refused for its job already.
            let _ = self.verifier.evaluate_low(lane, attempt_of(&job, counter), move |outcome| {
                if let Ok(reached) = outcome {
                    finds.offer(&job, &finder, counter, reached);
                }
            });
        }
    }

    /// Keeps counters from before the start that may become solutions.
    pub fn remember(&self, missed: Vec<Found>) {
        let mut near_misses = self.finds.near_misses.lock();
        // Their epoch may have ended in the meantime.
        let is_open = |found: &Found| {
            let epoch = Epoch { number: found.epoch, hash: found.solution.epoch_hash };
            self.finds.puzzle().is_some_and(|puzzle| puzzle.is_open(epoch))
        };
        for found in missed.into_iter().filter(is_open) {
            near_misses.keep(found);
        }
        drop(near_misses);
        self.finds.release_solutions();
    }

    async fn evaluate(
        &self,
        lane: Lane,
        worker: &Worker,
        job: &AssignedJob,
        counter: u64,
    ) -> Result<u64, Reject> {
        let (reply, outcome) = oneshot::channel();
        let (finds, finder, of) = (self.finds.clone(), worker.clone(), *job);
        self.verifier
            .evaluate(lane, attempt_of(job, counter), move |evaluated| {
                if let Ok(reached) = evaluated {
                    finds.offer(&of, &finder, counter, reached);
                }
                // Nobody waits any more if the submission was dropped.
                let _ = reply.send(evaluated);
            })
            .map_err(|_| Reject::Busy)?;
        match outcome.await {
            Ok(Ok(reached)) => Ok(reached),
            Ok(Err(EvaluateError::NoAnswer)) => Err(Reject::NoAnswer),
            Ok(Err(EvaluateError::Failed(reason))) => {
                if let Some(shares) = self.log.unevaluated.due() {
                    error!(epoch = job.epoch, counter, reason, shares, "could not verify shares");
                }
                Err(Reject::NotChecked)
            }
            Err(_) => Err(Reject::NotChecked),
        }
    }

    async fn store(
        &self,
        reservation: Reservation,
        worker: &Worker,
        target: u64,
        reached: u64,
    ) -> Result<(), Reject> {
        match self.ledger.append(reservation, worker.clone(), target, reached, unix_ms()).await {
            // Stored by an earlier attempt that was answered with an error: it counts, once.
            Ok(_) | Err(WriteError::AlreadyStored { .. }) => Ok(()),
            Err(WriteError::EpochClosed { .. }) => Err(Reject::Stale),
            Err(reason) => {
                if let Some(shares) = self.log.unstored.due() {
                    error!(%reason, shares, "could not store shares");
                }
                Err(Reject::NotStored)
            }
        }
    }
}

impl Finds {
    fn puzzle(&self) -> Option<Puzzle> {
        self.chain.borrow().puzzle
    }

    fn refusal(&self) -> Option<Reject> {
        self.chain.borrow().sync.refusal()
    }

    fn is_open(&self, job: &AssignedJob) -> bool {
        self.puzzle().is_some_and(|puzzle| puzzle.is_open(job.of_epoch()))
    }

    /// Hands the counter to the release queue if it is a solution for the chain's present state, or as soon
    /// as it becomes one. A counter for the next epoch waits there until that begins.
    fn offer(&self, job: &AssignedJob, finder: &Worker, counter: u64, reached: u64) {
        let solution =
            Solution { epoch_hash: job.epoch_hash, address: job.address, counter, target: reached };
        let found = Found { solution, epoch: job.epoch, finder: finder.clone(), found_ms: unix_ms() };
        if self.is_open(job) {
            self.near_misses.lock().keep(found);
            self.release_solutions();
        }
    }

    /// Hands over what is a solution now.
    fn release_solutions(&self) {
        let mut near_misses = self.near_misses.lock();
        // Read inside the lock: the last to see a change of the chain also sees everything that was kept.
        let Some(puzzle) = self.puzzle() else { return };
        for found in near_misses.take_solutions(&puzzle) {
            let id = found.solution.id();
            if self.sender.send(found).is_err() {
                error!(solution = %id, "found a solution while the release queue was closed");
            }
        }
    }
}

fn attempt_of(job: &AssignedJob, counter: u64) -> Attempt {
    Attempt { epoch_hash: job.epoch_hash, address: job.address, counter }
}
