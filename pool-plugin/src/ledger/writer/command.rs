//! The writer's commands, and its queue.

use pool_core::{
    accounting::terms::{Rules, Terms},
    types::{SolutionId, Worker},
};
use tokio::sync::{mpsc, oneshot};

use crate::ledger::{
    condition::RETRY,
    errors::WriteError,
    records::{Adopted, BlockOutcome, DumpMark, LastTarget, Round, Share, ShareKey, SolutionRecord},
    reserve::Reservation,
};

/// Commands that may wait before a sender has to wait.
pub(in crate::ledger) const QUEUE: usize = 4096;
/// Commands of one group commit.
pub(super) const GROUP: usize = 1024;

pub(in crate::ledger) type Answer<T> = oneshot::Sender<Result<T, WriteError>>;

pub(in crate::ledger) struct Append {
    pub(in crate::ledger) reservation: Reservation,
    pub(in crate::ledger) share: Share,
    pub(in crate::ledger) answer: Answer<u64>,
}

impl Append {
    /// Frees the key, then answers: after a refusal the caller may try again at once. A stored share no
    /// longer needs its reservation.
    pub(super) fn finish(self, answer: Result<u64, WriteError>) {
        drop(self.reservation);
        // The caller may be gone.
        let _ = self.answer.send(answer);
    }
}

pub(in crate::ledger) enum Command {
    Append(Box<Append>),
    RecordFound(Box<SolutionRecord>, Answer<()>),
    MarkReleased(SolutionId, Answer<()>),
    ApplyBlock(Box<BlockOutcome>, Answer<Option<Round>>),
    SetScannedHeight(u32, Answer<()>),
    SetRules(Box<Rules>, Answer<Terms>),
    RecordDump(u32, Box<DumpMark>, Answer<()>),
    /// Retires the shares before this one; returns the first that is kept.
    Retire(u64, Answer<u64>),
    /// Takes over what a restored backup lacks.
    TakeUp(Vec<Adopted>, Answer<()>),
    /// The first epoch whose shares a restored ledger accepts.
    Resume(u32, Answer<()>),
    KeepTargets(Vec<LastTarget>, Vec<Worker>, Answer<()>),
    /// This key could not be looked up, for this reason.
    Unreadable(ShareKey, String),
    Close(Answer<()>),
}

#[derive(PartialEq, Eq)]
pub(super) enum Waited {
    /// For commands, or until the timeout.
    Enough,
    /// Every sender is gone.
    ForNothing,
}

/// Waits for a command and takes all that are waiting by then; with a timer, for [`RETRY`] at most.
pub(super) fn next_group(
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
