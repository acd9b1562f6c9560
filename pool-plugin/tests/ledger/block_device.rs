//! A block device that cannot write: a real file system gets real I/O errors from below, shares are refused,
//! nothing acknowledged is lost, and storing resumes when the device works again.
//!
//! The device is a loop device over a sparse file in a small tmpfs: when that is full, the device fails every
//! write that needs a new block. The file system is ext2, which continues after an error, where ext4 would
//! need an operator. The test needs root and loop devices; without them, it says so and passes.

use std::{
    fs::{self, File},
    path::PathBuf,
};

use tempfile::{TempDir, tempdir};

use crate::{
    small_disk::{
        Filler, append_again, append_until_refused, mount_memory, run, skip, unmount, wait_until_healthy,
    },
    support::{all_shares, append, open},
};

struct Device {
    folder: TempDir,
}

impl Device {
    fn make() -> Result<Self, String> {
        let device = Self { folder: tempdir().unwrap() };
        for folder in [device.below(), device.mounted()] {
            fs::create_dir(folder).unwrap();
        }
        mount_memory(10, &device.below())?;
        File::create(device.image()).unwrap().set_len(64 << 20).unwrap();
        run("mkfs.ext2", &["-q", "-F"], &device.image())?;
        device.mount()?;
        Ok(device)
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

    fn mount(&self) -> Result<(), String> {
        let image = self.image().to_str().unwrap().to_owned();
        run("mount", &["-o", "loop,errors=continue", &image], &self.mounted())
    }

    /// Later reads come from the device, and not from a cache.
    fn mount_again(&self) {
        assert_eq!(run("umount", &[], &self.mounted()), Ok(()));
        assert_eq!(self.mount(), Ok(()));
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        for folder in [self.mounted(), self.below()] {
            // Not all may be mounted.
            let _ = unmount(&folder);
        }
    }
}

#[tokio::test]
async fn a_device_that_fails_writes_costs_refused_shares_and_no_acknowledged_one() {
    let device = match Device::make() {
        Ok(device) => device,
        Err(why) => {
            return skip(
                "a block device that fails writes under the share ledger",
                &format!("it needs root, mkfs.ext2 and a loop device ({why})"),
            );
        }
    };
    let db = device.mounted().join("db");
    let ledger = open(&db);
    let mut counter = 0;
    for _ in 0..3 {
        for _ in 0..20 {
            append(&ledger, 1, counter).await.unwrap();
            counter += 1;
        }
        let filler = Filler::within(&device.below());
        let refused = append_until_refused(&ledger, counter).await;
        assert!(append(&ledger, 1, refused + 1).await.is_err(), "it still refuses");

        filler.remove();
        wait_until_healthy(&ledger).await;
        counter = append_again(&ledger, refused).await;
    }
    ledger.close().await;
    device.mount_again();
    let ledger = open(&db);
    let mut counters: Vec<u64> = all_shares(&ledger).iter().map(|(_, share)| share.key.counter).collect();
    counters.sort_unstable();
    assert_eq!(counters, (0..counter).collect::<Vec<_>>());
    ledger.close().await;
}
