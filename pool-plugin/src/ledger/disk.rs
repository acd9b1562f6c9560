//! Whether there is room on the disk.

use std::{io, path::Path};

use pool_core::health::Report;

/// Free space below so many hundredths of the disk is reported to the operator.
const LOW_PERCENT: u64 = 10;
/// Unless this much is free, which is months of shares.
const PLENTY: u64 = 100 << 30;
/// Below this the node's own ledger is about to fail.
const LEAST: u64 = 2 << 30;
const GIB: f64 = (1u64 << 30) as f64;

/// The disk a folder is on, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// The free space.
    pub free: u64,
    pub size: u64,
}

impl Space {
    pub fn of(folder: &Path) -> io::Result<Self> {
        let disk = rustix::fs::statvfs(folder)?;
        let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
        Ok(Self { free: bytes(disk.f_bavail), size: bytes(disk.f_blocks) })
    }

    /// Judges it. Usually the node's ledger is what fills the disk.
    pub fn judge(self) -> Report {
        let Self { free, size } = self;
        let room = format!("{:.1} of {:.0} GiB are free", free as f64 / GIB, size as f64 / GIB);
        if free < LEAST {
            let text = format!("{room}: shares and blocks will be refused soon; free disk space now");
            return Report::red("full", text);
        }
        if free < PLENTY && u128::from(free) * 100 < u128::from(size) * u128::from(LOW_PERCENT) {
            return Report::amber("filling", format!("{room}: free disk space, or move to a larger disk"));
        }
        Report::green("room", room)
    }
}

#[cfg(test)]
mod tests {
    use pool_core::health::Level;

    use super::*;

    #[test]
    fn a_disk_is_judged_by_what_is_free() {
        let judged = |free: u64, size: u64| Space { free: free << 30, size: size << 30 }.judge();
        assert_eq!(judged(50, 100).level, Level::Green);
        assert_eq!(judged(9, 100).level, Level::Amber);
        assert_eq!(judged(150, 2_000).level, Level::Green, "a small part of a large disk");
        assert_eq!(judged(1, 4).level, Level::Red);
        assert!(judged(9, 100).text.starts_with("9.0 of 100 GiB are free:"));
    }

    #[test]
    fn the_disk_of_a_folder_has_a_size() {
        let space = Space::of(Path::new("/")).unwrap();
        assert!(space.size > 0 && space.free <= space.size);
        assert!(Space::of(Path::new("/none/such")).is_err());
    }
}
