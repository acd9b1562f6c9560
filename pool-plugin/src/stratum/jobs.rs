//! Which job and which target a session has. Pure.
//!
//! One job an epoch: its id is the epoch number, 4 bytes little endian, as 8 hexadecimal digits.
//! While the node is not synced no job goes out; the one a session has stays good until its epoch ends.

use crate::{
    chain::{ChainState, Puzzle},
    intake::AssignedJob,
    reject::Reject,
    types::{Address, EpochHash},
};

/// A session's job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Assigned {
    epoch: u32,
    epoch_hash: EpochHash,
    target: u64,
}

/// A session's job and target over time.
#[derive(Clone, Debug)]
pub struct JobBook {
    address: Address,
    assigned: Option<Assigned>,
}

/// A job that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub job_id: String,
    pub epoch_hash: EpochHash,
    /// Work of earlier jobs is worth nothing any more.
    pub clean: bool,
}

/// What a session is to be told, the target first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Update {
    pub target: Option<u64>,
    pub job: Option<Notice>,
}

/// The id of an epoch's job.
pub fn job_id(epoch: u32) -> String {
    hex::encode(epoch.to_le_bytes())
}

/// The epoch of a job id; `None` if it is no job id.
pub fn parse_job_id(text: &str) -> Option<u32> {
    let mut bytes = [0; 4];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(u32::from_le_bytes(bytes))
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
    /// allows it.
    ///
    /// A new epoch gives a new job and sets the target anew. Within an epoch the target only ever falls,
    /// and does so at once: shares found under a lower one may still be on their way.
    pub fn follow(&mut self, state: &ChainState, wanted: u64) -> Update {
        let Some(puzzle) = &state.puzzle else { return Update::default() };
        if let Some(assigned) = self.assigned.as_mut().filter(|assigned| assigned.is_of(puzzle)) {
            let target = share_target(assigned.target, puzzle.proof_target);
            if target == assigned.target {
                return Update::default();
            }
            assigned.target = target;
            return Update { target: Some(target), job: None };
        }
        if !state.sync.synced {
            return Update::default();
        }
        let target = share_target(wanted, puzzle.proof_target);
        self.assigned = Some(Assigned { epoch: puzzle.epoch, epoch_hash: puzzle.epoch_hash, target });
        let job = Notice { job_id: job_id(puzzle.epoch), epoch_hash: puzzle.epoch_hash, clean: true };
        Update { target: Some(target), job: Some(job) }
    }

    /// The job a share names.
    pub fn find(&self, named: &str) -> Result<AssignedJob, Reject> {
        let assigned = self.assigned.ok_or(Reject::NoJob)?;
        let epoch = parse_job_id(named).ok_or(Reject::JobNotFound)?;
        if epoch < assigned.epoch {
            return Err(Reject::Stale);
        }
        if epoch != assigned.epoch {
            return Err(Reject::JobNotFound);
        }
        let Assigned { epoch_hash, target, .. } = assigned;
        Ok(AssignedJob { epoch, epoch_hash, address: self.address, target })
    }
}

impl Assigned {
    fn is_of(&self, puzzle: &Puzzle) -> bool {
        self.epoch == puzzle.epoch && self.epoch_hash == puzzle.epoch_hash
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::chain::SyncState;

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
        book.find(&job_id(epoch)).unwrap().target
    }

    #[test]
    fn a_job_id_is_the_epoch_little_endian() {
        assert_eq!(job_id(0x0208), "08020000");
        assert_eq!(parse_job_id("08020000"), Some(0x0208));
        for wrong in ["", "0802000", "080200000", "0802000g", "0x080200"] {
            assert_eq!(parse_job_id(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_job_comes_with_its_target_and_only_once() {
        let mut book = book();
        let update = book.follow(&state(5, 1000, true), WANTED);
        assert_eq!(update.target, Some(WANTED));
        let notice = Notice { job_id: "05000000".into(), epoch_hash: EpochHash([5; 32]), clean: true };
        assert_eq!(update.job, Some(notice));
        assert_eq!(book.follow(&state(5, 1000, true), WANTED), Update::default());
    }

    #[test]
    fn nothing_goes_out_before_the_node_is_synced() {
        let mut book = book();
        assert_eq!(book.follow(&ChainState::default(), WANTED), Update::default());
        assert_eq!(book.follow(&state(5, 1000, false), WANTED), Update::default());
        assert_eq!(book.find(&job_id(5)), Err(Reject::NoJob));
        assert!(book.follow(&state(5, 1000, true), WANTED).job.is_some());
    }

    #[test]
    fn a_job_stays_good_while_the_node_is_behind_but_the_next_one_waits() {
        let mut book = book();
        book.follow(&state(5, 1000, true), WANTED);
        assert_eq!(book.follow(&state(5, 1000, false), WANTED), Update::default());
        assert!(book.find(&job_id(5)).is_ok());
        assert_eq!(book.follow(&state(6, 1000, false), WANTED), Update::default());
        assert_eq!(book.find(&job_id(6)), Err(Reject::JobNotFound));
        assert!(book.follow(&state(6, 1000, true), WANTED).job.is_some());
        assert_eq!(book.find(&job_id(5)), Err(Reject::Stale));
    }

    #[test]
    fn a_falling_proof_target_pulls_the_target_down_at_once_and_for_the_epoch() {
        let mut book = book();
        book.follow(&state(5, 1000, true), WANTED);
        assert_eq!(book.follow(&state(5, 60, true), WANTED), Update { target: Some(60), job: None });
        assert_eq!(book.follow(&state(5, 50, false), WANTED), Update { target: Some(50), job: None });
        assert_eq!(book.follow(&state(5, 1000, true), WANTED), Update::default());
        assert_eq!(target_of(&book, 5), 50);
        assert_eq!(book.follow(&state(6, 1000, true), WANTED).target, Some(WANTED));
    }

    #[test]
    fn another_chain_in_the_same_epoch_is_another_job() {
        let mut book = book();
        book.follow(&state(5, 1000, true), WANTED);
        let mut other = state(5, 1000, true);
        other.puzzle.as_mut().unwrap().epoch_hash = EpochHash([9; 32]);
        assert!(book.follow(&other, WANTED).job.is_some());
    }

    #[test]
    fn a_job_says_which_reject() {
        let mut book = book();
        book.follow(&state(5, 1000, true), WANTED);
        assert_eq!(book.find("04000000"), Err(Reject::Stale));
        assert_eq!(book.find("06000000"), Err(Reject::JobNotFound));
        assert_eq!(book.find("nonsense"), Err(Reject::JobNotFound));
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
                let update = book.follow(&state(epoch, proof_target, synced), wanted);
                prop_assert!(synced || update.job.is_none());
                let Ok(job) = book.find(&job_id(epoch)) else { continue };
                prop_assert!(job.target <= proof_target.max(1));
                prop_assert!(job.target >= 1);
                if let Some((_, before)) = last.filter(|(of, _)| *of == epoch && update.job.is_none()) {
                    prop_assert!(job.target <= before);
                    prop_assert_eq!(update.target.is_some(), job.target < before);
                }
                last = Some((epoch, job.target));
            }
        }
    }
}
