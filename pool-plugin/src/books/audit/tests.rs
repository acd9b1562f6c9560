//! The auditor over a real ledger.

use pool_core::{
    accounting::terms::Rules,
    health::Level,
    types::{Address, BlockHash, EpochHash, Network, Solution, Worker},
};

use super::{Auditor, books::check_rounds, report::report};
use crate::ledger::{
    ShareLedger,
    records::{BlockOutcome, ShareKey, SolutionRecord, SolutionState},
};

const PROOF_TARGET: u64 = 1_000;

fn worker(account: &str) -> Worker {
    Worker { account: account.into(), name: "rig".into() }
}

async fn share(ledger: &ShareLedger, counter: u64, account: &str, target: u64) {
    let reservation = ledger.reserve(ShareKey { epoch: 0, address: Address([1; 32]), counter }).unwrap();
    ledger.append(reservation, worker(account), target, target, 1_000).await.unwrap();
}

fn solution(counter: u64) -> Solution {
    Solution { epoch_hash: EpochHash([2; 32]), address: Address([1; 32]), counter, target: 5_000 }
}

async fn find(ledger: &ShareLedger, counter: u64, account: &str) {
    let finder = Some(worker(account));
    let state = SolutionState::Found;
    let record = SolutionRecord { solution: solution(counter), epoch: 0, finder, found_ms: 2_000, state };
    ledger.record_found(record).await.unwrap();
}

async fn land(ledger: &ShareLedger, height: u32, counter: u64) {
    let outcome = BlockOutcome {
        height,
        hash: BlockHash([height as u8; 32]),
        timestamp: 3,
        proof_target: PROOF_TARGET,
        landed: vec![(solution(counter), 7)],
        aborted: vec![],
        open_epoch: 0,
    };
    ledger.apply_block(outcome).await.unwrap();
}

#[tokio::test]
async fn an_honest_pool_is_balanced_look_after_look() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ShareLedger::open(dir.path(), Network::Testnet).unwrap();
    ledger.set_rules(Rules::default()).await.unwrap();
    let mut auditor = Auditor::default();
    for turn in 0..5u32 {
        for counter in 0..10 {
            let account = if counter % 3 == 0 { "ann" } else { "bob" };
            share(&ledger, u64::from(turn) * 10 + counter, account, 100).await;
        }
        if turn % 2 == 1 {
            find(&ledger, turn.into(), "bob").await;
            land(&ledger, turn, turn.into()).await;
            share(&ledger, 1_000 + u64::from(turn), "ann", 50).await;
        }
        let (books, finds) = auditor.look(&ledger, PROOF_TARGET).unwrap();
        assert_eq!((books.level, finds.level), (Level::Green, Level::Green), "{books:?} {finds:?}");
    }
    // The open round: the one share after block 3, and the ten of the last turn.
    assert_eq!(auditor.history.open_effort_permille(PROOF_TARGET), Some(1_050));
    let finds = auditor.history.finds(&ledger).unwrap();
    let bob = finds.iter().find(|finds| finds.account == "bob").unwrap();
    assert_eq!((bob.found, (bob.expected * 1e6).round()), (2, 3e6), "30 shares of a tenth of a proof target");

    let mut text = Vec::new();
    report(&ledger, 10, &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("200.0 %") && text.contains("bob"), "{text}");
}

#[tokio::test]
async fn who_finds_nothing_for_much_work_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ShareLedger::open(dir.path(), Network::Testnet).unwrap();
    for counter in 0..20 {
        share(&ledger, counter, "honest", 1_000).await;
        share(&ledger, 100 + counter, "withholder", 1_000).await;
        find(&ledger, counter, "honest").await;
    }
    let (books, finds) = Auditor::default().look(&ledger, PROOF_TARGET).unwrap();
    assert_eq!((books.level, finds.level, finds.reason), (Level::Green, Level::Amber, "withholding"));
    assert!(finds.text.contains("'withholder' found 0 of 20.0 expected"), "{}", finds.text);
    assert!(!finds.text.contains("'honest'"), "{}", finds.text);
}

#[tokio::test]
async fn a_total_that_is_not_the_sum_of_its_shares_is_an_alarm() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ShareLedger::open(dir.path(), Network::Testnet).unwrap();
    share(&ledger, 1, "ann", 100).await;
    let mut auditor = Auditor::default();
    auditor.look(&ledger, PROOF_TARGET).unwrap();
    share(&ledger, 2, "ann", 100).await;
    ledger.clone().close().await;
    // Another share's bytes in its place: the count is right, the credit is not.
    let options = rocksdb::Options::default();
    let families = rocksdb::DB::list_cf(&options, dir.path()).unwrap();
    let database = rocksdb::DB::open_cf(&options, dir.path(), families).unwrap();
    let shares = database.cf_handle("shares").unwrap();
    let bytes = database.get_cf(&shares, 2u64.to_be_bytes()).unwrap().unwrap();
    let mut share = crate::ledger::codec::decode_share(&bytes).unwrap();
    share.target = 99;
    database.put_cf(&shares, 2u64.to_be_bytes(), crate::ledger::codec::encode_share(&share)).unwrap();
    drop(database);

    let ledger = ShareLedger::open(dir.path(), Network::Testnet).unwrap();
    let (books, _) = auditor.look(&ledger, PROOF_TARGET).unwrap();
    assert_eq!((books.level, books.reason), (Level::Red, "unbalanced"));
    let (still, _) = auditor.look(&ledger, PROOF_TARGET).unwrap();
    assert_eq!(still, books, "and it stays so");
    assert!(books.text.contains("'ann' has credit 200, its shares add up to 199"), "{}", books.text);
}

#[tokio::test]
async fn rounds_must_follow_one_another() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ShareLedger::open(dir.path(), Network::Testnet).unwrap();
    for height in 1..4u32 {
        share(&ledger, height.into(), "ann", 100).await;
        land(&ledger, height, height.into()).await;
    }
    let mut rounds = ledger.rounds().unwrap();
    assert_eq!(check_rounds(&rounds, 3), Ok(()));
    assert!(check_rounds(&rounds, 2).unwrap_err().contains("after share 2"));
    rounds.remove(1);
    assert_eq!(check_rounds(&rounds, 3).unwrap_err(), "the round of block 3 begins with share 3, not 2");
}
