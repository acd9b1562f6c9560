//! Shares: numbered without a gap, each once, across restarts.

use std::{fs, path::Path};

use pool_core::types::Network;
use pool_plugin::ledger::{OpenError, ReserveError, ShareLedger, WriteError, records::WorkerTotal};
use tempfile::tempdir;

use crate::support::{all_shares, append, append_for, block, key, open, worker};

#[tokio::test]
async fn numbers_have_no_gap_and_survive_a_restart() {
    let dir = tempdir().unwrap();
    let ledger = open(dir.path());
    for counter in 0..5 {
        assert_eq!(append(&ledger, 1, counter).await, Ok(counter + 1));
    }
    ledger.close().await;
    let reopened = open(dir.path());
    assert_eq!(append(&reopened, 1, 5).await, Ok(6));
    let shares = all_shares(&reopened);
    assert_eq!(shares.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    let counters: Vec<u64> = shares.iter().map(|(_, share)| share.key.counter).collect();
    assert_eq!(counters, [0, 1, 2, 3, 4, 5]);
    assert_eq!((shares[0].1.target, shares[0].1.reached), (100, 200));
}

#[tokio::test]
async fn a_stream_longer_than_a_page_is_whole_and_ends_where_asked() {
    let dir = tempdir().unwrap();
    let ledger = open(dir.path());
    let appended = (0..1500).map(|counter| {
        let ledger = ledger.clone();
        tokio::spawn(async move { append(&ledger, 1, counter).await.unwrap() })
    });
    for task in appended.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let seqs = |first, last| -> Vec<u64> { ledger.shares(first, last).map(|row| row.unwrap().0).collect() };
    assert_eq!(seqs(1, 1500), (1..=1500).collect::<Vec<_>>());
    assert_eq!(seqs(511, 514), [511, 512, 513, 514]);
    assert_eq!(seqs(1499, 9000), [1499, 1500]);
    assert_eq!(seqs(3, 2), [0; 0]);
}

#[tokio::test]
async fn a_duplicate_is_refused_before_and_after_a_restart() {
    let dir = tempdir().unwrap();
    let ledger = open(dir.path());
    append(&ledger, 1, 7).await.unwrap();
    assert_eq!(ledger.reserve(key(1, 7)).unwrap_err(), ReserveError::Duplicate);
    drop(ledger);
    let reopened = open(dir.path());
    assert_eq!(reopened.reserve(key(1, 7)).unwrap_err(), ReserveError::Duplicate);
    // Another epoch, another counter, another address: another share.
    append(&reopened, 2, 7).await.unwrap();
    append(&reopened, 1, 8).await.unwrap();
    let mut other = key(1, 7);
    other.address.0[0] ^= 1;
    append_for(&reopened, other, worker("ann", "rig"), 1).await.unwrap();
}

#[tokio::test]
async fn a_share_that_fails_verification_burns_no_key() {
    let dir = tempdir().unwrap();
    let ledger = open(dir.path());
    let reservation = ledger.reserve(key(1, 7)).unwrap();
    assert_eq!(ledger.reserve(key(1, 7)).unwrap_err(), ReserveError::Duplicate);
    drop(reservation);
    append(&ledger, 1, 7).await.unwrap();
}

#[tokio::test]
async fn dropping_the_last_handle_finishes_what_is_queued() {
    let dir = tempdir().unwrap();
    let ledger = open(dir.path());
    let mut waiting = Vec::new();
    for counter in 0..100 {
        let ledger = ledger.clone();
        waiting.push(tokio::spawn(async move { append(&ledger, 1, counter).await }));
    }
    tokio::task::yield_now().await;
    drop(ledger);
    for task in waiting {
        task.await.unwrap().unwrap();
    }
    assert_eq!(open(dir.path()).last_seq(), Ok(100));
}

#[tokio::test]
async fn a_closed_ledger_says_so() {
    let dir = tempdir().unwrap();
    let ledger = open(dir.path());
    let other = ledger.clone();
    let reservation = other.reserve(key(1, 1)).unwrap();
    ledger.close().await;
    let appended = other.append(reservation, worker("ann", ""), 1, 1, 1).await;
    assert_eq!(appended, Err(WriteError::Closed));
    assert!(matches!(other.reserve(key(1, 2)), Err(ReserveError::Storage(_))));
    // Its lock is gone too, though a handle is left.
    open(dir.path());
}

#[tokio::test]
async fn totals_are_kept_per_account_and_worker() {
    let dir = tempdir().unwrap();
    let ledger = open(dir.path());
    let shares = [("bob", "", u64::MAX), ("ann", "2", 5), ("bob", "", u64::MAX), ("ann", "1", 7)];
    for (counter, (account, name, target)) in (0..).zip(shares) {
        append_for(&ledger, key(1, counter), worker(account, name), target).await.unwrap();
    }
    let total = |account, name, shares, credit| WorkerTotal { worker: worker(account, name), shares, credit };
    let expected =
        [total("ann", "1", 1, 7), total("ann", "2", 1, 5), total("bob", "", 2, 2 * u128::from(u64::MAX))];
    assert_eq!(ledger.totals().unwrap(), expected);
    drop(ledger);
    assert_eq!(open(dir.path()).totals().unwrap(), expected);
}

#[tokio::test]
async fn a_name_without_end_is_refused() {
    let dir = tempdir().unwrap();
    let ledger = open(dir.path());
    let refused = append_for(&ledger, key(1, 1), worker("ann", &"x".repeat(1025)), 1).await;
    assert_eq!(refused, Err(WriteError::NameTooLong));
    append_for(&ledger, key(1, 1), worker("ann", &"x".repeat(1024)), 1).await.unwrap();
}

#[tokio::test]
async fn old_epochs_leave_by_range_and_stay_closed() {
    let dir = tempdir().unwrap();
    let ledger = open(dir.path());
    for epoch in 0..4 {
        append(&ledger, epoch, 7).await.unwrap();
    }
    // The last block of epoch 2's puzzle: epoch 1 may still be asked for, epoch 0 not.
    ledger.apply_block(block(1080, &[])).await.unwrap();
    let closed = ReserveError::EpochClosed { epoch: 0, open_from: 1 };
    assert_eq!(ledger.reserve(key(0, 7)).unwrap_err(), closed);
    for epoch in 1..4 {
        assert_eq!(ledger.reserve(key(epoch, 7)).unwrap_err(), ReserveError::Duplicate);
    }
    ledger.apply_block(block(1081, &[])).await.unwrap();
    drop(ledger);
    assert_eq!(stored_keys(dir.path()), 2);
    let reopened = open(dir.path());
    let closed = ReserveError::EpochClosed { epoch: 1, open_from: 2 };
    assert_eq!(reopened.reserve(key(1, 9)).unwrap_err(), closed);
    assert_eq!(reopened.reserve(key(2, 7)).unwrap_err(), ReserveError::Duplicate);
    // The shares themselves stay: dumps are made from them.
    assert_eq!(all_shares(&reopened).len(), 4);
}

fn stored_keys(dir: &Path) -> usize {
    let options = rocksdb::Options::default();
    let families = rocksdb::DB::list_cf(&options, dir).unwrap();
    let database = rocksdb::DB::open_cf_for_read_only(&options, dir, families, false).unwrap();
    database.iterator_cf(&database.cf_handle("keys").unwrap(), rocksdb::IteratorMode::Start).count()
}

#[tokio::test]
async fn a_reader_beside_a_running_pool_sees_what_is_stored() {
    let dir = tempdir().unwrap();
    assert!(matches!(ShareLedger::open_read_only(dir.path()), Err(OpenError::Missing { .. })));
    let ledger = open(dir.path());
    append(&ledger, 1, 1).await.unwrap();
    let reader = ShareLedger::open_read_only(dir.path()).unwrap();
    assert_eq!((reader.last_seq(), reader.network()), (Ok(1), Network::Testnet));
    let reservation = reader.reserve(key(1, 2)).unwrap();
    let refused = reader.append(reservation, worker("ann", ""), 1, 1, 1).await;
    assert_eq!(refused, Err(WriteError::ReadOnly));
    append(&ledger, 1, 2).await.unwrap();
    assert_eq!(ShareLedger::open_read_only(dir.path()).unwrap().last_seq(), Ok(2));
}

#[test]
fn a_folder_that_cannot_hold_the_database_is_refused() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let error = ShareLedger::open(&file.join("db"), Network::Testnet).unwrap_err();
    assert!(matches!(error, OpenError::Unwritable { .. }), "{error}");
}

