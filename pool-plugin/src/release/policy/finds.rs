//! How many solutions an address finds, to judge whether its stake is enough for them. Pure.

use std::collections::BTreeMap;

use pool_core::{chain::Puzzle, types::BLOCKS_PER_EPOCH};

/// Blocks of an epoch after which its own finds are meaningful.
const EARLY: u32 = BLOCKS_PER_EPOCH / 10;
/// The next epoch, which has finds on the last block of this one; this one; and the previous one.
const EPOCHS: usize = 3;

/// The finds of an address in the last epochs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::release) struct Finds(BTreeMap<u32, u64>);

impl Finds {
    pub(in crate::release) fn count(&mut self, epoch: u32) {
        *self.0.entry(epoch).or_default() += 1;
        if self.0.len() > EPOCHS {
            self.0.pop_first();
        }
    }

    /// How many are expected in the rest of the epoch, at the rate so far.
    pub(in crate::release) fn expected(&self, puzzle: &Puzzle) -> u64 {
        let of = |epoch: u32| self.0.get(&epoch).copied();
        let (now, before) = (of(puzzle.epoch).unwrap_or(0), puzzle.epoch.checked_sub(1).and_then(of));
        let passed = puzzle.height % BLOCKS_PER_EPOCH;
        let seen = passed.max(EARLY) + if before.is_some() { BLOCKS_PER_EPOCH } else { 0 };
        let found = now + before.unwrap_or(0);
        found.saturating_mul(u64::from(BLOCKS_PER_EPOCH - passed)) / u64::from(seen)
    }
}

#[cfg(test)]
mod tests {
    use pool_core::types::EpochHash;

    use super::*;

    fn puzzle(height: u32) -> Puzzle {
        Puzzle {
            height,
            epoch: height / BLOCKS_PER_EPOCH,
            epoch_hash: EpochHash::default(),
            next_epoch_hash: None,
            proof_target: 1,
            coinbase_target: 4,
        }
    }

    #[test]
    fn the_rest_of_the_epoch_is_expected_to_be_as_what_was_seen() {
        let mut finds = Finds::default();
        assert_eq!(finds.expected(&puzzle(360)), 0);
        for _ in 0..90 {
            finds.count(1);
        }
        assert_eq!(finds.expected(&puzzle(360 + 180)), 90);
        assert_eq!(finds.expected(&puzzle(360 + 359)), 0);
        // The previous epoch counts as long as there is one.
        assert_eq!(finds.expected(&puzzle(720 + 180)), 90 * 180 / (360 + 180));
        assert_eq!(finds.expected(&puzzle(1080 + 180)), 0);
    }

    #[test]
    fn finds_of_the_epoch_to_come_are_counted_apart() {
        let mut finds = Finds::default();
        for _ in 0..719 {
            finds.count(1);
        }
        let expected = finds.expected(&puzzle(719));
        for epoch in [2, 1, 2, 2] {
            finds.count(epoch);
        }
        assert_eq!((expected, finds.expected(&puzzle(719))), (2, 2));
        assert_eq!(finds.expected(&puzzle(720)), (720 + 3) * 360 / (36 + 360));
    }

    #[test]
    fn one_early_find_is_no_flood() {
        let mut finds = Finds::default();
        finds.count(1);
        assert_eq!(finds.expected(&puzzle(361)), 9);
    }
}
