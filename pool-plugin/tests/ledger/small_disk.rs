//! Shared by tests in which a disk refuses writes for a while: a small file system, a file that fills it, and
//! a ledger on it.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use pool_plugin::ledger::{LedgerHealth, ShareLedger, WriteError};

use crate::support::{append, key, worker};

const MORE_THAN_FITS: u64 = 200_000;
/// Only ends a test that hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a program with `path` as its last argument; returns why it failed.
pub(crate) fn run(program: &str, arguments: &[&str], path: &Path) -> Result<(), String> {
    let mut command = Command::new(program);
    command.args(arguments).arg(path).stdin(Stdio::null());
    match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            Err(String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or(program).to_owned())
        }
        Err(error) => Err(format!("{program} did not start: {error}")),
    }
}

/// Mounts an empty file system of this many MiB, in memory.
pub(crate) fn mount_memory(mebibytes: u32, folder: &Path) -> Result<(), String> {
    let size = format!("size={mebibytes}m");
    run("mount", &["-t", "tmpfs", "-o", &size, "tmpfs"], folder)
}

/// Unmounts it at once, even if it is in use.
pub(crate) fn unmount(folder: &Path) -> Result<(), String> {
    run("umount", &["-l"], folder)
}

/// Says what was not tested and why. Not by `eprintln`, which is shown only for a failed test.
pub(crate) fn skip(not_tried: &str, why: &str) {
    let _ = writeln!(io::stderr(), "SKIPPED: {not_tried} was not tried: {why}");
}

/// A file that takes all the free space.
pub(crate) struct Filler(PathBuf);

impl Filler {
    pub(crate) fn within(folder: &Path) -> Self {
        let filler = Self(folder.join("filler"));
        let mut file = File::create(&filler.0).unwrap();
        for size in [64 << 10, 4096, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
        filler
    }

    pub(crate) fn remove(self) {
        fs::remove_file(self.0).unwrap();
    }
}

/// Appends until the disk refuses; returns the refused counter.
pub(crate) async fn append_until_refused(ledger: &ShareLedger, first: u64) -> u64 {
    for counter in first..first + MORE_THAN_FITS {
        if let Err(error) = append(ledger, 1, counter).await {
            assert!(matches!(error, WriteError::Storage(_)), "{error}");
            assert!(!ledger.healthy().borrow().is_ok());
            return counter;
        }
    }
    panic!("a full disk took {MORE_THAN_FITS} shares");
}

pub(crate) async fn wait_until_healthy(ledger: &ShareLedger) {
    let mut health = ledger.healthy();
    tokio::time::timeout(PATIENCE, health.wait_for(LedgerHealth::is_ok)).await.unwrap().unwrap();
}

/// The refused share is sent again. It may have reached the disk after all; either way it counts once.
/// Returns the counter after it.
pub(crate) async fn append_again(ledger: &ShareLedger, refused: u64) -> u64 {
    match ledger.reserve(key(1, refused)) {
        Ok(reservation) => {
            let seq = ledger.append(reservation, worker("ann", "rig"), 100, 200, 1).await.unwrap();
            assert_eq!(seq, refused + 1);
        }
        Err(error) => assert_eq!(error.to_string(), "duplicate share"),
    }
    refused + 1
}
