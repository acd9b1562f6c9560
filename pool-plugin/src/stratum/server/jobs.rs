//! Which jobs a session has, and the target of each. Pure.
//!
//! An epoch begins with a clean job, which is sent as soon as the epoch's hash is known: one block before the
//! chain reaches it. Until then shares of the old epoch are accepted as well, each judged by the job it
//! names. Within an epoch all jobs have the same puzzle, so another one is sent only to change the target:
//! the shares of the previous one keep theirs for a while, since they may be on their way. While the node is
//! not synced no job is sent; those a session has stay valid until their epoch ends.

use std::time::Duration;

use super::epoch_jobs::EpochJobs;
pub use super::epoch_jobs::ResolvedJob;
use pool_core::{
    chain::{ChainState, Epoch, Puzzle, following::Access},
    reject::Reject,
    types::{Address, EpochHash},
};

use crate::stratum::{
    vardiff::{Bounds, Vardiff},
    wire::message::{Job, JobName, News, Work},
};

/// How long after an epoch's end its shares are not the miner's fault.
pub const EPOCH_GRACE: Duration = Duration::from_secs(30);

/// The chain and the pool at a moment, as far as targets and jobs depend on them.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Since some fixed time.
    pub now: Duration,
    pub state: ChainState,
    /// Doublings of every target while verification is behind.
    pub brake: u32,
    /// The pool's address.
    pub address: Address,
}

/// A session's jobs and target over time.
#[derive(Clone, Debug)]
pub struct JobBook {
    vardiff: Vardiff,
    /// Jobs of the current epoch; `None` before the first.
    jobs: Option<EpochJobs>,
    /// The previous epoch.
    old: Option<OldEpoch>,
}

/// An epoch that the session gets no new jobs for.
#[derive(Clone, Debug)]
enum OldEpoch {
    /// The chain is still in it: its shares are accepted. The target is its last job's.
    Open { jobs: EpochJobs, target: u64 },
    /// The session has known since `at` that it is over.
    Over { epoch: Epoch, at: Duration },
}

impl JobBook {
    /// A session's book before its first job.
    pub fn new(vardiff: Vardiff) -> Self {
        Self { vardiff, jobs: None, old: None }
    }

    /// The session's target.
    pub fn vardiff(&mut self) -> &mut Vardiff {
        &mut self.vardiff
    }

    /// Notes the chain. The returned work has to be sent to the miner.
    ///
    /// A new epoch or another address of the pool give a new, clean job. A miner gets a changed proof
    /// target only if it would otherwise hold back solutions.
    pub fn follow(&mut self, at: &Moment) -> Option<Work> {
        let puzzle = at.state.puzzle.as_ref()?;
        if let Some(old) = &mut self.old {
            old.note(puzzle, at.now);
        }
        let bounds = at.bounds(puzzle);
        match self.job() {
            Some(job) if is_mined(&job, puzzle) && job.address == at.address => {
                self.vardiff.cap(at.now, bounds).map(|target| Work { job, target, news: News::Target })
            }
            _ if at.state.sync.access != Access::Open => {
                // Its old work is over and there is no new work: not the miner's fault.
                self.vardiff.pause(at.now);
                None
            }
            _ => {
                let before = self.vardiff.target();
                let target = self.vardiff.begin(at.now, bounds);
                let job = self.renew(at, puzzle, before);
                Some(Work { job, target, news: News::Job { clean: true } })
            }
        }
    }

    /// The next clean job. `before`: the target until now.
    fn renew(&mut self, at: &Moment, puzzle: &Puzzle, before: u64) -> Job {
        let mined = puzzle.mined_epoch();
        if let Some(jobs) = self.jobs.as_mut().filter(|jobs| jobs.epoch() == mined) {
            let last = jobs.last();
            let next = Job { serial: last.serial.saturating_add(1), address: at.address, ..last };
            jobs.follow_with(next, before, at.now);
            return next;
        }
        let jobs = EpochJobs::begin(mined, at.address);
        let job = jobs.last();
        let old = match self.jobs.replace(jobs) {
            Some(jobs) => Some(OldEpoch::Open { jobs, target: before }),
            // A miner that connects on an epoch's last block may bring shares of that epoch from an earlier
            // connection.
            None => (puzzle.current_epoch() != mined).then(|| OldEpoch::Open {
                jobs: EpochJobs::begin(puzzle.current_epoch(), at.address),
                target: self.vardiff.target(),
            }),
        };
        self.old = old.map(|mut old| {
            old.note(puzzle, at.now);
            old
        });
        job
    }

