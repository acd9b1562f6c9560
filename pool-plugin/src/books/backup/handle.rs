//! Backups of a pool that runs.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;

use super::{BackupError, Manifest, create};
use crate::ledger::ShareLedger;

/// Backs up the books of a pool from any thread.
#[derive(Clone, Debug)]
pub struct BackupHandle {
    ledger: ShareLedger,
    data: PathBuf,
    under_way: Arc<Mutex<()>>,
}

impl BackupHandle {
    /// `data`: the pool's data folder.
    pub(crate) fn new(ledger: ShareLedger, data: PathBuf) -> Self {
        Self { ledger, data, under_way: Arc::default() }
    }

    /// To the folder `dir`, which must not exist or be empty. Blocks: not for async threads.
    pub fn backup(&self, dir: &Path) -> Result<Manifest, BackupError> {
        let Some(_alone) = self.under_way.try_lock() else { return Err(BackupError::UnderWay) };
        create(&self.ledger, &self.data, dir)
    }
}
