//! Whether what the dumps paid can be shown.

use pool_core::health::Report;

use crate::books::dump::SummaryError;

/// Judges the sums of the dumps. `waits_for`: the dump behind which they stop.
pub(super) fn rewards(waits_for: Option<&SummaryError>) -> Report {
    let Some(error) = waits_for else {
        return Report::green("complete", "the rewards and the luck are those of all dumps so far");
    };
    let text = format!(
        "{error}; the rewards and the luck that are shown end with the block before: remove the file and restart the \
         pool, which writes it again; if its shares have been retired, copy the file from a backup"
    );
    let reason = if matches!(error, SummaryError::Missing { .. }) { "missing" } else { "unreadable" };
    Report::amber(reason, text)
}