    /// To be called from time to time: a miner whose target is too high finds no share to be judged by.
    pub fn look(&mut self, at: &Moment) -> Option<Work> {
        self.retarget(at, Vardiff::look)
    }

    /// A share of the current job was accepted.
    pub fn share(&mut self, found: &ResolvedJob, at: &Moment) -> Option<Work> {
        let present =
            self.job().is_some_and(|job| job.epoch == found.job.epoch && job.serial == found.serial);
        if !present {
            return None;
        }
        self.retarget(at, Vardiff::share)
    }

    fn retarget(
        &mut self,
        at: &Moment,
        ask: impl FnOnce(&mut Vardiff, Duration, Bounds) -> Option<u64>,
    ) -> Option<Work> {
        let puzzle = at.state.puzzle.as_ref()?;
        let jobs = self.jobs.as_mut().filter(|jobs| jobs.epoch() == puzzle.mined_epoch())?;
        let before = self.vardiff.target();
        let target = ask(&mut self.vardiff, at.now, at.bounds(puzzle))?;
        let old = jobs.last();
        let Some(serial) = old.serial.checked_add(1) else {
            // The ids of this epoch have run out: only the target is sent.
            return Some(Work { job: old, target, news: News::Target });
        };
        let job = Job { serial, ..old };
        jobs.follow_with(job, before, at.now);
        Some(Work { job, target, news: News::Job { clean: false } })
    }

    fn job(&self) -> Option<Job> {
        self.jobs.as_ref().map(EpochJobs::last)
    }

    /// All addresses the session has had jobs for in the open epochs, the current one last.
    pub fn addresses(&self) -> impl Iterator<Item = Address> + '_ {
        let old = match &self.old {
            Some(OldEpoch::Open { jobs, .. }) => Some(jobs),
            _ => None,
        };
        old.into_iter().chain(&self.jobs).flat_map(EpochJobs::addresses)
    }

    /// The current job.
    pub fn present(&self) -> Option<ResolvedJob> {
        self.jobs.as_ref().map(|jobs| jobs.last_found(self.vardiff.target()))
    }

    /// The name of the old epoch's last job, if this is that epoch's puzzle: for dialects whose shares name a
    /// puzzle instead of a job.
    pub fn old_job_of(&self, puzzle: &EpochHash) -> Option<JobName> {
        let epoch = self.old.as_ref()?.epoch();
        (epoch.hash == *puzzle).then_some(JobName { epoch: epoch.number, serial: None })
    }

    /// The job a share names, if any, with the target that judges and credits it: that of the job, or the
    /// last one of its epoch if that job is long over or was never sent.
    pub fn find(&self, named: Option<JobName>, now: Duration) -> Result<ResolvedJob, Reject> {
        let jobs = self.jobs.as_ref().ok_or(Reject::NoJob)?;
        let named = named.ok_or(Reject::JobNotFound)?;
        let present = jobs.epoch().number;
        if named.epoch < present {
            let old = self.old.as_ref().filter(|old| old.epoch().number == named.epoch);
            return old.ok_or(Reject::Stale)?.find(named.serial, now);
        }
        if named.epoch != present {
            return Err(Reject::JobNotFound);
        }
        Ok(jobs.find(named.serial, self.vardiff.target(), now))
    }
}

impl OldEpoch {
    fn epoch(&self) -> Epoch {
        match self {
            Self::Open { jobs, .. } => jobs.epoch(),
            Self::Over { epoch, .. } => *epoch,
        }
    }

    /// Notes the chain.
    fn note(&mut self, puzzle: &Puzzle, now: Duration) {
        if let Self::Open { jobs, .. } = self
            && !puzzle.is_open(jobs.epoch())
        {
            *self = Self::Over { epoch: jobs.epoch(), at: now };
        }
    }

