//! Handles to a running pool, for any thread.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::{
    backup::{self, BackupError},
    ledger::ShareLedger,
};

/// Backs up the books of a pool from any thread.
#[derive(Clone, Debug)]
pub struct BackupHandle {
    pub(super) ledger: ShareLedger,
    pub(super) data: PathBuf,
    pub(super) under_way: Arc<Mutex<()>>,
}

impl BackupHandle {
    /// To the folder `dir`, which must not exist or be empty. Blocks: not for async threads.
    pub fn backup(&self, dir: &Path) -> Result<backup::Manifest, BackupError> {
        let Some(_alone) = self.under_way.try_lock() else { return Err(BackupError::UnderWay) };
        backup::create(&self.ledger, &self.data, dir)
    }
}

/// Stops a pool from any thread.
#[derive(Clone)]
pub struct StopHandle(pub(super) CancellationToken);

impl StopHandle {
    /// Returns at once; `Pool::run` returns when everything is settled.
    pub fn stop(&self) {
        self.0.cancel();
    }
}
