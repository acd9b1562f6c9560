//! Epochs, and how one follows another.
//!
//! The hash of an epoch's last block is the hash of the next epoch, so the next puzzle is known one block
//! early. A solution takes a block or more to land: one found for the old epoch after its last block would
//! have to be in the very next block. So from then on the next epoch is mined, while shares of both are
//! accepted until that block comes.
//! block has come.

use super::Puzzle;
use crate::types::EpochHash;

/// An epoch, and the hash that defines its puzzle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Epoch {
    pub number: u32,
    pub hash: EpochHash,
}

impl Puzzle {
    /// The epoch whose solutions the next block accepts.
    pub fn current_epoch(&self) -> Epoch {
        Epoch { number: self.epoch, hash: self.epoch_hash }
    }

    /// The next epoch; known only on the last block of an epoch.
    pub fn next_epoch(&self) -> Option<Epoch> {
        self.next_epoch_hash.map(|hash| Epoch { number: self.epoch.saturating_add(1), hash })
    }

    /// The epoch of new jobs: the next one as soon as it is known.
    pub fn mined_epoch(&self) -> Epoch {
        self.next_epoch().unwrap_or_else(|| self.current_epoch())
    }

    /// The epochs whose shares are accepted.
    pub fn open_epochs(&self) -> impl Iterator<Item = Epoch> + use<> {
        [Some(self.current_epoch()), self.next_epoch()].into_iter().flatten()
    }

    /// Whether shares of `epoch` are accepted.
    pub fn is_open(&self, epoch: Epoch) -> bool {
        self.open_epochs().any(|open| open == epoch)
    }

    /// The puzzle after the next block, if that begins an epoch and the targets stay as they are.
    pub fn after_turn(&self) -> Option<Self> {
        let Epoch { number, hash } = self.next_epoch()?;
        let height = self.height.saturating_add(1);
        Some(Self { height, epoch: number, epoch_hash: hash, next_epoch_hash: None, ..*self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::{Chain, sim::SimChain};

    fn epoch(number: u32) -> Epoch {
        Epoch { number, hash: SimChain::epoch_hash(number) }
    }

    #[test]
    fn the_next_epoch_is_mined_from_the_last_block_of_this_one_on_and_both_are_open_until_the_turn() {
        let sim = SimChain::new();
        for (height, mined, open) in [
            (358, epoch(0), vec![epoch(0)]),
            (359, epoch(1), vec![epoch(0), epoch(1)]),
            (360, epoch(1), vec![epoch(1)]),
            (361, epoch(1), vec![epoch(1)]),
        ] {
            sim.jump_to(height);
            let puzzle = sim.puzzle().unwrap();
            assert_eq!(puzzle.mined_epoch(), mined, "{height}");
            assert_eq!(puzzle.open_epochs().collect::<Vec<_>>(), open, "{height}");
            assert!(puzzle.is_open(mined) && !puzzle.is_open(epoch(2)));
        }
        assert!(!sim.puzzle().unwrap().is_open(Epoch { hash: EpochHash([9; 32]), ..epoch(1) }));
    }

    #[test]
    fn the_puzzle_after_the_turn_is_that_of_the_first_block() {
        let sim = SimChain::new();
        sim.jump_to(359);
        let expected = sim.puzzle().unwrap().after_turn();
        sim.produce_block();
        assert_eq!(expected, Some(sim.puzzle().unwrap()));
        assert_eq!(sim.puzzle().unwrap().after_turn(), None);
    }
}
