//! The change of epoch, for one session.

use super::{
    tests::{CLEAN, NEXT, WANTED, at, find, fixed, sent, state},
    *,
};
use crate::stratum::vardiff::{Aim, Settings};

/// Epoch `epoch`'s last block: the next one is known.
fn last_block(epoch: u32, proof_target: u64, synced: bool) -> ChainState {
    let mut state = state(epoch, proof_target, synced);
    if let Some(puzzle) = &mut state.puzzle {
        puzzle.height += 359;
        puzzle.next_epoch_hash = Some(EpochHash([epoch as u8 + 1; 32]));
    }
    state
}

#[test]
fn the_next_epochs_job_comes_with_the_last_block_and_the_turn_brings_none() {
    let mut book = fixed();
    book.follow(&at(0, state(5, 1000, true)));
    let work = book.follow(&at(100, last_block(5, 1000, true))).unwrap();
    let job = Job { epoch: 6, serial: 0, epoch_hash: EpochHash([6; 32]), address: Address::default() };
    assert_eq!(work, Work { job, target: WANTED, news: CLEAN });
    assert_eq!(book.follow(&at(200, last_block(5, 1000, true))), None);
    assert_eq!(book.follow(&at(300, state(6, 1000, true))), None);
    assert_eq!(book.follow(&at(301, state(6, 1000, true))), None);
}

#[test]
fn shares_of_both_epochs_are_taken_until_the_turn_and_the_grace_begins_with_it() {
    let mut book = fixed();
    book.follow(&at(0, state(5, 1000, true)));
    book.follow(&at(100, last_block(5, 1000, true)));
    // However late the new epoch begins.
    for seconds in [100, 5_000] {
        let name = |epoch| Some(JobName { epoch, serial: Some(0) });
        let of = |epoch| book.find(name(epoch), Duration::from_secs(seconds)).unwrap().job;
        assert_eq!((of(5).epoch, of(5).epoch_hash), (5, EpochHash([5; 32])));
        assert_eq!((of(6).epoch, of(6).epoch_hash), (6, EpochHash([6; 32])));
        assert_eq!(find(&book, 7, 0, seconds), Err(Reject::JobNotFound));
        assert_eq!(find(&book, 4, 0, seconds), Err(Reject::Stale));
    }
    book.follow(&at(6_000, state(6, 1000, true)));
    book.follow(&at(6_020, state(6, 1000, true)));
    assert_eq!(find(&book, 5, 0, 6_000 + EPOCH_GRACE.as_secs()), Err(Reject::EpochEnded));
    assert_eq!(find(&book, 5, 0, 6_001 + EPOCH_GRACE.as_secs()), Err(Reject::Stale));
    assert_eq!(find(&book, 6, 0, 6_000), Ok((WANTED, 0)));
}

#[test]
fn old_shares_keep_the_targets_and_addresses_of_their_jobs() {
    let mut book = fixed();
    let first = at(0, state(5, 1_000_000, true));
    book.follow(&first);
    let other = Moment { now: Duration::from_secs(50), address: Address([7; 32]), ..first };
    book.follow(&other);
    book.vardiff().aim_at(Aim::Fixed(500));
    assert_eq!(sent(book.look(&other)), Some((NEXT, 2, 500)));
    let third = Moment { address: Address([8; 32]), ..at(52, last_block(5, 1_000_000, true)) };
    book.follow(&third);
    book.vardiff().aim_at(Aim::Fixed(9));
    assert_eq!(sent(book.look(&third)), Some((NEXT, 1, 9)));
    let named = |epoch, serial, seconds| {
        let name = JobName { epoch, serial: Some(serial) };
        let job = book.find(Some(name), Duration::from_secs(seconds)).unwrap().job;
        (job.address, job.target)
    };
    assert_eq!(named(5, 0, 59), (first.address, WANTED));
    assert_eq!(named(5, 1, 59), (other.address, WANTED));
    assert_eq!(named(5, 2, 59), (other.address, 500));
    assert_eq!(named(5, 0, 70), (first.address, 500), "the last target of its epoch");
    assert_eq!(named(5, 99, 70), (other.address, 500), "never sent: the last job of its epoch");
    assert_eq!(named(6, 1, 70), (third.address, 9));
    let addresses = [first.address, other.address, third.address];
    assert_eq!(book.addresses().collect::<Vec<_>>(), addresses);
    book.follow(&Moment { state: state(6, 1_000_000, true), ..third });
    assert_eq!(book.addresses().collect::<Vec<_>>(), [third.address]);
}

