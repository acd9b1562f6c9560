//! The drill: an old backup is restored, and nothing is credited or dumped again.

use std::{collections::BTreeMap, fs, path::Path};

use pool_core::{chain::sim::SimChain, types::Network};
use pool_plugin::{
    books::{
        backup::{self, BackupError},
        dump,
    },
    ledger::ShareLedger,
};
use serde_json::Value;
use tempfile::tempdir;

use crate::pool_support::{Client, EvenSolves, Running, chain, dumps, start, until};

const STALE: i64 = 21;

fn files(data: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(data.join("shares")).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

fn by_height(data: &Path) -> BTreeMap<u64, Value> {
    dumps(data).into_iter().map(|dump| (dump["height"].as_u64().unwrap(), dump)).collect()
}

/// Ends the pool abruptly: only the backup and the dumps are left.
fn lose_database(data: &Path) {
    fs::remove_dir_all(data.join("db")).unwrap();
}

/// The epoch in which the pool first sees a synced chain is not credited: that may be the next one already.
/// Leaves a share behind.
fn go_on_to_a_credited_epoch(sim: &SimChain, pool: &Running) {
    let mut epoch = 0;
    until("an epoch is credited", || {
        epoch += 1;
        sim.jump_to(360 * epoch + 5);
        Client::with_work(pool.address, "ann.rig").submit(11) == 0
    });
}

#[test]
fn an_old_backup_credits_nothing_again_and_dumps_nothing_again() {
    let (sim, data, elsewhere) = (chain(), tempdir().unwrap(), tempdir().unwrap());
    let (data, saved) = (data.path(), elsewhere.path().join("monday"));
    let find_and_land = |miner: &mut Client, solution: u64, expected: i64, dumped: usize| {
        assert_eq!(miner.submit(solution), expected);
        until("the solution is offered", || !sim.mempool().is_empty());
        let height = sim.produce_block().height;
        until("the block is dumped", || dumps(data).len() == dumped);
        u64::from(height)
    };

    let pool = start(&sim, data, EvenSolves::default());
    let mut miner = Client::with_work(pool.address, "ann.rig");
    assert_eq!(miner.submit(1), 0);
    let known = find_and_land(&mut miner, 2, 0, 1);
    assert_eq!(miner.submit(3), 0, "of the round that is open during the backup");
    let manifest = pool.backup.backup(&saved).unwrap();
    assert_eq!((manifest.last_seq, manifest.dumps), (3, 1));
    assert!(matches!(pool.backup.backup(&saved), Err(BackupError::NotEmpty { .. })));

    // What the backup lacks: shares, a block that pays for them, and shares after it.
    assert_eq!(miner.submit(5), 0);
    let unknown = find_and_land(&mut miner, 4, 0, 2);
    assert_eq!(miner.submit(7), 0);
    pool.stop();
    let published = files(data);
    assert!(matches!(backup::restore(&saved, data), Err(BackupError::WouldOverwrite { .. })));
    lose_database(data);

    let restored = backup::restore(&saved, data).unwrap();
    assert_eq!(restored.newer_dumps, [u32::try_from(unknown).unwrap()]);
    let pool = start(&sim, data, EvenSolves::default());
    let mut miner = Client::with_work(pool.address, "ann.rig");
    for counter in [3, 5, 7, 9] {
        assert_eq!(miner.submit(counter), STALE, "{counter}: whether it was credited is not known");
    }
    // A solution is still sent. As far as is known, nobody worked for its block.
    let unpaid = find_and_land(&mut miner, 6, STALE, 3);

    // The next epoch is credited again.
    go_on_to_a_credited_epoch(&sim, &pool);
    let mut miner = Client::with_work(pool.address, "bob.rig");
    assert_eq!(miner.submit(5), 0, "another epoch's");
    let next = find_and_land(&mut miner, 8, 0, 4);
    pool.stop();

    let now = files(data);
    for (name, bytes) in &published {
        assert_eq!(now.get(name), Some(bytes), "{name} was published");
    }
    assert_eq!(now.len(), 4, "no file was moved aside: {:?}", now.keys());
    let dumps = by_height(data);
    assert_eq!(dumps.keys().copied().collect::<Vec<_>>(), [known, unknown, unpaid, next]);
    let round = |height: u64, field: &str| dumps[&height]["round"][field].as_u64().unwrap();
    assert_eq!((round(unknown, "first_seq"), round(unknown, "last_seq")), (3, 5));
    assert_eq!(round(unpaid, "count"), 0);
    assert_eq!(round(next, "first_seq"), 6, "no number is given twice");
    assert_eq!(round(next, "count"), 3, "what was submitted since the epoch began");
    let paths: Vec<_> = now.keys().map(|name| data.join("shares").join(name)).collect();
    let summary = dump::verify::run(&paths, None, None, &mut Vec::new()).unwrap();
    assert_eq!((summary.right, summary.wrong, summary.unknown), (4, 0, 0));

    let ledger = ShareLedger::open(&data.join("db"), Network::Testnet).unwrap();
    assert_eq!((ledger.restores(), ledger.is_restored()), (Ok(1), Ok(false)));
    assert_eq!(ledger.restored_seq(), Ok(5), "what the dumps paid for, and the backup lacks, is before it");
}

#[test]
fn a_backup_newer_than_every_dump_loses_only_what_came_after_it() {
    let (sim, data, elsewhere) = (chain(), tempdir().unwrap(), tempdir().unwrap());
    let (data, saved) = (data.path(), elsewhere.path().join("monday"));
    let pool = start(&sim, data, EvenSolves::default());
    let mut miner = Client::with_work(pool.address, "ann.rig");
    for counter in [1, 3] {
        assert_eq!(miner.submit(counter), 0);
    }
    pool.stop();
    backup::create_offline(data, &saved).unwrap();
    lose_database(data);
    assert_eq!(backup::restore(&saved, data).unwrap().newer_dumps, [0; 0]);

    let pool = start(&sim, data, EvenSolves::default());
    go_on_to_a_credited_epoch(&sim, &pool);
    let mut miner = Client::with_work(pool.address, "ann.rig");
    assert_eq!(miner.submit(2), 0);
    until("the solution is offered", || !sim.mempool().is_empty());
    sim.produce_block();
    until("the block is dumped", || dumps(data).len() == 1);
    // The shares of the backup were not paid for yet: now they are.
    assert_eq!(dumps(data)[0]["round"]["count"], 4);
    pool.stop();
}

#[test]
fn what_is_no_backup_or_a_damaged_one_is_refused() {
    let (sim, data, elsewhere) = (chain(), tempdir().unwrap(), tempdir().unwrap());
    let saved = elsewhere.path().join("monday");
    let pool = start(&sim, data.path(), EvenSolves::default());
    let mut miner = Client::with_work(pool.address, "ann.rig");
    assert_eq!(miner.submit(1), 0);
    pool.backup.backup(&saved).unwrap();
    pool.stop();

    let fresh = elsewhere.path().join("fresh");
    fs::create_dir(&fresh).unwrap();
    let none = backup::restore(data.path(), &fresh).unwrap_err();
    assert!(matches!(none, BackupError::NoBackup { .. }), "{none}");
    let mut manifest: Value = serde_json::from_slice(&fs::read(saved.join("backup.json")).unwrap()).unwrap();
    manifest["last_seq"] = 2.into();
    fs::write(saved.join("backup.json"), manifest.to_string()).unwrap();
    let damaged = backup::restore(&saved, &fresh).unwrap_err();
    assert!(matches!(damaged, BackupError::Damaged { .. }), "{damaged}");
    assert!(!fresh.join("db").exists());
    assert!(!damaged.to_string().contains('\n'));
}

/// A block that was dumped since the backup, and whose dump is gone, would be dumped again after rounds that
/// are over.
#[test]
fn a_dump_that_is_missing_among_the_newer_ones_is_asked_for() {
    let (sim, data, elsewhere) = (chain(), tempdir().unwrap(), tempdir().unwrap());
    let (data, saved) = (data.path(), elsewhere.path().join("monday"));
    let pool = start(&sim, data, EvenSolves::default());
    let mut miner = Client::with_work(pool.address, "ann.rig");
    pool.backup.backup(&saved).unwrap();
    for (solution, dumped) in [(2, 1), (4, 2)] {
        assert_eq!(miner.submit(solution), 0);
        until("the solution is offered", || !sim.mempool().is_empty());
        sim.produce_block();
        until("the block is dumped", || dumps(data).len() == dumped);
    }
    pool.stop();
    lose_database(data);

    let (first, bytes) = files(data).into_iter().next().unwrap();
    fs::remove_file(data.join("shares").join(&first)).unwrap();
    let error = backup::restore(&saved, data).unwrap_err().to_string();
    assert!(error.contains("restore that file"), "{error}");
    fs::write(data.join("shares").join(&first), bytes).unwrap();
    assert_eq!(backup::restore(&saved, data).unwrap().newer_dumps.len(), 2);
}
