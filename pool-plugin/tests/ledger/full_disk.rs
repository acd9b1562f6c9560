//! A full disk: shares are refused, nothing is lost, and storing resumes once there is room again.
//!
//! Mounts its own small file system, so it needs root and the right to mount; without them, it says so and
//! passes.

use std::path::Path;

use tempfile::{TempDir, tempdir};

use crate::{
    small_disk::{
        Filler, append_again, append_until_refused, mount_memory, skip, unmount, wait_until_healthy,
    },
    support::{all_shares, append, open},
};

struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    fn mount() -> Result<Self, String> {
        let folder = tempdir().unwrap();
        mount_memory(6, folder.path())?;
        Ok(Self { folder })
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        assert_eq!(unmount(self.folder.path()), Ok(()));
    }
}

#[tokio::test]
async fn a_full_disk_refuses_shares_and_an_emptied_one_takes_them_again() {
    let disk = match SmallDisk::mount() {
        Ok(disk) => disk,
        Err(why) => {
            return skip(
                "a full disk under the share ledger",
                &format!("it needs root and the right to mount ({why})"),
            );
        }
    };
    let db = disk.folder.path().join("db");
    let ledger = open(&db);
    let mut counter = 0;
    for _ in 0..3 {
        let filler = Filler::within(disk.folder.path());
        let refused = append_until_refused(&ledger, counter).await;
        // It can still be read, and still refuses.
        assert_eq!(ledger.last_seq(), Ok(refused));
        assert!(append(&ledger, 1, refused).await.is_err());

        filler.remove();
        wait_until_healthy(&ledger).await;
        counter = append_again(&ledger, refused).await;
    }
    ledger.close().await;
    check(&db, counter);
}

fn check(db: &Path, shares: u64) {
    let ledger = open(db);
    assert_eq!(ledger.last_seq(), Ok(shares));
    let counters: Vec<u64> = all_shares(&ledger).iter().map(|(_, share)| share.key.counter).collect();
    assert_eq!(counters, (0..shares).collect::<Vec<_>>());
}
