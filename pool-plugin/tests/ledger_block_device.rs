//! A block device that cannot write: a real file system gets real I/O errors from below, shares are refused, nothing
//! that was acknowledged is lost, and storing goes on when the device does.
//!
//! The device is a loop device over a sparse file in a small tmpfs: when that is full, the device fails whatever needs
//! a new block. The file system is ext2, which goes on after an error, where ext4 would ask for an operator. It takes
//! root and loop devices; without, it says so and passes.

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

use ledger_support::{all_shares, append, key, open, worker};
use pool_plugin::ledger::{LedgerHealth, ShareLedger, WriteError};
use tempfile::{TempDir, tempdir};

const MORE_THAN_FITS: u64 = 200_000;
/// Only to end a test that hangs.
const PATIENCE: Duration = Duration::from_secs(60);

struct Device {
    folder: TempDir,
}

fn succeeds(program: &str, arguments: &[&str], path: &Path) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).arg(path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

impl Device {
    fn make() -> Option<Self> {
        let device = Self { folder: tempdir().unwrap() };
        for folder in [device.below(), device.mounted()] {
            fs::create_dir(folder).unwrap();
        }
        let mount = ["-t", "tmpfs", "-o", "size=10m", "tmpfs"];
        if !succeeds("mount", &mount, &device.below()) {
            return None;
        }
        File::create(device.image()).unwrap().set_len(64 << 20).unwrap();
        let made = succeeds("mkfs.ext2", &["-q", "-F"], &device.image()) && device.mount();
        made.then_some(device)
    }

    fn below(&self) -> PathBuf {
        self.folder.path().join("below")
    }

    fn image(&self) -> PathBuf {
        self.below().join("image")
    }

    fn mounted(&self) -> PathBuf {
        self.folder.path().join("mounted")
    }

    fn filler(&self) -> PathBuf {
        self.below().join("filler")
    }

    fn mount(&self) -> bool {
        let image = self.image().to_str().unwrap().to_owned();
        succeeds("mount", &["-o", "loop,errors=continue", &image], &self.mounted())
    }

    /// What is read afterwards comes from the device, and from no cache.
    fn mount_again(&self) {
        assert!(succeeds("umount", &[], &self.mounted()));
        assert!(self.mount());
    }

    fn fail_writes(&self) {
        let mut file = File::create(self.filler()).unwrap();
        for size in [64 << 10, 4096, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
    }

    fn mend(&self) {
        fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        for folder in [self.mounted(), self.below()] {
            let _ = succeeds("umount", &["-l"], &folder);
        }
    }
}

/// Appends until the device refuses; returns the counter that was refused.
async fn append_until_refused(ledger: &ShareLedger, first: u64) -> (u64, WriteError) {
    for counter in first..first + MORE_THAN_FITS {
        if let Err(error) = append(ledger, 1, counter).await {
            return (counter, error);
        }
    }
    panic!("a device that cannot write took {MORE_THAN_FITS} shares");
}

#[tokio::test]
async fn a_device_that_fails_writes_costs_refused_shares_and_no_acknowledged_one() {
    let Some(device) = Device::make() else {
        eprintln!("skipped: a loop device with ext2 cannot be mounted here, that takes root");
        return;
    };
    let db = device.mounted().join("db");
    let ledger = open(&db);
    let mut counter = 0;
    for _ in 0..3 {
        for _ in 0..20 {
            append(&ledger, 1, counter).await.unwrap();
            counter += 1;
        }
        device.fail_writes();
        let (refused, error) = append_until_refused(&ledger, counter).await;
        assert!(matches!(error, WriteError::Storage(_)), "{error}");
        assert!(!ledger.healthy().borrow().is_ok());
        assert!(append(&ledger, 1, refused + 1).await.is_err(), "it goes on refusing");

        device.mend();
        let mut health = ledger.healthy();
        tokio::time::timeout(PATIENCE, health.wait_for(LedgerHealth::is_ok)).await.unwrap().unwrap();
        // The refused share comes again; it may have reached the device after all, and counts once.
        match ledger.reserve(key(1, refused)) {
            Ok(reservation) => {
                ledger.append(reservation, worker("ann", "rig"), 100, 200, 1).await.unwrap();
            }
            Err(error) => assert_eq!(error.to_string(), "duplicate share"),
        }
        counter = refused + 1;
    }
    ledger.close().await;
    device.mount_again();
    let ledger = open(&db);
    let mut counters: Vec<u64> = all_shares(&ledger).iter().map(|(_, share)| share.key.counter).collect();
    counters.sort_unstable();
    assert_eq!(counters, (0..counter).collect::<Vec<_>>());
    ledger.close().await;
}
