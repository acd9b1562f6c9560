//! Tests: what the writer does while writes wait or fail.

use std::sync::atomic::Ordering::SeqCst;

use pool_core::types::{Address, BlockHash, EpochHash, Solution};
use tokio::task::JoinSet;

use super::super::*;
use crate::ledger::records::{SolutionState, WorkerTotal};

fn key(counter: u64) -> ShareKey {
    ShareKey { epoch: 4, address: Address([1; 32]), counter }
}

fn worker() -> Worker {
    Worker { account: "ann".into(), name: "rig".into() }
}

fn ledger() -> (tempfile::TempDir, ShareLedger) {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ShareLedger::open(dir.path(), Network::Testnet).unwrap();
    (dir, ledger)
}

async fn append(ledger: &ShareLedger, counter: u64) -> Result<u64, WriteError> {
    let reservation = ledger.reserve(key(counter)).unwrap();
    ledger.append(reservation, worker(), 10, 20, 30).await
}

fn break_disk(ledger: &ShareLedger, broken: bool) {
    ledger.fail_writes(broken);
}

impl ShareLedger {
    /// From now on every write fails, or none.
    pub(crate) fn fail_writes(&self, fail: bool) {
        self.shared.store.faults.fail_writes.store(fail, SeqCst);
    }
}

async fn wait_until_healthy(ledger: &ShareLedger) {
    ledger.healthy().wait_for(LedgerHealth::is_ok).await.unwrap();
}

#[tokio::test]
async fn shares_are_acknowledged_after_the_write_and_written_together() {
    let (_dir, ledger) = ledger();
    let faults = &ledger.shared.store.faults;
    let writes_before = faults.writes.load(SeqCst);
    faults.hold_writes.store(true, SeqCst);
    let mut acknowledged = JoinSet::new();
    for counter in 0..200 {
        let ledger = ledger.clone();
        acknowledged.spawn(async move { append(&ledger, counter).await });
    }
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    assert!(acknowledged.try_join_next().is_none(), "a share was acknowledged before it was written");
    assert_eq!(ledger.reserve(key(7)).unwrap_err(), ReserveError::Duplicate);
    faults.hold_writes.store(false, SeqCst);
    let mut seqs: Vec<u64> =
        acknowledged.join_all().await.into_iter().map(|result| result.unwrap()).collect();
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=200).collect::<Vec<u64>>());
    // The batch that waited, and one with all the rest.
    assert!(faults.writes.load(SeqCst) - writes_before <= 2);
}

#[tokio::test]
async fn a_failed_write_refuses_the_share_frees_its_key_and_leaves_no_gap() {
    let (_dir, ledger) = ledger();
    assert_eq!(append(&ledger, 1).await, Ok(1));
    break_disk(&ledger, true);
    let error = append(&ledger, 2).await.unwrap_err();
    assert_eq!(error, WriteError::Storage("injected failure".into()));
    assert_eq!(*ledger.healthy().borrow(), LedgerHealth::Failing { reason: "injected failure".into() });
    // The key is free again, and other shares fail as long as the disk does.
    assert!(append(&ledger, 2).await.is_err());
    assert!(append(&ledger, 3).await.is_err());
    assert_eq!(ledger.last_seq(), Ok(1));

    break_disk(&ledger, false);
    // Without any request.
    wait_until_healthy(&ledger).await;
    assert_eq!(append(&ledger, 2).await, Ok(2));
    assert_eq!(ledger.reserve(key(1)).unwrap_err(), ReserveError::Duplicate);
    assert_eq!(ledger.totals().unwrap(), [WorkerTotal { worker: worker(), shares: 2, credit: 20 }]);
}

#[tokio::test]
async fn every_share_of_a_failed_batch_is_refused() {
    let (_dir, ledger) = ledger();
    break_disk(&ledger, true);
    let mut results = JoinSet::new();
    for counter in 0..50 {
        let ledger = ledger.clone();
        results.spawn(async move { append(&ledger, counter).await });
    }
    assert!(results.join_all().await.iter().all(Result::is_err));
    break_disk(&ledger, false);
    wait_until_healthy(&ledger).await;
    assert_eq!(append(&ledger, 9).await, Ok(1));
}

fn landing() -> (SolutionRecord, BlockOutcome) {
    let solution =
        Solution { epoch_hash: EpochHash([2; 32]), address: Address([1; 32]), counter: 5, target: 9 };
    let record = SolutionRecord {
        solution,
        epoch: 0,
        finder: Some(worker()),
        found_ms: 1,
        state: SolutionState::Found,
    };
    let outcome = BlockOutcome {
        height: 8,
        hash: BlockHash([3; 32]),
        timestamp: 4,
        proof_target: 50,
        landed: vec![(solution, 77)],
        aborted: Vec::new(),
        open_epoch: 0,
    };
    (record, outcome)
}

