//! Damaged data files under a running ledger: what depends on them is refused until they are restored.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use pool_plugin::ledger::{LedgerHealth, ReserveError, ShareLedger};
use tempfile::tempdir;

use crate::support::{all_shares, append, key, open};

const SHARES: u64 = 2_000;
/// Only ends a test that hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Data files with their first block damaged.
struct Damage(Vec<(PathBuf, Vec<u8>)>);

impl Damage {
    fn done_to(dir: &Path) -> Self {
        let paths = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
        let data_files = paths.filter(|path| path.extension().is_some_and(|end| end == "sst"));
        let damage: Vec<_> = data_files.map(|path| (path.clone(), fs::read(path).unwrap())).collect();
        assert!(!damage.is_empty(), "there are no data files to damage");
        for (path, sound) in &damage {
            let mut damaged = sound.clone();
            damaged.iter_mut().take(300).for_each(|byte| *byte ^= 0xff);
            overwrite(path, &damaged);
        }
        Self(damage)
    }

    fn undo(self) {
        self.0.iter().for_each(|(path, sound)| overwrite(path, sound));
    }
}

/// In place: the database has the file open.
fn overwrite(path: &Path, bytes: &[u8]) {
    use std::os::unix::fs::FileExt;
    fs::File::options().write(true).open(path).unwrap().write_all_at(bytes, 0).unwrap();
}

async fn wait_until_healthy(ledger: &ShareLedger) {
    let mut health = ledger.healthy();
    tokio::time::timeout(PATIENCE, health.wait_for(LedgerHealth::is_ok)).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_damaged_block_refuses_the_shares_it_touches_until_it_is_sound_again() {
    let dir = tempdir().unwrap();
    let ledger = open(dir.path());
    let stored = (0..SHARES).map(|counter| {
        let ledger = ledger.clone();
        tokio::spawn(async move { append(&ledger, 1, counter).await.unwrap() })
    });
    for task in stored.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    ledger.close().await;
    // Opening moves the log's content to data files.
    let ledger = open(dir.path());
    let damage = Damage::done_to(dir.path());

    // The key of the first share is in a damaged block: the duplicate check of this share is impossible.
    let error = ledger.reserve(key(1, 0)).unwrap_err();
    assert!(matches!(error, ReserveError::Storage(_)), "{error}");
    let mut health = ledger.healthy();
    tokio::time::timeout(PATIENCE, health.wait_for(|health| !health.is_ok())).await.unwrap().unwrap();
    // Other shares still work.
    assert_eq!(append(&ledger, 1, SHARES).await, Ok(SHARES + 1));
    assert!(ledger.shares(1, 1).next().unwrap().is_err());

    damage.undo();
    wait_until_healthy(&ledger).await;
    assert_eq!(ledger.reserve(key(1, 0)).unwrap_err(), ReserveError::Duplicate);
    assert_eq!(append(&ledger, 1, SHARES + 1).await, Ok(SHARES + 2));
    assert_eq!(all_shares(&ledger).len() as u64, SHARES + 2);
}
