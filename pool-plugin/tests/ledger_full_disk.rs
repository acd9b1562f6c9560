//! A full disk: shares are refused, nothing is lost, and storing goes on when there is room again.
//!
//! Mounts a small file system of its own, so it needs to run as root with mount rights; without, it says so
//! and passes.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod ledger_support;

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use ledger_support::{all_shares, append, open};
use pool_plugin::ledger::{LedgerHealth, ShareLedger, WriteError};
use tempfile::{TempDir, tempdir};

const MORE_THAN_FITS: u64 = 100_000;
/// Only to end a test that hangs.
const PATIENCE: Duration = Duration::from_secs(60);

struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = tempdir().unwrap();
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=6m", "tmpfs"])
            .arg(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success()).then_some(Self { folder })
    }

    fn filler(&self) -> PathBuf {
        self.folder.path().join("filler")
    }

    fn fill(&self) {
        let mut file = File::create(self.filler()).unwrap();
        for size in [64 << 10, 4096, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
    }

    fn free(&self) {
        fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(self.folder.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()));
    }
}

/// Appends until the disk refuses; returns the counter that was refused.
async fn append_until_refused(ledger: &ShareLedger, first: u64) -> (u64, WriteError) {
    for counter in first..first + MORE_THAN_FITS {
        if let Err(error) = append(ledger, 1, counter).await {
            return (counter, error);
        }
    }
    panic!("a full disk took {MORE_THAN_FITS} shares");
}

async fn wait_until_healthy(ledger: &ShareLedger) {
    let mut health = ledger.healthy();
    tokio::time::timeout(PATIENCE, health.wait_for(LedgerHealth::is_ok)).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_full_disk_refuses_shares_and_an_emptied_one_takes_them_again() {
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("skipped: a small file system cannot be mounted here, that takes root");
        return;
    };
    let db = disk.folder.path().join("db");
    let ledger = open(&db);
    let mut counter = 0;
    for _ in 0..3 {
        disk.fill();
        let (refused, error) = append_until_refused(&ledger, counter).await;
        assert!(matches!(error, WriteError::Storage(_)), "{error}");
        assert!(!ledger.healthy().borrow().is_ok());
        // It can still be read, and goes on refusing.
        assert_eq!(ledger.last_seq(), Ok(refused));
        assert!(append(&ledger, 1, refused).await.is_err());

        disk.free();
        wait_until_healthy(&ledger).await;
        counter = append_again(&ledger, refused).await;
    }
    ledger.close().await;
    check(&db, counter);
}

/// The refused share comes again. It may have reached the disk after all; either way it counts once.
async fn append_again(ledger: &ShareLedger, refused: u64) -> u64 {
    match ledger.reserve(ledger_support::key(1, refused)) {
        Ok(reservation) => {
            let worker = ledger_support::worker("ann", "rig");
            let seq = ledger.append(reservation, worker, 100, 200, 1).await.unwrap();
            assert_eq!(seq, refused + 1);
        }
        Err(error) => assert_eq!(error.to_string(), "duplicate share"),
    }
    refused + 1
}

fn check(db: &Path, shares: u64) {
    let ledger = open(db);
    assert_eq!(ledger.last_seq(), Ok(shares));
    let counters: Vec<u64> = all_shares(&ledger).iter().map(|(_, share)| share.key.counter).collect();
    assert_eq!(counters, (0..shares).collect::<Vec<_>>());
}