    fn find(&self, serial: Option<u8>, now: Duration) -> Result<ResolvedJob, Reject> {
        match self {
            Self::Open { jobs, target } => Ok(jobs.find(serial, *target, now)),
            Self::Over { at, .. } if now.saturating_sub(*at) <= EPOCH_GRACE => Err(Reject::EpochEnded),
            Self::Over { .. } => Err(Reject::Stale),
        }
    }
}

impl Moment {
    fn bounds(&self, puzzle: &Puzzle) -> Bounds {
        Bounds { ceiling: puzzle.proof_target, brake: self.brake }
    }
}

/// Whether the job is of the epoch that is mined now.
fn is_mined(job: &Job, puzzle: &Puzzle) -> bool {
    puzzle.mined_epoch() == Epoch { number: job.epoch, hash: job.epoch_hash }
}

#[cfg(test)]
mod turn_tests;

#[cfg(test)]
mod tests {
    use pool_core::{chain::SyncState, types::EpochHash};
    use proptest::prelude::*;

    use super::*;
    use crate::stratum::vardiff::{Aim, Settings};

    pub(super) const WANTED: u64 = 100;

    pub(super) fn state(epoch: u32, proof_target: u64, synced: bool) -> ChainState {
        let puzzle = Puzzle {
            height: epoch * 360,
            epoch,
            epoch_hash: EpochHash([epoch as u8; 32]),
            next_epoch_hash: None,
            proof_target,
            coinbase_target: proof_target.saturating_mul(4),
        };
        ChainState { puzzle: Some(puzzle), sync: SyncState::simple(synced) }
    }

    pub(super) fn at(seconds: u64, state: ChainState) -> Moment {
        Moment { now: Duration::from_secs(seconds), state, brake: 0, address: Address::default() }
    }

    pub(super) fn fixed() -> JobBook {
        JobBook::new(Vardiff::new(Settings::fixed_at(WANTED), None))
    }

    /// The target and the serial of the job it counts for.
    pub(super) fn find(book: &JobBook, epoch: u32, serial: u8, seconds: u64) -> Result<(u64, u8), Reject> {
        let name = JobName { epoch, serial: Some(serial) };
        book.find(Some(name), Duration::from_secs(seconds)).map(|found| (found.job.target, found.serial))
    }

    /// What has changed, the serial and the target.
    pub(super) fn sent(work: Option<Work>) -> Option<(News, u8, u64)> {
        work.map(|work| (work.news, work.job.serial, work.target))
    }

    pub(super) const CLEAN: News = News::Job { clean: true };
    pub(super) const NEXT: News = News::Job { clean: false };

    #[test]
    fn a_job_comes_with_its_target_and_only_once() {
        let mut book = fixed();
        let moment = at(0, state(5, 1000, true));
        let job = Job { epoch: 5, serial: 0, epoch_hash: EpochHash([5; 32]), address: Address::default() };
        assert_eq!(book.follow(&moment), Some(Work { job, target: WANTED, news: CLEAN }));
        assert_eq!(book.follow(&moment), None);
        assert_eq!(book.look(&moment), None);
    }

    #[test]
    fn nothing_goes_out_before_the_node_is_synced() {
        let mut book = fixed();
        assert_eq!(book.follow(&at(0, ChainState::default())), None);
        assert_eq!(book.follow(&at(0, state(5, 1000, false))), None);
        assert_eq!(find(&book, 5, 0, 0), Err(Reject::NoJob));
        assert!(book.follow(&at(0, state(5, 1000, true))).is_some());
    }

    #[test]
    fn a_job_stays_good_while_the_node_is_behind_but_the_next_one_waits() {
        let mut book = fixed();
        book.follow(&at(0, state(5, 1000, true)));
        assert_eq!(book.follow(&at(1, state(5, 1000, false))), None);
        assert!(find(&book, 5, 0, 1).is_ok());
        assert_eq!(book.follow(&at(2, state(6, 1000, false))), None);
        assert_eq!(find(&book, 6, 0, 2), Err(Reject::JobNotFound));
        assert_eq!(sent(book.follow(&at(3, state(6, 1000, true)))), Some((CLEAN, 0, WANTED)));
    }

