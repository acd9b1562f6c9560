//! Whether our node follows the network: one state, one cause, and what follows for the miners. Pure: times are passed
//! in, as the time since some fixed moment.
//!
//! A single peer's claim is no evidence. While our own tip moves at the network's pace we follow, whatever
//! anybody claims; a peer cannot forge that, since a block carries the signatures of the committee. Only when
//! the tip stands still do claims count: those of the trusted peers, and without any of the majority of the
//! peers that the node chose itself. Peers that connected to us do not count at all.
//!
//! # Layout
//! - `judge`: the table, which observations lead to which state.
//! - [`votes`]: whose claims count, and what follows from them.
//! - [`tracker`]: keeps what the table needs between checks.
//! - [`access`]: what the state means for miners and solutions.

pub mod access;
mod judge;
#[cfg(test)]
mod tests;
pub mod tracker;
pub mod votes;

use std::fmt;

use crate::{
    all_of,
    reject::{NoNetwork, Reject},
};

pub use self::{
    access::{Access, Patience},
    judge::{Seen, judge},
    tracker::{Observation, OtherVersion, Tracker},
};

/// How our node relates to the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Following {
    /// Our tip moves with the network's.
    Following,
    /// Our tip moves, faster than the network makes blocks or far behind it.
    CatchingUp,
    /// Our tip does not move and no peer whose claims count is ahead: work keeps its value.
    NetworkHalted,
    /// Our tip does not move, though peers whose claims count are ahead.
    Stuck,
    /// Our tip does not move and no peer whose claims count answers. Also before the first answer.
    #[default]
    Isolated,
}

/// How the node relates to the network, and what that means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SyncState {
    pub following: Following,
    /// Since when, in Unix seconds.
    pub since: i64,
    /// Blocks behind the network, by the peers whose claims count; `None` while none of them answers.
    pub behind: Option<u32>,
    pub access: Access,
    /// A consensus version that this release does not know, seen in a block of peers whose claims count.
    pub newer: Option<NewerVersion>,
    /// A consensus version that this release does not know and that peers whose claims count are ready for.
    pub announced: Option<u16>,
}

/// A block of a consensus version that this release does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewerVersion {
    pub version: u16,
    /// The lowest height at which it was seen.
    pub height: u32,
    /// When it was first seen, in Unix seconds.
    pub since: i64,
}

impl Following {
    pub const ALL: [Self; 5] = all_of!(Following: Following, CatchingUp, NetworkHalted, Stuck, Isolated);

    /// A name for machines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Following => "following",
            Self::CatchingUp => "catching_up",
            Self::NetworkHalted => "network_halted",
            Self::Stuck => "stuck",
            Self::Isolated => "isolated",
        }
    }

    /// Whether work done now keeps its value.
    pub const fn work_has_value(self) -> bool {
        matches!(self, Self::Following | Self::NetworkHalted)
    }
}

impl fmt::Display for Following {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl SyncState {
    /// Whether the node follows the network, so that its view of the chain can be trusted.
    pub const fn synced(&self) -> bool {
        self.following.work_has_value()
    }

    /// Why shares are refused, if they are.
    pub fn refusal(&self) -> Option<Reject> {
        (!self.access.takes_shares()).then(|| Reject::NoNetwork(self.cause()))
    }

    /// Why connections are closed, if they are.
    pub fn closing(&self) -> Option<Reject> {
        (self.access == Access::Closed).then(|| Reject::NoService(self.cause()))
    }

    const fn cause(&self) -> NoNetwork {
        match self.following {
            _ if self.newer.is_some() => NoNetwork::Outdated,
            Following::Stuck => NoNetwork::Stuck,
            Following::Isolated => NoNetwork::Isolated,
            Following::CatchingUp | Following::Following | Following::NetworkHalted => NoNetwork::Behind,
        }
    }

    /// A node that follows the network, or one that has nobody to ask.
    pub const fn simple(synced: bool) -> Self {
        let (following, access) = match synced {
            true => (Following::Following, Access::Open),
            false => (Following::Isolated, Access::NoNewJobs),
        };
        let behind = if synced { Some(0) } else { None };
        Self { following, since: 0, behind, access, newer: None, announced: None }
    }
}