#[test]
fn old_shares_do_not_move_the_target() {
    let mut book = JobBook::new(Vardiff::new(Settings::starting_at(WANTED), None));
    book.follow(&at(0, state(5, 1 << 40, true)));
    let moment = at(1, last_block(5, 1 << 40, true));
    book.follow(&moment);
    let name = |epoch| Some(JobName { epoch, serial: Some(0) });
    let (old, new) = (book.find(name(5), moment.now).unwrap(), book.find(name(6), moment.now).unwrap());
    let soon = Moment { now: Duration::from_millis(1_010), ..moment };
    for _ in 0..100 {
        assert_eq!(book.share(&old, &soon), None);
    }
    assert!(book.share(&new, &soon).is_some());
}

#[test]
fn while_the_node_is_not_synced_the_old_job_stays_good_and_the_next_one_waits() {
    let mut book = fixed();
    book.follow(&at(0, state(5, 1000, true)));
    assert_eq!(book.follow(&at(1, last_block(5, 1000, false))), None);
    assert_eq!(find(&book, 5, 0, 1), Ok((WANTED, 0)));
    assert_eq!(find(&book, 6, 0, 1), Err(Reject::JobNotFound));
    let work = book.follow(&at(2, last_block(5, 1000, true)));
    assert_eq!(sent(work), Some((CLEAN, 0, WANTED)));
    assert_eq!(find(&book, 5, 0, 2), Ok((WANTED, 0)));
    // Not synced when the epoch changes: no job is due, and the old epoch ends all the same.
    assert_eq!(book.follow(&at(3, state(6, 1000, false))), None);
    assert_eq!(find(&book, 5, 0, 3), Err(Reject::EpochEnded));
    assert_eq!(find(&book, 6, 0, 3), Ok((WANTED, 0)));
}

#[test]
fn a_session_that_begins_on_the_last_block_has_the_next_job_and_may_bring_old_shares() {
    let mut book = fixed();
    let moment = at(7, last_block(5, 1000, true));
    assert_eq!(book.follow(&moment).unwrap().job.epoch, 6);
    for serial in [0, 9] {
        assert_eq!(find(&book, 5, serial, 7), Ok((WANTED, 0)), "found on an earlier connection");
    }
    book.follow(&at(8, state(6, 1000, true)));
    assert_eq!(find(&book, 5, 0, 8), Err(Reject::EpochEnded));
    // One that begins after the change has nothing to do with the old epoch.
    let mut later = fixed();
    later.follow(&at(9, state(6, 1000, true)));
    assert_eq!(find(&later, 5, 0, 9), Err(Reject::Stale));
}

#[test]
fn a_skipped_last_block_is_a_turn_as_before() {
    let mut book = fixed();
    book.follow(&at(0, state(5, 1000, true)));
    assert_eq!(sent(book.follow(&at(1, state(6, 1000, true)))), Some((CLEAN, 0, WANTED)));
    assert_eq!(find(&book, 5, 0, 1), Err(Reject::EpochEnded));
    // The new epoch is skipped: the next news is the end of the epoch after it.
    book.follow(&at(2, last_block(6, 1000, true)));
    assert_eq!(sent(book.follow(&at(3, last_block(7, 1000, true)))), Some((CLEAN, 0, WANTED)));
    assert_eq!(find(&book, 6, 0, 3), Err(Reject::Stale));
    assert_eq!(find(&book, 7, 0, 3), Ok((WANTED, 0)));
}

#[test]
fn a_puzzle_names_the_old_epoch_where_there_are_no_job_ids() {
    let mut book = fixed();
    book.follow(&at(0, state(5, 1000, true)));
    assert_eq!(book.old_job_of(&EpochHash([5; 32])), None, "the current one's needs no name");
    book.follow(&at(1, last_block(5, 1000, true)));
    let old = book.old_job_of(&EpochHash([5; 32]));
    assert_eq!(old, Some(JobName { epoch: 5, serial: None }));
    assert_eq!(book.old_job_of(&EpochHash([6; 32])), None);
    assert_eq!(book.find(old, Duration::from_secs(1)).unwrap().job.epoch, 5);
    book.follow(&at(2, state(6, 1000, true)));
    assert_eq!(
        book.find(book.old_job_of(&EpochHash([5; 32])), Duration::from_secs(2)),
        Err(Reject::EpochEnded)
    );
}
