//! Which of the held solutions to release now, when there may be more of them than may land. Pure.
//!
//! An address lands as many solutions an epoch as its stake allows. While it finds fewer, all are sent at
//! once. When it finds more, it matters which: a block pays by target, up to what is left of the coinbase
//! target, so a solution may be worth four times as much as another. Best-of-epoch therefore holds them back,
//! and sends
//!
//! - at once what no later one can improve on: a target that takes all a block can pay;
//! - of the others the best, one per block, so late that the last of them lands with a reserve of blocks
//!   before the epoch ends.
//!
//! `docs/release.md` says what each policy earns, and when to use which.

mod finds;
#[cfg(any(test, feature = "simulation"))]
pub mod simulation;
#[cfg(test)]
mod tests;

pub(super) use self::finds::Finds;
use pool_core::types::MAX_SOLUTIONS_PER_BLOCK;

/// Blocks at the end of an epoch in which the plan lands none of ours: for other provers' solutions that come
/// first, and for a proof target that is above ours for a while.
pub const RESERVE: u32 = 12;

/// Decides which solutions are sent when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Policy {
    /// Best-of-epoch for an address that finds more than it may land, immediate for others.
    #[default]
    Auto,
    /// All at once, best first, until the stake limit is reached.
    Immediate,
    /// Holds what a better one may replace.
    BestOfEpoch,
}

/// An address and the chain at the time of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Situation<'a> {
    /// Targets of the solutions that are held and may land now, best first.
    pub held: &'a [u64],
    /// Solutions that may be released in addition to those on their way.
    pub budget: u64,
    /// Released since the latest block.
    pub released_in_block: usize,
    /// Blocks left in which solutions of this epoch can land.
    pub blocks_left: u32,
    pub coinbase_target: u64,
    /// Solutions of this address that these blocks are expected to bring.
    pub expected: u64,
}

impl Policy {
    /// The names in the configuration.
    pub const NAMES: [(&'static str, Self); 3] =
        [("auto", Self::Auto), ("immediate", Self::Immediate), ("best-of-epoch", Self::BestOfEpoch)];

    /// The name in the configuration.
    pub fn name(self) -> &'static str {
        Self::NAMES.into_iter().find(|(_, policy)| *policy == self).map_or("", |(name, _)| name)
    }

    /// How many of the best held ones to release now.
    pub fn release(self, view: &Situation<'_>) -> usize {
        let affordable = view.held.len().min(usize::try_from(view.budget).unwrap_or(usize::MAX));
        match self {
            Self::BestOfEpoch => best_of_epoch(view).min(affordable),
            Self::Auto if view.held.len() as u64 + view.expected > view.budget => {
                best_of_epoch(view).min(affordable)
            }
            Self::Auto | Self::Immediate => affordable,
        }
    }
}

fn best_of_epoch(view: &Situation<'_>) -> usize {
    // One per block: two in a block share what is left of its coinbase target.
    let unbeatable = view.held.iter().take_while(|target| **target >= view.coinbase_target).count().min(1);
    // Those that would not all land before the reserve at one per block.
    let in_time = view.blocks_left.saturating_sub(RESERVE);
    let due = usize::try_from(view.budget.saturating_sub(in_time.into())).unwrap_or(usize::MAX);
    unbeatable.max(due.min(MAX_SOLUTIONS_PER_BLOCK)).saturating_sub(view.released_in_block)
}
