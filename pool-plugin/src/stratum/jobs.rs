//! Which job and which target a session has. Pure.
//!
//! One job an epoch. While the node is not synced no job goes out; the one a session has stays good until
//! its epoch ends.

use std::cmp::Ordering;

use super::message::{Job, News, Work};
use crate::{
    chain::{ChainState, Puzzle},
    intake::AssignedJob,
    reject::Reject,
    types::Address,
};

/// A session's job, and the target of its shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Assigned {
    job: Job,
    target: u64,
}

/// A session's job and target over time.
#[derive(Clone, Debug)]
pub struct JobBook {
    address: Address,
    assigned: Option<Assigned>,
}

/// The target of a share: never above the proof target, or a miner would hold back solutions.
pub fn share_target(wanted: u64, proof_target: u64) -> u64 {
    wanted.min(proof_target).max(1)
}

impl JobBook {
    /// A session's book before its first job; `address` is the pool's, for which it will mine.
    pub fn new(address: Address) -> Self {
        Self { address, assigned: None }
    }

    /// Takes note of the chain as it is now; `wanted` is the share target for this session if the chain
    /// allows it. What comes back is to be told to the miner.
    ///
    /// A new epoch gives a new job and sets the target anew. Within an epoch the target only ever falls,
    /// and does so at once: shares found under a lower one may still be on their way.
    pub fn follow(&mut self, state: &ChainState, wanted: u64) -> Option<Work> {
        let puzzle = state.puzzle.as_ref()?;
        if let Some(assigned) = self.assigned.as_mut().filter(|assigned| assigned.is_of(puzzle)) {
            let target = share_target(assigned.target.min(wanted), puzzle.proof_target);
            if target == assigned.target {
                return None;
            }
            assigned.target = target;
            return Some(assigned.work(News::Target));
        }
        if !state.sync.synced {
            return None;
        }
        let job = Job { epoch: puzzle.epoch, epoch_hash: puzzle.epoch_hash, address: self.address };
        let assigned = Assigned { job, target: share_target(wanted, puzzle.proof_target) };
        self.assigned = Some(assigned);
        Some(assigned.work(News::Job))
    }

    /// The job the session has now.
    pub fn current(&self) -> Option<AssignedJob> {
        let Assigned { job, target } = self.assigned?;
        let Job { epoch, epoch_hash, address } = job;
        Some(AssignedJob { epoch, epoch_hash, address, target })
    }

    /// The job a share names by its epoch, if it names one.
    pub fn find(&self, named: Option<u32>) -> Result<AssignedJob, Reject> {
        let job = self.current().ok_or(Reject::NoJob)?;
        match named.ok_or(Reject::JobNotFound)?.cmp(&job.epoch) {
            Ordering::Less => Err(Reject::Stale),
            Ordering::Equal => Ok(job),
            Ordering::Greater => Err(Reject::JobNotFound),
        }
    }
}

impl Assigned {
    fn is_of(&self, puzzle: &Puzzle) -> bool {
        self.job.epoch == puzzle.epoch && self.job.epoch_hash == puzzle.epoch_hash
    }

