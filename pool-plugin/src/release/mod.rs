//! From a found solution to the network.
//!
//! # Layout
//! - [`queue`]: which solution goes to which peer now: budget, pace, best first.
//! - [`policy`]: which of them go, when there are more than may land.
//! - [`budget`]: what an address may land, as a text for operators.
//! - [`peers`]: which peers can be written to, and how much each may still be sent.
//! - [`task`]: carries out the queue's decisions.
//! - [`records`]: writes found solutions to the ledger while they are broadcast.

pub mod budget;
pub mod peers;
pub mod policy;
pub mod queue;
pub mod records;
pub mod task;
#[cfg(test)]
pub(crate) mod tests;

use std::{collections::HashMap, sync::Arc};

use tokio::sync::{Mutex, mpsc, watch};

use self::queue::Wait;
pub use self::task::{Setup, run};
use crate::{
    ledger::records::Worker,
    types::{Solution, SolutionId},
};

/// A solution that reached the network's proof target, as handed over by the share checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub solution: Solution,
    pub epoch: u32,
    pub finder: Worker,
    /// Unix milliseconds.
    pub found_ms: u64,
}

/// Where the share checks put their finds. Sending never waits: a find is worth more than its memory.
pub type FoundSender = mpsc::UnboundedSender<Found>;

/// The input of the release task. Shared, so that it outlives a task that fails: no find is lost with it.
pub type SharedInbox = Arc<Mutex<Inbox>>;

pub struct Inbox {
    pub finds: mpsc::UnboundedReceiver<Found>,
    pub settled: mpsc::UnboundedReceiver<Settled>,
    /// Where the task reports what waits, and why.
    pub waits: watch::Sender<Waits>,
}

/// Solutions that are not on their way.
pub type Waits = HashMap<SolutionId, Wait>;

impl Inbox {
    pub fn new(finds: mpsc::UnboundedReceiver<Found>, settled: mpsc::UnboundedReceiver<Settled>) -> Self {
        Self { finds, settled, waits: watch::Sender::default() }
    }

    pub fn shared(self) -> SharedInbox {
        Arc::new(Mutex::new(self))
    }
}

/// A block landed or aborted this solution: it needs no release, and no place in the stake limit beyond what
/// the chain itself counts. Anyone's solutions may be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    pub id: SolutionId,
    /// The epoch whose puzzle the block accepted.
    pub epoch: u32,
}
