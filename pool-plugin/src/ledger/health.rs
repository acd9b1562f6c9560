//! Whether shares are written.

use pool_core::health::Report;

use super::LedgerHealth;

/// Judges the share ledger by its last write.
pub fn ledger(health: &LedgerHealth) -> Report {
    let LedgerHealth::Failing { reason } = health else {
        return Report::green("writing", "shares are written");
    };
    let text = format!(
        "shares cannot be written ({reason}) and are refused: free disk space or fix the data folder"
    );
    Report::red("failing", text)
}
