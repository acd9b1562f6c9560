//! Old shares are retired, but none that a future block may pay for; dumps and totals stay.

use std::path::Path;

use pool_core::{
    accounting::terms::{Rules, Scheme},
    types::Network,
};
use pool_plugin::{
    books::{
        dump::{self, DumpError, verify::Verdict},
        rounds::retention::retire_before,
    },
    ledger::{
        ShareLedger,
        records::{BlockOutcome, Round},
    },
};
use tempfile::tempdir;

use crate::support::{append, block, key, open, worker};

/// Shares are accepted a second apart, each with target 100.
async fn fill(ledger: &ShareLedger, counters: std::ops::Range<u64>) {
    for counter in counters {
        let reservation = ledger.reserve(key(1, counter)).unwrap();
        ledger.append(reservation, worker("ann", "rig"), 100, 200, 1_000 * counter).await.unwrap();
    }
}

async fn land(ledger: &ShareLedger, shares: &Path, height: u32) -> Round {
    land_at(ledger, shares, height, 500).await
}

async fn land_at(ledger: &ShareLedger, shares: &Path, height: u32, proof_target: u64) -> Round {
    let landing = BlockOutcome { proof_target, ..block(height, &[u64::from(height)]) };
    let round = ledger.apply_block(landing).await.unwrap().unwrap();
    let written = dump::write(shares, ledger, &round, Network::Testnet).unwrap();
    for (height, mark) in written.marks {
        ledger.record_dump(height, mark).await.unwrap();
    }
    round
}

async fn with_scheme(dir: &Path, scheme: Scheme) -> ShareLedger {
    let ledger = open(dir);
    ledger.set_rules(Rules { scheme, fees: Vec::new() }).await.unwrap();
    ledger
}

fn seqs(ledger: &ShareLedger) -> Vec<u64> {
    ledger.shares(1, u64::MAX).map(|row| row.unwrap().0).collect()
}

#[tokio::test]
async fn shares_leave_when_they_are_old_and_paid_for() {
    let dir = tempdir().unwrap();
    let dumps = dir.path().join("shares");
    let ledger = with_scheme(&dir.path().join("db"), Scheme::Prop).await;
    fill(&ledger, 0..10).await;
    let first = land(&ledger, &dumps, 400).await;
    fill(&ledger, 10..20).await;
    let second = land(&ledger, &dumps, 401).await;
    fill(&ledger, 20..30).await;
    let totals = ledger.totals().unwrap();
    let second_dump = dump::render(&ledger, &second, Network::Testnet).unwrap();

    assert_eq!(retire_before(&ledger, 5_000).await, Ok(5));
    assert_eq!(seqs(&ledger), (6..=30).collect::<Vec<_>>());
    assert_eq!(retire_before(&ledger, 5_000).await, Ok(0));
    assert_eq!(retire_before(&ledger, 12_000).await, Ok(7));
    // Those of the open round stay, however old they are.
    assert_eq!(retire_before(&ledger, u64::MAX).await, Ok(8));
    assert_eq!(seqs(&ledger), (21..=30).collect::<Vec<_>>());
    assert_eq!(ledger.totals().unwrap(), totals);

    // Dumps are not touched, and a lost one is reported.
    let repaired = dump::write_missing(&ledger, &dumps, Network::Testnet).unwrap();
    assert_eq!(repaired, dump::Repaired::default());
    let second_file = dumps.join(dump::file_name(&second));
    assert_eq!(std::fs::read(&second_file).unwrap(), second_dump);
    std::fs::remove_file(dumps.join(dump::file_name(&first))).unwrap();
    let error = dump::write(&dumps, &ledger, &first, Network::Testnet).unwrap_err();
    assert_eq!(error, DumpError::Left { height: 400 });

    ledger.close().await;
    let reopened = open(&dir.path().join("db"));
    assert_eq!((reopened.shares_from(), reopened.last_seq()), (Ok(21), Ok(30)));
    assert_eq!(append(&reopened, 1, 30).await, Ok(31));
}

#[tokio::test]
async fn numbers_are_not_given_again_when_every_share_has_left() {
    let dir = tempdir().unwrap();
    let dumps = dir.path().join("shares");
    let ledger = with_scheme(&dir.path().join("db"), Scheme::Prop).await;
    fill(&ledger, 0..10).await;
    land(&ledger, &dumps, 400).await;
    assert_eq!(retire_before(&ledger, u64::MAX).await, Ok(10));
    assert_eq!(seqs(&ledger), [0; 0]);
    ledger.close().await;
    let reopened = open(&dir.path().join("db"));
    assert_eq!(append(&reopened, 1, 10).await, Ok(11));
    let round = land(&reopened, &dumps, 401).await;
    assert_eq!((round.first_seq, round.last_seq), (11, 11));
}

#[tokio::test]
async fn what_a_window_may_reach_and_what_is_not_dumped_stays() {
    let dir = tempdir().unwrap();
    let dumps = dir.path().join("shares");
    let ledger = with_scheme(&dir.path().join("db"), Scheme::Pplns { window: 1 }).await;
    fill(&ledger, 0..100).await;
    assert_eq!(retire_before(&ledger, u64::MAX).await, Ok(0), "no block says how long a window is");
    let landing = BlockOutcome { proof_target: 500, ..block(400, &[400]) };
    let round = ledger.apply_block(landing).await.unwrap().unwrap();
    assert_eq!(retire_before(&ledger, u64::MAX).await, Ok(0), "the block is not dumped");
    for (height, mark) in dump::write(&dumps, &ledger, &round, Network::Testnet).unwrap().marks {
        ledger.record_dump(height, mark).await.unwrap();
    }
    // Four windows of five shares each are kept: enough for a proof target four times as high.
    assert_eq!(retire_before(&ledger, u64::MAX).await, Ok(80));
    assert_eq!(seqs(&ledger), (81..=100).collect::<Vec<_>>());
    land_at(&ledger, &dumps, 401, 2_000).await;
}

/// The proof target may rise by more than expected: what is left is the window, and the block has its dump.
#[tokio::test]
async fn a_window_ends_where_shares_have_left() {
    let dir = tempdir().unwrap();
    let dumps = dir.path().join("shares");
    let ledger = with_scheme(&dir.path().join("db"), Scheme::Pplns { window: 1 }).await;
    fill(&ledger, 0..100).await;
    land(&ledger, &dumps, 400).await;
    assert_eq!(retire_before(&ledger, u64::MAX).await, Ok(80));
    let round = land_at(&ledger, &dumps, 401, 2_500).await;
    let dump = std::fs::read_to_string(dumps.join(dump::file_name(&round))).unwrap();
    let dump: serde_json::Value = serde_json::from_str(&dump).unwrap();
    assert_eq!((&dump["window"]["first_seq"], &dump["scheme"]["reach_seq"]), (&81.into(), &81.into()));
    // The first one's shares have been retired: it is compared with itself and the next one.
    let paths = std::fs::read_dir(&dumps).unwrap().map(|entry| entry.unwrap().path());
    let verdicts = dump::verify::verify(paths, Some(&ledger), None);
    let checks = |checks: &[&'static str]| Verdict::Right(checks.to_vec());
    let right = [
        checks(&["sums", "digest", "split", "its shares have been retired"]),
        checks(&["sums", "digest", "split", "chain", "shares"]),
    ];
    assert_eq!(verdicts.into_iter().map(|(_, verdict)| verdict).collect::<Vec<_>>(), right);
}
