//! A pool whose disk fails: shares are refused and never acknowledged, solutions are still sent, the miner
//! stays connected, health is red, and everything recovers by itself once the disk works again.
//!
//! The pool runs in a separate process on a disk that fails on demand (see `disk_shim`).

use std::{path::Path, process::Stdio};

use pool_core::{
    health::{Level, Part},
    types::Network,
};
use pool_plugin::ledger::ShareLedger;

use crate::{
    child,
    disk_shim::{Control, EIO, ENOSPC, EROFS, Field, Shim},
    pool_support::{Client, EvenSolves, Running, chain, start, until},
};

const DATA: &str = "POOL_DISK_FAULTS_DATA";
const FAULT: &str = "POOL_DISK_FAULTS_FAULT";

/// What breaks, and with which error.
const FAULTS: [(&str, &[(Field, u64)]); 5] = [
    ("full", &[(Field::FailWrites, ENOSPC), (Field::FailNames, ENOSPC)]),
    ("failing writes", &[(Field::FailWrites, EIO)]),
    ("failing syncs", &[(Field::FailSyncs, EIO)]),
    ("read-only", &[(Field::FailWrites, EROFS), (Field::FailNames, EROFS), (Field::FailSyncs, EROFS)]),
    (
        "gone",
        &[
            (Field::FailWrites, EIO),
            (Field::FailSyncs, EIO),
            (Field::FailNames, EIO),
            (Field::FailReads, EIO),
        ],
    ),
];

/// Not a separate test: the process with the pool.
#[test]
fn child_with_a_pool() {
    let (Ok(data), Ok(fault)) = (std::env::var(DATA), std::env::var(FAULT)) else { return };
    let (_, fields) = FAULTS.iter().find(|(name, _)| *name == fault).unwrap();
    let disk = Control::of_this_process().unwrap();
    let break_disk = |broken: bool| {
        for (field, error) in *fields {
            disk.set(*field, if broken { *error } else { 0 });
        }
    };
    outlive(Path::new(&data), &break_disk);
}

fn outlive(data: &Path, break_disk: &dyn Fn(bool)) {
    let sim = chain();
    let pool = start(&sim, data, EvenSolves::default());
    let mut miner = Client::with_work(pool.address, "ann.rig");
    let mut acknowledged: Vec<u64> = Vec::new();
    // Odd counters are shares, even ones solutions as well.
    for round in 0..3 {
        let first = 1 + 100 * round;
        for counter in [first, first + 2] {
            assert_eq!(miner.submit(counter), 0, "a share on a sound disk");
            acknowledged.push(counter);
        }

        break_disk(true);
        for counter in [first + 4, first + 6, first + 4] {
            assert_eq!(miner.submit(counter), 20, "a share on a broken disk");
        }
        let (solution, offered) = (first + 9, sim.mempool().len());
        assert_eq!(miner.submit(solution), 20, "the share of a solution on a broken disk");
        until("the solution goes out", || sim.mempool().len() > offered);
        until("health is red", || ledger_level(&pool) == Some(Level::Red));
        let height = sim.produce_block().height;
        assert_eq!(sim.tip(), height, "the chain goes on");

        break_disk(false);
        until("health is green", || ledger_level(&pool) == Some(Level::Green));
        // The refused share is sent again: it counts, even if it had reached the disk unnoticed.
        let again = miner.submit(first + 4);
        assert!([0, 22].contains(&again), "{again}");
        acknowledged.push(first + 4);
    }
    pool.stop();
    check(data, &acknowledged);
}

fn ledger_level(pool: &Running) -> Option<Level> {
    pool.health.borrow().0.get(&Part::Ledger).map(|report| report.level)
}

fn check(data: &Path, acknowledged: &[u64]) {
    let ledger = ShareLedger::open(&data.join("db"), Network::Testnet).unwrap();
    let mut stored: Vec<u64> = ledger.shares(1, u64::MAX).map(|row| row.unwrap().1.key.counter).collect();
    stored.sort_unstable();
    let all = stored.len();
    stored.dedup();
    assert_eq!(stored.len(), all, "a share is stored twice");
    for counter in acknowledged {
        assert!(stored.binary_search(counter).is_ok(), "acknowledged share {counter} is lost");
    }
}

#[test]
fn a_broken_disk_costs_shares_and_nothing_else() {
    let Some(shim) = Shim::compile() else { return };
    // In parallel: each waits most of the time.
    let pools: Vec<_> = FAULTS
        .iter()
        .map(|(fault, _)| {
            let disk = shim.disk();
            let mut command = child::command(module_path!(), "child_with_a_pool");
            command.env(DATA, disk.data()).env(FAULT, fault);
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let pool = disk.attach(&mut command).spawn().unwrap();
            (fault, disk, pool)
        })
        .collect();
    for (fault, _disk, pool) in pools {
        let output = pool.wait_with_output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{fault}: {}{}", text(&output.stdout), text(&output.stderr));
        assert!(text(&output.stdout).contains("1 passed"), "{fault}: the child ran no test");
    }
}
