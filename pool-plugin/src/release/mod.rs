//! From a found solution to the network.
//!
//! # Layout
//! - [`queue`]: which solution goes to which peer now: budget, pace, best first.
//! - [`policy`]: which of them go, when there are more than may land.
//! - [`budget`]: what an address may land, as a text for operators.
//! - [`health`]: whether solutions are on their way.
//! - [`peers`]: which peers can be written to, and how much each may still be sent.
//! - [`task`]: carries out the queue's decisions.
//! - [`records`]: writes found solutions to the ledger while they are broadcast.
//! - [`near_misses`]: counters that become solutions when the proof target falls.
//! - [`replay_finds`]: finds and near misses from before a crash, read back from the shares.

pub mod budget;
pub mod health;
pub mod near_misses;
pub mod peers;
pub mod policy;
pub mod queue;
pub mod records;
pub mod replay_finds;
pub mod task;
#[cfg(test)]
pub(crate) mod tests;

use std::{collections::HashMap, sync::Arc};

use tokio::sync::{Mutex, mpsc, watch};

use self::queue::Wait;
pub use self::task::{Setup, run};
use pool_core::types::{Found, Settled, SolutionId};

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
