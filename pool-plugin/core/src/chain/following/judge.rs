//! The table: from what was seen of our tip and of the peers to the state.

use std::time::Duration;

use super::Following;

/// A tip that has not moved for this long stands still. The network makes a block every three seconds.
pub(super) const STILL: Duration = Duration::from_secs(20);
/// Peers must be ahead for this long before our node counts as stuck: blocks reach us a moment later than
/// them.
const AHEAD: Duration = Duration::from_secs(15);
/// The same while no block has come since the start: a node needs some time to find its peers.
const AHEAD_AT_START: Duration = Duration::from_secs(40);
/// After this long without a block anywhere, the network has halted.
const HALTED: Duration = Duration::from_secs(60);
/// A tip within the first number of blocks of the network's follows it, and one that is further behind than
/// the second no longer does; between the two the state stays as it is.
const NEAR: u32 = 2;
const FAR: u32 = 10;
/// The same for the age of the tip's block by the wall clock.
const FRESH: Duration = Duration::from_secs(30);
const OLD: Duration = Duration::from_secs(60);

/// What was seen at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Time since our tip last moved, or since the start.
    pub tip_age: Duration,
    /// Whether it has moved since the start.
    pub moved: bool,
    /// Whether it moves much faster than the network makes blocks.
    pub outpaces: bool,
    /// How old the tip's block is by the wall clock; `None` if the two contradict each other.
    pub block_age: Option<Duration>,
    /// How many blocks the network is ahead, by the peers whose claims count; `None` while none of them
    /// answers.
    pub ahead: Option<u32>,
    /// For how long they have been ahead without a break.
    pub ahead_for: Duration,
    /// A block after our tip was seen that this release cannot process.
    pub outdated: bool,
}

/// The state that follows `was`.
pub fn judge(was: Following, seen: &Seen) -> Following {
    match seen.moved && seen.tip_age < STILL {
        true => moving(was, seen),
        false => still(was, seen),
    }
}

fn moving(was: Following, seen: &Seen) -> Following {
    let follows = was == Following::Following;
    let (near, fresh) = if follows { (FAR, OLD) } else { (NEAR, FRESH) };
    // No claims count against a tip that is fresh and moves at the network's pace.
    let keeps_pace = !seen.outpaces && seen.block_age.is_some_and(|age| age <= fresh);
    match seen.ahead {
        _ if keeps_pace => Following::Following,
        Some(ahead) if ahead <= near => Following::Following,
        // The clock may be wrong, and nobody can confirm it.
        None if follows && !seen.outpaces => Following::Following,
        Some(_) | None => Following::CatchingUp,
    }
}

fn still(was: Following, seen: &Seen) -> Following {
    let patience = if seen.moved { AHEAD } else { AHEAD_AT_START };
    match seen.ahead {
        None => Following::Isolated,
        Some(0) if seen.tip_age >= HALTED => Following::NetworkHalted,
        Some(0) => Following::Following,
        Some(_) if seen.outdated => Following::Stuck,
        Some(_) if seen.ahead_for >= patience => Following::Stuck,
        // A block may be on its way.
        Some(ahead) => match was {
            Following::Isolated if ahead <= NEAR => Following::Following,
            Following::Isolated => Following::CatchingUp,
            _ => was,
        },
    }
}
