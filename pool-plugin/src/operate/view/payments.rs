//! What the payout script paid, as reported to the pool: `scripts/payments_json.py` writes the file.

use std::{
    collections::HashMap,
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use pool_core::log_throttle::LogThrottle;
use serde::Deserialize;

use super::Decimal;

/// A file larger than this was not written by that script.
const LARGEST: u64 = 64 << 20;

/// The payments in the file when it was last read.
#[derive(Default)]
pub(super) struct Payments {
    changed: Option<SystemTime>,
    paid: Option<HashMap<String, u128>>,
    trouble: LogThrottle,
}

#[derive(Deserialize)]
struct File {
    /// By account, microcredits.
    paid: HashMap<String, Decimal>,
}

impl Payments {
    /// Reads the file again if it has changed.
    pub(super) fn follow(&mut self, path: &Path) {
        let Ok(metadata) = fs::metadata(path) else { return };
        let changed = metadata.modified().ok();
        if changed == self.changed && self.paid.is_some() {
            return;
        }
        // A file that changes while it is read is read once more.
        let young =
            changed.and_then(|changed| changed.elapsed().ok()).is_none_or(|age| age < Duration::from_secs(2));
        match read(path, metadata.len()) {
            Ok(paid) => {
                self.paid = Some(paid);
                self.changed = changed.filter(|_| !young);
            }
            Err(reason) => {
                if self.trouble.due().is_some() {
                    tracing::warn!(file = %path.display(), %reason, "cannot read the payments");
                }
            }
        }
    }

    /// Microcredits paid to an account; `None` if no payments were reported.
    pub(super) fn of(&self, account: &str) -> Option<u128> {
        self.paid.as_ref().map(|paid| paid.get(account).copied().unwrap_or(0))
    }
}

fn read(path: &Path, length: u64) -> Result<HashMap<String, u128>, String> {
    if length > LARGEST {
        return Err(format!("it has more than {LARGEST} bytes"));
    }
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    let file: File = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    Ok(file.paid.into_iter().map(|(account, Decimal(paid))| (account, paid)).collect())
}