#[tokio::test]
async fn a_failed_block_is_applied_when_it_comes_again() {
    let (_dir, ledger) = ledger();
    let (record, outcome) = landing();
    append(&ledger, 1).await.unwrap();
    break_disk(&ledger, true);
    assert!(ledger.record_found(record.clone()).await.is_err());
    assert!(ledger.apply_block(outcome.clone()).await.is_err());
    assert_eq!((ledger.scanned_height(), ledger.rounds()), (Ok(None), Ok(Vec::new())));

    break_disk(&ledger, false);
    wait_until_healthy(&ledger).await;
    ledger.record_found(record).await.unwrap();
    let round = ledger.apply_block(outcome).await.unwrap().unwrap();
    assert_eq!((round.first_seq, round.last_seq), (1, 1));
    assert_eq!(round.solutions[0].finder, Some(worker()));
}

#[tokio::test]
async fn a_block_that_comes_before_an_expected_find_knows_its_finder() {
    let (_dir, ledger) = ledger();
    let (record, outcome) = landing();
    ledger.expect_found(&record);
    break_disk(&ledger, true);
    assert!(ledger.apply_block(outcome.clone()).await.is_err());
    break_disk(&ledger, false);
    wait_until_healthy(&ledger).await;
    let round = ledger.apply_block(outcome).await.unwrap().unwrap();
    assert_eq!(round.solutions[0].finder, Some(worker()));
    // Late, and without effect.
    ledger.record_found(record.clone()).await.unwrap();
    assert_eq!(ledger.solution(record.solution.id()).unwrap().unwrap().finder, Some(worker()));
}

/// The process died between the share and its record.
#[tokio::test]
async fn a_landing_without_a_record_knows_its_finder_by_the_share() {
    let (_dir, ledger) = ledger();
    let (record, outcome) = landing();
    let key = ShareKey { epoch: 0, address: record.solution.address, counter: record.solution.counter };
    let reservation = ledger.reserve(key).unwrap();
    ledger.append(reservation, worker(), 10, 20, 30).await.unwrap();
    let round = ledger.apply_block(outcome).await.unwrap().unwrap();
    assert_eq!(round.solutions[0].finder, Some(worker()));
    assert_eq!(ledger.solution(record.solution.id()).unwrap().unwrap().found_ms, 30);
}

#[tokio::test]
async fn an_expected_find_that_cannot_be_recorded_holds_up_no_block() {
    let (_dir, ledger) = ledger();
    let (record, outcome) = landing();
    let nameless = Worker { account: "a".repeat(MAX_NAME_BYTES + 1), name: String::new() };
    ledger.expect_found(&SolutionRecord { finder: Some(nameless), ..record });
    let round = ledger.apply_block(outcome).await.unwrap().unwrap();
    assert_eq!(round.solutions[0].finder, None);
}

/// A write can reach the disk and be reported as failed, by the sync. The miner was refused and sends the
/// share again: it must be found, not stored twice.
#[tokio::test]
async fn a_share_that_reached_the_disk_unnoticed_is_counted_once() {
    let (_dir, ledger) = ledger();
    let early = ledger.reserve(key(1)).unwrap();
    // What the other side of a reopened database looks like: the share is there, the reservation older.
    let in_flight = Arc::new(InFlightKeys::default());
    let late = in_flight.reserve(key(1), || Ok(false)).unwrap();
    assert_eq!(ledger.append(early, worker(), 10, 20, 30).await, Ok(1));
    let again = ledger.append(late, worker(), 10, 20, 30).await;
    assert_eq!(again, Err(WriteError::AlreadyStored { seq: 1 }));
    assert_eq!(ledger.last_seq(), Ok(1));
    assert_eq!(append(&ledger, 2).await, Ok(2));
}

/// The same, for the epoch: the keys of a slow share's epoch may be gone by the time it is written.
#[tokio::test]
async fn a_share_whose_epoch_closed_meanwhile_is_refused() {
    let (_dir, ledger) = ledger();
    let slow = ledger.reserve(key(1)).unwrap();
    let outcome = BlockOutcome {
        height: 2200,
        hash: BlockHash::default(),
        timestamp: 0,
        proof_target: 50,
        landed: Vec::new(),
        aborted: Vec::new(),
        open_epoch: 6,
    };
    ledger.apply_block(outcome).await.unwrap();
    let error = ledger.append(slow, worker(), 10, 20, 30).await.unwrap_err();
    assert_eq!(error, WriteError::EpochClosed { epoch: 4, open_from: 5 });
}