#[test]
fn another_network_another_pool_and_another_program_are_refused() {
    let dir = tempdir().unwrap();
    let ledger = open(dir.path());
    let locked = ShareLedger::open(dir.path(), Network::Testnet).unwrap_err();
    assert!(matches!(locked, OpenError::Locked { .. }), "{locked}");
    drop(ledger);
    let error = ShareLedger::open(dir.path(), Network::Mainnet).unwrap_err();
    assert!(error.to_string().contains("belongs to testnet, the node runs mainnet"), "{error}");

    let foreign = tempdir().unwrap();
    let mut options = rocksdb::Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    drop(rocksdb::DB::open_cf(&options, foreign.path(), ["ledger"]).unwrap());
    let error = ShareLedger::open(foreign.path(), Network::Testnet).unwrap_err();
    assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
}

fn tamper(dir: &Path, change: impl FnOnce(&rocksdb::DB)) {
    let options = rocksdb::Options::default();
    let families = rocksdb::DB::list_cf(&options, dir).unwrap();
    change(&rocksdb::DB::open_cf(&options, dir, families).unwrap());
}

#[tokio::test]
async fn damage_is_refused_and_named() {
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 5] = [
        ("CURRENT lost", |dir| fs::remove_file(dir.join("CURRENT")).unwrap()),
        ("CURRENT and the log lost, data there", |dir| {
            // Opening moves the log's content to a data file.
            drop(open(dir));
            fs::remove_file(newest(dir, |name| name.ends_with(".log"))).unwrap();
            fs::remove_file(dir.join("CURRENT")).unwrap();
            newest(dir, |name| name.ends_with(".sst"));
        }),
        ("CURRENT overwritten", |dir| fs::write(dir.join("CURRENT"), "garbage\n").unwrap()),
        ("manifest cut", |dir| {
            let manifest = newest(dir, |name| name.starts_with("MANIFEST"));
            fs::write(manifest, b"not a manifest").unwrap();
        }),
        ("last share lost", |dir| {
            tamper(dir, |database| {
                database.delete_cf(&database.cf_handle("shares").unwrap(), 20u64.to_be_bytes()).unwrap();
            });
        }),
    ];
    for (name, damage) in damages {
        let dir = tempdir().unwrap();
        let ledger = open(dir.path());
        for counter in 0..20 {
            append(&ledger, 1, counter).await.unwrap();
        }
        ledger.close().await;
        damage(dir.path());
        let error = ShareLedger::open(dir.path(), Network::Testnet).unwrap_err();
        assert!(matches!(error, OpenError::Corrupt { .. }), "{name}: {error}");
        assert!(!error.to_string().contains('\n'), "{name}: {error}");
    }
}