    fn work(&self, news: News) -> Work {
        Work { job: self.job, target: self.target, news }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{chain::SyncState, types::EpochHash};

    const WANTED: u64 = 100;

    fn state(epoch: u32, proof_target: u64, synced: bool) -> ChainState {
        let puzzle = Puzzle {
            height: epoch * 360,
            epoch,
            epoch_hash: EpochHash([epoch as u8; 32]),
            next_epoch_hash: None,
            proof_target,
            coinbase_target: proof_target * 4,
        };
        ChainState { puzzle: Some(puzzle), sync: SyncState { synced, behind: None } }
    }

    fn book() -> JobBook {
        JobBook::new(Address::default())
    }

    fn target_of(book: &JobBook, epoch: u32) -> u64 {
        book.find(Some(epoch)).unwrap().target
    }

    /// What is news, and the target.
    fn told(work: Option<Work>) -> Option<(News, u64)> {
        work.map(|work| (work.news, work.target))
    }

    #[test]
    fn a_job_comes_with_its_target_and_only_once() {
        let mut book = book();
        let job = Job { epoch: 5, epoch_hash: EpochHash([5; 32]), address: Address::default() };
        let work = Work { job, target: WANTED, news: News::Job };
        assert_eq!(book.follow(&state(5, 1000, true), WANTED), Some(work));
        assert_eq!(book.follow(&state(5, 1000, true), WANTED), None);
    }

    #[test]
    fn nothing_goes_out_before_the_node_is_synced() {
        let mut book = book();
        assert_eq!(book.follow(&ChainState::default(), WANTED), None);
        assert_eq!(book.follow(&state(5, 1000, false), WANTED), None);
        assert_eq!(book.find(Some(5)), Err(Reject::NoJob));
        assert!(book.follow(&state(5, 1000, true), WANTED).is_some());
    }

    #[test]
    fn a_job_stays_good_while_the_node_is_behind_but_the_next_one_waits() {
        let mut book = book();
        book.follow(&state(5, 1000, true), WANTED);
        assert_eq!(book.follow(&state(5, 1000, false), WANTED), None);
        assert!(book.find(Some(5)).is_ok());
        assert_eq!(book.follow(&state(6, 1000, false), WANTED), None);
        assert_eq!(book.find(Some(6)), Err(Reject::JobNotFound));
        assert!(book.follow(&state(6, 1000, true), WANTED).is_some());
        assert_eq!(book.find(Some(5)), Err(Reject::Stale));
    }

    #[test]
    fn a_falling_proof_target_pulls_the_target_down_at_once_and_for_the_epoch() {
        let mut book = book();
        book.follow(&state(5, 1000, true), WANTED);
        assert_eq!(told(book.follow(&state(5, 60, true), WANTED)), Some((News::Target, 60)));
        assert_eq!(told(book.follow(&state(5, 50, false), WANTED)), Some((News::Target, 50)));
        assert_eq!(book.follow(&state(5, 1000, true), WANTED), None);
        assert_eq!(target_of(&book, 5), 50);
        assert_eq!(told(book.follow(&state(6, 1000, true), WANTED)), Some((News::Job, WANTED)));
    }

    #[test]
    fn a_lower_wish_is_met_at_once_and_a_higher_one_with_the_next_job() {
        let mut book = book();
        book.follow(&state(5, 1000, true), WANTED);
        assert_eq!(told(book.follow(&state(5, 1000, true), 10)), Some((News::Target, 10)));
        assert_eq!(book.follow(&state(5, 1000, true), 500), None);
        assert_eq!(told(book.follow(&state(6, 1000, true), 500)), Some((News::Job, 500)));
    }

    #[test]
    fn another_chain_in_the_same_epoch_is_another_job() {
        let mut book = book();
        book.follow(&state(5, 1000, true), WANTED);
        let mut other = state(5, 1000, true);
        other.puzzle.as_mut().unwrap().epoch_hash = EpochHash([9; 32]);
        assert_eq!(told(book.follow(&other, WANTED)), Some((News::Job, WANTED)));
    }

    #[test]
    fn a_job_says_which_reject() {
        let mut book = book();
        book.follow(&state(5, 1000, true), WANTED);
        assert_eq!(book.find(Some(4)), Err(Reject::Stale));
        assert_eq!(book.find(Some(6)), Err(Reject::JobNotFound));
        assert_eq!(book.find(None), Err(Reject::JobNotFound));
    }

    proptest! {
        #[test]
        fn the_target_never_exceeds_the_proof_target_and_never_rises_within_an_epoch(
            wanted: u64,
            steps in prop::collection::vec((0u32..4, 0u64..2000, any::<bool>()), 1..60),
        ) {
            let mut book = book();
            let mut last: Option<(u32, u64)> = None;
            for (epoch, proof_target, synced) in steps {
                let told = told(book.follow(&state(epoch, proof_target, synced), wanted));
                let new_job = matches!(told, Some((News::Job, _)));
                prop_assert!(synced || !new_job);
                let Ok(job) = book.find(Some(epoch)) else { continue };
                prop_assert!(job.target <= proof_target.max(1));
                prop_assert!(job.target >= 1);
                if let Some((_, before)) = last.filter(|(of, _)| *of == epoch && !new_job) {
                    prop_assert!(job.target <= before);
                    prop_assert_eq!(told.is_some(), job.target < before);
                }
                last = Some((epoch, job.target));
            }
        }
    }
}
