//! Counters that just missed the proof target, kept until it falls or their epoch ends. Pure.
//!
//! The proof target moves with every block: what is no solution now may be one a minute later, and the
//! miner that found it will not look at that counter again.

use std::collections::BTreeMap;

use crate::{
    chain::Puzzle,
    release::Found,
    types::{EpochHash, SolutionId},
};

/// How many are kept: the best ones.
pub const CAPACITY: usize = 256;

/// The best counters of the current epoch, by target.
#[derive(Debug, Default)]
pub struct NearMisses {
    epoch_hash: EpochHash,
    by_target: BTreeMap<(u64, SolutionId), Found>,
}

impl NearMisses {
    /// Keeps a counter, whether it is a solution already or not.
    pub fn keep(&mut self, found: Found) {
        if found.solution.epoch_hash != self.epoch_hash {
            self.epoch_hash = found.solution.epoch_hash;
            self.by_target.clear();
        }
        self.by_target.insert((found.solution.target, found.solution.id()), found);
        if self.by_target.len() > CAPACITY {
            self.by_target.pop_first();
        }
    }

    /// Takes out what is a solution as the chain is now, best first.
    pub fn take_solutions(&mut self, puzzle: &Puzzle) -> Vec<Found> {
        if puzzle.epoch_hash != self.epoch_hash {
            self.by_target.clear();
            return Vec::new();
        }
        let solutions = self.by_target.split_off(&(puzzle.proof_target, SolutionId::default()));
        solutions.into_values().rev().collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        ledger::records::Worker,
        types::{Address, Solution},
    };

    fn found(epoch: u8, counter: u64, target: u64) -> Found {
        let solution =
            Solution { epoch_hash: EpochHash([epoch; 32]), address: Address::default(), counter, target };
        let finder = Worker { account: "alice".into(), worker: String::new() };
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
