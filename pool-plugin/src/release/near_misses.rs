//! Counters that just missed the proof target, kept until it falls or their epoch ends. Pure.
//!
//! The proof target moves with every block: a counter that is not a solution now may be one a minute later,
//! and the miner that found it will not try it again. On the last block of an epoch shares of two epochs come
//! in: each epoch has its own room.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
};

use pool_core::{
    chain::{Epoch, Puzzle},
    types::{Found, SolutionId},
};

/// How many are kept per epoch: the best ones.
pub const CAPACITY: usize = 256;

/// The best counters of each open epoch, by target.
#[derive(Debug, Default)]
pub struct NearMisses(HashMap<Epoch, BTreeMap<(u64, SolutionId), Found>>);

impl NearMisses {
    /// Keeps a counter of an open epoch, whether or not it is a solution already.
    pub fn keep(&mut self, found: Found) {
        let epoch = Epoch { number: found.epoch, hash: found.solution.epoch_hash };
        let by_target = self.0.entry(epoch).or_default();
        by_target.insert((found.solution.target, found.solution.id()), found);
        if by_target.len() > CAPACITY {
            by_target.pop_first();
        }
    }

    /// Takes out what is a solution for the chain's present state, best first, and forgets the epochs that
    /// are over. A counter of the next epoch has to reach the present proof target: that of the block it will
    /// land in is not known yet.
    pub fn take_solutions(&mut self, puzzle: &Puzzle) -> Vec<Found> {
        self.0.retain(|epoch, _| puzzle.is_open(*epoch));
        let least = (puzzle.proof_target, SolutionId::default());
        let mut solutions: Vec<Found> =
            self.0.values_mut().flat_map(|by_target| by_target.split_off(&least).into_values()).collect();
        solutions.sort_by_key(|found| Reverse(found.solution.target));
        solutions
    }
}

#[cfg(test)]
mod tests {
    use pool_core::types::{Address, EpochHash, Solution, Worker};
    use proptest::prelude::*;

    use super::*;

    fn found(epoch: u8, counter: u64, target: u64) -> Found {
        let solution =
            Solution { epoch_hash: EpochHash([epoch; 32]), address: Address::default(), counter, target };
        let finder = Worker { account: "alice".into(), name: String::new() };
        Found { solution, epoch: epoch.into(), finder, found_ms: 0 }
    }

    fn puzzle(epoch: u8, proof_target: u64) -> Puzzle {
        Puzzle {
            height: 0,
            epoch: epoch.into(),
            epoch_hash: EpochHash([epoch; 32]),
            next_epoch_hash: None,
            proof_target,
            coinbase_target: 0,
        }
    }

    fn targets(found: &[Found]) -> Vec<u64> {
        found.iter().map(|one| one.solution.target).collect()
    }

    #[test]
    fn what_was_missed_comes_out_once_when_the_proof_target_falls() {
        let mut misses = NearMisses::default();
        for (counter, target) in [(1, 900), (2, 950), (3, 400), (4, 900)] {
            misses.keep(found(5, counter, target));
        }
        assert!(misses.take_solutions(&puzzle(5, 1000)).is_empty());
        assert_eq!(targets(&misses.take_solutions(&puzzle(5, 900))), [950, 900, 900]);
        assert!(misses.take_solutions(&puzzle(5, 900)).is_empty());
        assert_eq!(targets(&misses.take_solutions(&puzzle(5, 0))), [400]);
    }

    #[test]
    fn an_epochs_end_empties_it() {
        let mut misses = NearMisses::default();
        misses.keep(found(5, 1, 900));
        assert!(misses.take_solutions(&puzzle(6, 1)).is_empty());
        assert!(misses.take_solutions(&puzzle(5, 1)).is_empty());
        misses.keep(found(5, 1, 900));
        misses.keep(found(6, 2, 800));
        assert_eq!(targets(&misses.take_solutions(&puzzle(6, 1))), [800]);
        assert!(misses.0.keys().all(|epoch| epoch.number == 6), "nothing piles up");
    }

    #[test]
    fn on_the_last_block_of_an_epoch_both_epochs_have_room_of_their_own() {
        let mut misses = NearMisses::default();
        let last_block =
            |proof_target| Puzzle { next_epoch_hash: Some(EpochHash([6; 32])), ..puzzle(5, proof_target) };
        for counter in 0..2 * CAPACITY as u64 {
            misses.keep(found(5, counter, 500));
        }
        misses.keep(found(6, 1, 400));
        misses.keep(found(6, 2, 1000));
        assert_eq!(targets(&misses.take_solutions(&last_block(1000))), [1000]);
        misses.keep(found(5, 9_999, 900));
        assert!(misses.take_solutions(&last_block(1000)).is_empty());
        // The new epoch: near misses of the old one are over, those of the new one are not.
        assert_eq!(targets(&misses.take_solutions(&puzzle(6, 300))), [400]);
    }

    proptest! {
        #[test]
        fn the_best_are_kept_and_no_more_than_there_is_room_for(all in prop::collection::vec(1u64.., 0..600)) {
            let mut misses = NearMisses::default();
            for (counter, target) in all.iter().enumerate() {
                misses.keep(found(5, counter as u64, *target));
            }
            let mut expected = all;
            expected.sort_unstable_by(|one, other| other.cmp(one));
            expected.truncate(CAPACITY);
            prop_assert_eq!(targets(&misses.take_solutions(&puzzle(5, 1))), expected);
        }
    }
}