    #[test]
    fn shares_of_the_epoch_that_just_ended_are_told_from_older_ones() {
        let mut book = fixed();
        book.follow(&at(0, state(5, 1000, true)));
        book.follow(&at(100, state(6, 1000, true)));
        assert_eq!(find(&book, 5, 0, 100 + EPOCH_GRACE.as_secs()), Err(Reject::EpochEnded));
        assert_eq!(find(&book, 5, 0, 101 + EPOCH_GRACE.as_secs()), Err(Reject::Stale));
        assert_eq!(find(&book, 4, 0, 100), Err(Reject::Stale), "never its job");
        assert_eq!(find(&book, 7, 0, 100), Err(Reject::JobNotFound));
        assert_eq!(book.find(None, Duration::ZERO), Err(Reject::JobNotFound));
    }

    #[test]
    fn a_proof_target_disturbs_a_miner_only_where_it_would_hold_back_solutions() {
        let mut book = fixed();
        book.follow(&at(0, state(5, 1000, true)));
        assert_eq!(book.follow(&at(1, state(5, 2000, true))), None);
        assert_eq!(book.follow(&at(2, state(5, 101, true))), None);
        assert_eq!(sent(book.follow(&at(3, state(5, 60, true)))), Some((News::Target, 0, 60)));
        assert_eq!(sent(book.follow(&at(4, state(5, 50, false)))), Some((News::Target, 0, 50)));
        assert_eq!(book.follow(&at(5, state(5, 1000, true))), None);
        assert_eq!(find(&book, 5, 0, 5), Ok((50, 0)));
        assert_eq!(sent(book.follow(&at(6, state(6, 1000, true)))), Some((CLEAN, 0, WANTED)));
    }

    #[test]
    fn a_target_is_honoured_for_the_jobs_it_was_sent_with() {
        let mut book = fixed();
        let moment = at(0, state(5, 1_000_000, true));
        book.follow(&moment);
        book.vardiff().aim_at(Aim::Fixed(5000));
        assert_eq!(sent(book.look(&moment)), Some((NEXT, 1, 5000)));
        assert_eq!(find(&book, 5, 0, 9), Ok((WANTED, 0)));
        assert_eq!(find(&book, 5, 1, 9), Ok((5000, 1)));
        assert_eq!(find(&book, 5, 0, 10), Ok((5000, 1)), "by then no share can be on its way");
        assert_eq!(find(&book, 5, 77, 9), Ok((5000, 1)), "a wrong id within the epoch is forgiven");
        book.vardiff().aim_at(Aim::Fixed(20));
        assert_eq!(sent(book.look(&at(9, moment.state))), Some((NEXT, 2, 20)));
        assert_eq!(find(&book, 5, 0, 9), Ok((WANTED, 0)));
        assert_eq!(find(&book, 5, 1, 18), Ok((5000, 1)));
        assert_eq!(find(&book, 5, 1, 19), Ok((20, 2)));
    }

    #[test]
    fn a_dialect_without_serials_means_the_present_job() {
        let mut book = fixed();
        book.follow(&at(0, state(5, 1000, true)));
        let found = book.find(Some(JobName { epoch: 5, serial: None }), Duration::ZERO);
        assert_eq!(found.ok(), book.present());
    }

    #[test]
    fn another_address_of_the_pool_is_another_clean_job_and_the_old_one_ends_in_order() {
        let mut book = fixed();
        let moment = at(0, state(5, 1000, true));
        book.follow(&moment);
        let other = Moment { address: Address([7; 32]), ..moment };
        let work = book.follow(&other).unwrap();
        assert_eq!((work.job.address, work.job.serial, work.news), (other.address, 1, CLEAN));
        let named = |serial| book.find(Some(JobName { epoch: 5, serial: Some(serial) }), moment.now).unwrap();
        assert_eq!(named(0).job.address, moment.address);
        assert_eq!(named(1).job.address, other.address);
        assert_eq!(book.addresses().collect::<Vec<_>>(), [moment.address, other.address]);
    }

