//! Blocks: states of solutions, rounds and their windows.

use pool_plugin::ledger::{
    ShareLedger, WriteError,
    records::{Round, SolutionState},
};
use tempfile::tempdir;

use crate::support::{append, block, block_hash, found, id, open};

fn state(ledger: &ShareLedger, epoch: u32, counter: u64) -> SolutionState {
    ledger.solution(id(epoch, counter)).unwrap().unwrap().state
}

fn open_counters(ledger: &ShareLedger) -> Vec<u64> {
    let mut counters: Vec<u64> =
        ledger.open_solutions().unwrap().iter().map(|record| record.solution.counter).collect();
    counters.sort_unstable();
    counters
}

fn window(round: &Round) -> (u64, u64) {
    (round.first_seq, round.last_seq)
}

#[tokio::test]
async fn windows_follow_one_another_without_gap_or_overlap() {
    let dir = tempdir().unwrap();
    let ledger = open(dir.path());
    let mut windows = Vec::new();
    let mut counter = 0;
    for (height, shares) in [(10, 3), (12, 0), (20, 1), (30, 4)] {
        for _ in 0..shares {
            counter += 1;
            append(&ledger, 0, counter).await.unwrap();
        }
        // A block without our solutions in between closes no round.
        assert_eq!(ledger.apply_block(block(height - 1, &[])).await, Ok(None));
        windows
            .push(window(&ledger.apply_block(block(height, &[u64::from(height)])).await.unwrap().unwrap()));
    }
    assert_eq!(windows, [(1, 3), (4, 3), (4, 4), (5, 8)]);
    drop(ledger);
    let reopened = open(dir.path());
    let rounds = reopened.rounds().unwrap();
    assert_eq!(rounds.iter().map(window).collect::<Vec<_>>(), windows);
    assert_eq!(reopened.round(20).unwrap().as_ref(), Some(&rounds[2]));
    assert_eq!(reopened.round(21), Ok(None));
    assert_eq!(reopened.scanned_height(), Ok(Some(30)));
    append(&reopened, 0, 99).await.unwrap();
    let next = reopened.apply_block(block(31, &[1])).await.unwrap().unwrap();
    assert_eq!(window(&next), (9, 9));
}

#[tokio::test]
async fn shares_queued_before_the_block_are_in_its_window() {
    let dir = tempdir().unwrap();
    let ledger = open(dir.path());
    let mut early = Vec::new();
    for counter in 0..50 {
        let ledger = ledger.clone();
        early.push(tokio::spawn(async move { append(&ledger, 0, counter).await.unwrap() }));
    }
    // On this runtime of one thread the tasks run, and queue their shares, in this order.
    let cut = {
        let ledger = ledger.clone();
        tokio::spawn(async move { ledger.apply_block(block(5, &[1])).await.unwrap().unwrap() })
    };
    let late = {
        let ledger = ledger.clone();
        tokio::spawn(async move { append(&ledger, 0, 50).await.unwrap() })
    };
    assert_eq!(window(&cut.await.unwrap()), (1, 50));
    assert_eq!(late.await.unwrap(), 51);
}

#[tokio::test]
async fn a_solution_goes_from_found_to_released_to_landed() {
    let dir = tempdir().unwrap();
    let ledger = open(dir.path());
    ledger.record_found(found(0, 1)).await.unwrap();
    assert_eq!(open_counters(&ledger), [1]);
    ledger.mark_released(id(0, 1)).await.unwrap();
    assert_eq!(state(&ledger, 0, 1), SolutionState::Released);
    ledger.record_found(found(0, 1)).await.unwrap();
    assert_eq!(state(&ledger, 0, 1), SolutionState::Released);

    let round = ledger.apply_block(block(7, &[1])).await.unwrap().unwrap();
    assert_eq!(round.solutions[0].finder, found(0, 1).finder);
    assert_eq!((round.solutions[0].reward, round.epoch), (1_000_001, 0));
    let landed = SolutionState::Landed { height: 7, hash: block_hash(7), reward: 1_000_001 };
    assert_eq!(open_counters(&ledger), [0; 0]);
    // Late reports change nothing.
    ledger.mark_released(id(0, 1)).await.unwrap();
    ledger.record_found(found(0, 1)).await.unwrap();
    assert_eq!(state(&ledger, 0, 1), landed);
    assert_eq!(open_counters(&ledger), [0; 0]);
}

#[tokio::test]
async fn only_what_is_known_can_be_released_and_only_blocks_make_final_states() {
    let dir = tempdir().unwrap();
    let ledger = open(dir.path());
    let unknown = ledger.mark_released(id(0, 1)).await;
    assert_eq!(unknown, Err(WriteError::UnknownSolution { id: id(0, 1) }));
    let mut expired = found(0, 1);
    expired.state = SolutionState::Expired;
    let refused = ledger.record_found(expired).await;
    assert_eq!(refused, Err(WriteError::NotFromBlock { id: id(0, 1) }));
    assert!(ledger.healthy().borrow().is_ok(), "neither is the disk's fault");
}

