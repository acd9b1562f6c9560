//! The latest report of each part, for all readers.

use std::{collections::BTreeMap, sync::Arc};

use tokio::sync::watch;

use super::{Level, Part, Report};

/// The latest report of each part that has reported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health(pub BTreeMap<Part, Report>);

/// Where the parts report and the API reads. Clones share one board.
#[derive(Clone, Debug, Default)]
pub struct HealthBoard(Arc<watch::Sender<Health>>);

impl Health {
    /// The worst level; green if no part has reported.
    pub fn level(&self) -> Level {
        self.0.values().map(|report| report.level).max().unwrap_or(Level::Green)
    }
}

impl HealthBoard {
    /// Records a part's report, and logs it if it is new.
    pub fn report(&self, part: Part, report: Report) {
        self.0.send_if_modified(|health| {
            let last = health.0.get(&part);
            if last == Some(&report) {
                return false;
            }
            if last.is_none_or(|last| (last.level, last.reason) != (report.level, report.reason)) {
                log(part, &report);
            }
            health.0.insert(part, report);
            true
        });
    }

    pub fn subscribe(&self) -> watch::Receiver<Health> {
        self.0.subscribe()
    }

    pub fn latest(&self) -> Health {
        self.0.borrow().clone()
    }
}

fn log(part: Part, report: &Report) {
    let Report { level, reason, text } = report;
    match level {
        Level::Green => tracing::info!(%part, reason, "healthy: {text}"),
        Level::Amber => tracing::warn!(%part, reason, "{text}"),
        Level::Red => tracing::error!(%part, reason, "{text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_part_is_the_pools_level() {
        let board = HealthBoard::default();
        assert_eq!(board.latest().level(), Level::Green);
        board.report(Part::Ledger, Report::green("writing", "shares are written"));
        board.report(Part::Chain, Report::red("stuck", "it is stuck"));
        board.report(Part::Verification, Report::amber("filling", "60 of 100 places taken"));
        assert_eq!(board.latest().level(), Level::Red);
    }

    #[test]
    fn the_same_report_twice_is_no_change() {
        let board = HealthBoard::default();
        board.report(Part::Ledger, Report::green("writing", "shares are written"));
        let mut changes = board.subscribe();
        board.report(Part::Ledger, Report::green("writing", "shares are written"));
        assert!(!changes.has_changed().unwrap());
        board.report(Part::Ledger, Report::red("failing", "shares cannot be written"));
        assert!(changes.has_changed().unwrap());
        changes.mark_unchanged();
    }
}
