//! A loss of power: unsynced data may be gone.
//!
//! Of each file at least the synced part stays, and any part of the rest, or zeros from a sector on. Of the
//! changes of names in a folder since its last sync any number stays, in their order.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use super::Disk;

/// A disk writes this much completely or not at all.
const SECTOR: u64 = 512;

/// The size of every file before a process is started: all of it is on the disk.
pub(crate) type Sizes = BTreeMap<PathBuf, u64>;

/// A change of names, with the data to undo it.
enum Change {
    Create { path: PathBuf },
    Rename { kept: PathBuf, from: PathBuf, to: PathBuf },
    Remove { kept: PathBuf, path: PathBuf },
}

impl Change {
    fn folder(&self) -> &Path {
        let path = match self {
            Self::Create { path } | Self::Rename { to: path, .. } | Self::Remove { path, .. } => path,
        };
        path.parent().unwrap()
    }

    fn undo(&self) {
        // Each may fail: the process died before it was done, or an earlier one is undone already.
        let _ = match self {
            Self::Create { path } => fs::remove_file(path),
            Self::Rename { from, .. } if from.exists() => Ok(()),
            Self::Rename { kept, from, to } => fs::rename(to, from)
                .and_then(|()| if kept.exists() { fs::hard_link(kept, to) } else { Ok(()) }),
            Self::Remove { path, .. } if path.exists() => Ok(()),
            Self::Remove { kept, path } => fs::hard_link(kept, path),
        };
    }
}

impl Disk {
    /// To be called before a process with a journal is started.
    pub(crate) fn sizes(&self) -> Sizes {
        let mut sizes = Sizes::new();
        measure(&self.data(), &mut sizes);
        sizes
    }

    /// Changes the folder to what a disk may hold after a loss of power. `choose(n)` is a number below `n`.
    pub(crate) fn lose_power(&self, before: Sizes, choose: &mut impl FnMut(u64) -> u64) {
        let journal = fs::read_to_string(self.journal()).unwrap_or_default();
        let mut synced = before;
        let mut pending: Vec<Change> = Vec::new();
        for line in journal.lines() {
            let parts: Vec<&str> = line.split('\t').collect();
            match parts[..] {
                ["create", path] => {
                    synced.insert(path.into(), 0);
                    pending.push(Change::Create { path: path.into() });
                }
                ["sync", size, path] => {
                    synced.insert(path.into(), size.parse().unwrap());
                }
                ["syncdir", folder] => pending.retain(|change| change.folder() != Path::new(folder)),
                ["rename", kept, from, to] => {
                    let size = synced.remove(Path::new(from)).unwrap_or(0);
                    synced.insert(to.into(), size);
                    let kept = self.grave().join(kept);
                    pending.push(Change::Rename { kept, from: from.into(), to: to.into() });
                }
                ["remove", kept, path] => {
                    pending.push(Change::Remove { kept: self.grave().join(kept), path: path.into() });
                }
                _ => panic!("the journal has a line of another kind: {line}"),
            }
        }
        let kept = choose(pending.len() as u64 + 1) as usize;
        pending[kept..].iter().rev().for_each(Change::undo);
        let mut now = Sizes::new();
        measure(&self.data(), &mut now);
        for (path, size) in now {
            let promised = synced.get(&path).copied().unwrap_or(size).min(size);
            tear(&path, promised, size, choose);
        }
    }

    /// To be called after that, or after a process that was only killed: everything is on the disk now.
    pub(crate) fn forget_journal(&self) {
        let _ = fs::remove_file(self.journal());
        fs::remove_dir_all(self.grave()).unwrap();
        fs::create_dir(self.grave()).unwrap();
    }
}

fn tear(path: &Path, promised: u64, size: u64, choose: &mut impl FnMut(u64) -> u64) {
    if promised == size {
        return;
    }
    let cut = match choose(3) {
        0 => promised,
        1 => promised + choose(size - promised + 1),
        _ => size,
    };
    let mut file = File::options().write(true).open(path).unwrap();
    let sector = cut.next_multiple_of(SECTOR);
    if choose(3) == 0 && sector < size {
        // The size was written, the content was not.
        file.seek(SeekFrom::Start(sector)).unwrap();
        file.write_all(&vec![0; usize::try_from(size - sector).unwrap()]).unwrap();
    } else {
        file.set_len(cut).unwrap();
    }
}

fn measure(folder: &Path, sizes: &mut Sizes) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            measure(&path, sizes);
        } else {
            let size = fs::metadata(&path).unwrap().len();
            sizes.insert(path, size);
        }
    }
}