#[tokio::test]
async fn two_solutions_in_one_block_share_a_round() {
    let dir = tempdir().unwrap();
    let ledger = open(dir.path());
    append(&ledger, 0, 1).await.unwrap();
    ledger.record_found(found(0, 4)).await.unwrap();
    let round = ledger.apply_block(block(7, &[9, 4])).await.unwrap().unwrap();
    let solutions: Vec<_> = round
        .solutions
        .iter()
        .map(|landed| (landed.solution.counter, landed.reward, landed.finder.is_some()))
        .collect();
    assert_eq!(solutions, [(9, 1_000_009, false), (4, 1_000_004, true)]);
    assert_eq!(window(&round), (1, 1));
    assert_eq!(ledger.rounds().unwrap().len(), 1);
}

#[tokio::test]
async fn a_landing_never_seen_found_is_recorded() {
    let dir = tempdir().unwrap();
    let ledger = open(dir.path());
    let round = ledger.apply_block(block(400, &[3])).await.unwrap().unwrap();
    assert_eq!(round.solutions[0].finder, None);
    let record = ledger.solution(id(1, 3)).unwrap().unwrap();
    assert_eq!((record.finder, record.epoch), (None, 1));
    assert!(matches!(record.state, SolutionState::Landed { height: 400, .. }));
    // Its find may be recorded late, after a full disk: the record gets it, the round stays as it was.
    ledger.record_found(found(1, 3)).await.unwrap();
    let record = ledger.solution(id(1, 3)).unwrap().unwrap();
    assert_eq!(record.finder, found(1, 3).finder);
    assert!(matches!(record.state, SolutionState::Landed { height: 400, .. }));
    assert_eq!(ledger.round(400).unwrap(), Some(round));
}

#[tokio::test]
async fn a_block_applied_again_changes_nothing() {
    let dir = tempdir().unwrap();
    let ledger = open(dir.path());
    append(&ledger, 0, 1).await.unwrap();
    let round = ledger.apply_block(block(7, &[1])).await.unwrap();
    append(&ledger, 0, 2).await.unwrap();
    assert_eq!(ledger.apply_block(block(7, &[1])).await.unwrap(), round);
    assert_eq!(ledger.apply_block(block(6, &[])).await, Ok(None));
    assert_eq!(ledger.rounds().unwrap().len(), 1);
    assert_eq!(ledger.scanned_height(), Ok(Some(7)));
    let next = ledger.apply_block(block(8, &[2])).await.unwrap().unwrap();
    assert_eq!(window(&next), (2, 2));
}

#[tokio::test]
async fn the_same_height_of_another_chain_is_refused() {
    let dir = tempdir().unwrap();
    let ledger = open(dir.path());
    ledger.apply_block(block(7, &[1])).await.unwrap();
    let mut other = block(7, &[1]);
    other.hash = block_hash(8);
    let refused = ledger.apply_block(other).await;
    let expected = WriteError::OtherChain { height: 7, stored: block_hash(7), given: block_hash(8) };
    assert_eq!(refused, Err(expected));
}

#[tokio::test]
async fn the_scan_begins_where_it_is_told_and_never_goes_back() {
    let dir = tempdir().unwrap();
    let ledger = open(dir.path());
    assert_eq!(ledger.scanned_height(), Ok(None));
    ledger.set_scanned_height(100).await.unwrap();
    assert_eq!(ledger.apply_block(block(100, &[1])).await, Ok(None), "scanned already");
    let back = ledger.set_scanned_height(99).await;
    assert_eq!(back, Err(WriteError::ScannedAlready { scanned: 100, height: 99 }));
    drop(ledger);
    assert_eq!(open(dir.path()).scanned_height(), Ok(Some(100)));
}

#[tokio::test]
async fn solutions_expire_with_their_epoch_and_aborted_ones_are_closed() {
    let dir = tempdir().unwrap();
    let ledger = open(dir.path());
    for counter in 1..=3 {
        ledger.record_found(found(0, counter)).await.unwrap();
    }
    ledger.record_found(found(1, 4)).await.unwrap();
    // Block 360 still takes solutions of epoch 0.
    ledger.apply_block(block(360, &[])).await.unwrap();
    assert_eq!(open_counters(&ledger), [1, 2, 3, 4]);
    let mut outcome = block(361, &[]);
    outcome.aborted = vec![(id(0, 2), "below the proof target".to_owned()), (id(9, 9), "?".to_owned())];
    ledger.apply_block(outcome).await.unwrap();
    assert_eq!(state(&ledger, 0, 1), SolutionState::Expired);
    let aborted = SolutionState::Aborted { height: 361, inferred: "below the proof target".to_owned() };
    assert_eq!(state(&ledger, 0, 2), aborted);
    assert_eq!(state(&ledger, 0, 3), SolutionState::Expired);
    assert_eq!(open_counters(&ledger), [4]);
    assert_eq!(ledger.solution(id(9, 9)), Ok(None));
    drop(ledger);
    assert_eq!(open_counters(&open(dir.path())), [4]);
}
