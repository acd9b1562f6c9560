//! From a found solution to the network.
//!
//! # Layout
//! - [`queue`]: which solution goes to which peer now: budget, pace, best first.
//! - [`peers`]: which peers can be written to, and how much each may still be sent.

pub mod peers;
pub mod queue;

use tokio::sync::mpsc;

use crate::{ledger::records::Worker, types::Solution};

/// A solution that reached the network's proof target, as the share checks hand it over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub solution: Solution,
    pub epoch: u32,
    pub finder: Worker,
    /// Unix milliseconds.
    pub found_ms: u64,
}

/// Where the share checks put what they found. Sending never waits: a find is worth more than its memory.
pub type FoundSender = mpsc::UnboundedSender<Found>;