/// The write-ahead log holds acknowledged shares: a crash tears only its end, which nobody got an answer for.
#[tokio::test]
async fn a_torn_log_end_is_dropped_and_a_damaged_log_refused() {
    let dir = tempdir().unwrap();
    let ledger = open(dir.path());
    for counter in 0..20 {
        append(&ledger, 1, counter).await.unwrap();
    }
    ledger.close().await;
    let log = newest(dir.path(), |name| name.ends_with(".log"));
    let whole = fs::read(&log).unwrap();

    fs::write(&log, &whole[..whole.len() - 5]).unwrap();
    let torn = open(dir.path());
    assert_eq!(torn.last_seq(), Ok(19));
    assert_eq!(append(&torn, 1, 19).await, Ok(20));
    torn.close().await;

    let next_log = newest(dir.path(), |name| name.ends_with(".log"));
    let reopened = open(dir.path());
    for counter in 20..40 {
        append(&reopened, 1, counter).await.unwrap();
    }
    reopened.close().await;
    let log = newest(dir.path(), |name| name.ends_with(".log"));
    assert_ne!(log, next_log);
    let mut damaged = fs::read(&log).unwrap();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0xff;
    fs::write(&log, damaged).unwrap();
    let error = ShareLedger::open(dir.path(), Network::Testnet).unwrap_err();
    assert!(matches!(error, OpenError::Corrupt { .. }), "{error}");
}

fn newest(dir: &Path, is_it: impl Fn(&str) -> bool) -> std::path::PathBuf {
    let mut paths: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(&is_it))
        .collect();
    paths.sort();
    paths.pop().unwrap()
}
