//! What the sync state means for miners and solutions: work that earns nothing is refused.

use std::time::Duration;

use super::Following;
use crate::all_of;

/// What miners may do, from everything to nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// Jobs are sent and shares are accepted.
    Open,
    /// Jobs stay valid until their epoch ends, and no new ones are sent.
    #[default]
    NoNewJobs,
    /// No jobs, shares are refused, and solutions are held.
    Refusing,
    /// In addition, sessions are closed and new connections refused, so that miners switch to their next
    /// pool.
    Closed,
}

/// How long the node may be cut off from the network before the miners feel it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    pub refuse: Duration,
    pub close: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { refuse: Duration::from_secs(60), close: Duration::from_secs(300) }
    }
}

impl Access {
    /// In the order from everything to nothing.
    pub const ALL: [Self; 4] = all_of!(Access: Open, NoNewJobs, Refusing, Closed);

    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::NoNewJobs => "no_new_jobs",
            Self::Refusing => "refusing",
            Self::Closed => "closed",
        }
    }

    /// Whether shares are accepted and solutions sent.
    pub const fn takes_shares(self) -> bool {
        matches!(self, Self::Open | Self::NoNewJobs)
    }
}

/// The access that follows from a state. `cut_off`: for how long the node has been stuck or isolated;
/// `epoch_over`: the network is in a later epoch than our tip.
pub(super) fn access(
    was: Access,
    following: Following,
    cut_off: Option<Duration>,
    epoch_over: bool,
    patience: &Patience,
) -> Access {
    match (following, cut_off) {
        (Following::Following | Following::NetworkHalted, _) => Access::Open,
        // Once closed, it stays closed until the node follows again.
        (Following::CatchingUp, Some(_)) => was.max(Access::NoNewJobs),
        (Following::CatchingUp, None) if epoch_over => Access::Refusing,
        (Following::CatchingUp, None) => Access::NoNewJobs,
        (Following::Stuck | Following::Isolated, time) => {
            let time = time.unwrap_or_default();
            if time >= patience.close {
                Access::Closed
            } else if time >= patience.refuse {
                Access::Refusing
            } else {
                // A short stop changes nothing: miners with work continue, miners without work wait.
                was
            }
        }
    }
}
