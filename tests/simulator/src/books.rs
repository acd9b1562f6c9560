//! The shares that a pool has stored, to compare with what it acknowledged.

use std::{collections::HashSet, path::Path};

use anyhow::Result;
use pool_plugin::ledger::ShareLedger;

/// The counters of all shares in a pool's folder; the pool may be running.
pub fn stored(data: &Path) -> Result<HashSet<u64>> {
    let ledger = ShareLedger::open_read_only(&data.join("db"))?;
    let last = ledger.last_seq()?;
    ledger.shares(1, last).map(|entry| Ok(entry?.1.key.counter)).collect()
}