    #[test]
    fn a_share_is_for_the_address_of_its_job_however_late_it_comes() {
        let mut book = fixed();
        let first = at(0, state(5, 1_000_000, true));
        book.follow(&first);
        book.vardiff().aim_at(Aim::Fixed(500));
        book.look(&first);
        book.follow(&Moment { address: Address([7; 32]), ..first });
        let named = |serial, seconds| {
            let name = JobName { epoch: 5, serial: Some(serial) };
            let job = book.find(Some(name), Duration::from_secs(seconds)).unwrap().job;
            (job.address, job.target)
        };
        assert_eq!(named(0, 9), (first.address, WANTED));
        assert_eq!(named(0, 100), (first.address, 500), "its target is long over, its address is not");
        assert_eq!(named(1, 100), (first.address, 500));
        assert_eq!(named(2, 100), (Address([7; 32]), 500));
        assert_eq!(named(9, 100), (Address([7; 32]), 500), "never sent: the current one");
        let next = Moment { address: Address([8; 32]), ..at(200, state(6, 1_000_000, true)) };
        book.follow(&next);
        assert_eq!(book.addresses().collect::<Vec<_>>(), [next.address]);
    }

    #[test]
    fn another_chain_in_the_same_epoch_is_another_job() {
        let mut book = fixed();
        book.follow(&at(0, state(5, 1000, true)));
        let mut other = state(5, 1000, true);
        other.puzzle.as_mut().unwrap().epoch_hash = EpochHash([9; 32]);
        assert_eq!(sent(book.follow(&at(0, other))), Some((CLEAN, 0, WANTED)));
    }

    #[test]
    fn the_target_goes_on_changing_when_the_ids_of_an_epoch_have_run_out() {
        let mut book = fixed();
        let moment = at(0, state(5, 1_000_000, true));
        book.follow(&moment);
        for n in 1..300u64 {
            book.vardiff().aim_at(Aim::Fixed(n));
            let work = book.look(&moment).unwrap();
            assert_eq!((u64::from(work.job.serial), work.target), (n.min(255), n));
        }
    }

    #[test]
    fn only_shares_of_the_present_job_move_the_target() {
        let mut book = JobBook::new(Vardiff::new(Settings::starting_at(WANTED), None));
        let moment = at(0, state(5, 1 << 40, true));
        book.follow(&moment);
        let name = |serial| Some(JobName { epoch: 5, serial: Some(serial) });
        let first = book.find(name(0), moment.now).unwrap();
        let soon = Moment { now: Duration::from_millis(10), ..moment };
        let raised = book.share(&first, &soon).unwrap();
        assert!(raised.target > 10 * WANTED);
        for _ in 0..100 {
            assert_eq!(book.share(&first, &soon), None, "found under the old target, on their way");
        }
        assert_eq!(find(&book, 5, 0, 1), Ok((WANTED, 0)));
    }

    proptest! {
        #[test]
        fn the_target_never_exceeds_the_proof_target(
            start in 1u64..,
            steps in prop::collection::vec((0u32..4, 1u64..2000, any::<bool>(), 0u8..4), 1..60),
        ) {
            let mut book = JobBook::new(Vardiff::new(Settings::starting_at(start), None));
            for (second, (epoch, proof_target, synced, what)) in steps.into_iter().enumerate() {
                let moment = at(second as u64, state(epoch, proof_target, synced));
                let work = book.follow(&moment);
                prop_assert!(synced || work.is_none_or(|work| work.news == News::Target));
                let named = Some(JobName { epoch, serial: None });
                let Ok(found) = book.find(named, moment.now) else { continue };
                prop_assert!((1..=proof_target).contains(&found.job.target));
                match what {
                    0 => { book.look(&moment); }
                    1 => { book.share(&found, &moment); }
                    _ => {}
                }
                let after = book.find(named, moment.now).unwrap();
                prop_assert!((1..=proof_target).contains(&after.job.target));
            }
        }
    }
}
