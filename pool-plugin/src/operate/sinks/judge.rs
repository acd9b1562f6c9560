//! From a sink's status to a health report.

use std::time::Duration;

use pool_sinks::{runner::Status, sink::Trouble};

use pool_core::health::Report;

/// A copy may be this old before it is reported to the operator.
const PATIENCE: Duration = Duration::from_secs(60);

/// Judges a sink. `stored`: the numbers of the first and the last share in the ledger. Whatever the verdict,
/// no share is delayed and none is lost: what the server lacks stays in the ledger.
pub fn judge(status: &Status, stored: Option<(u64, u64)>) -> Report {
    let Status { name, server, progress, trouble, behind } = status;
    let waiting = match (progress.share, stored) {
        (Some(share), Some((_, last))) => {
            pool_core::types::counted(last.saturating_sub(share), "waiting share")
        }
        _ => format!("blocks after {} are waiting", progress.block),
    };
    let minutes = pool_core::types::counted(behind.as_secs() / 60, "minute");
    match trouble {
        Some(Trouble::Refused(why)) => {
            Report::red("refused", format!("the sink {name} at {server} has stopped ({why}); {waiting}"))
        }
        Some(Trouble::Unreachable(why)) if *behind > PATIENCE => Report::amber(
            "unreachable",
            format!(
                "the sink {name} at {server} has not been complete for {minutes} ({why}); {waiting}: \
                 start the server or fix the connection to it"
            ),
        ),
        Some(Trouble::Books(why)) if *behind > PATIENCE => {
            Report::amber("books", format!("the sink {name} cannot read the pool's books ({why}); {waiting}"))
        }
        _ if *behind > PATIENCE => Report::amber(
            "behind",
            format!(
                "the sink {name} at {server} has not been complete for {minutes}; {waiting}: if it \
                 does not catch up, check how busy the server is, and whether dumps can be written"
            ),
        ),
        _ if progress.missed > 0 => Report::amber(
            "missed",
            format!(
                "the sink {name} at {server} lacks {} that were retired before it could copy them",
                pool_core::types::counted(progress.missed, "share")
            ),
        ),
        _ => Report::green("following", format!("the sink {name} at {server} follows the ledger")),
    }
}

#[cfg(test)]
mod tests {
    use pool_core::health::Level;
    use pool_sinks::sink::Progress;

    use super::*;

    fn judged(trouble: Option<Trouble>, seconds: u64, missed: u64) -> Report {
        let status = Status {
            name: "redis",
            server: "redis://x:1/0".into(),
            progress: Progress { share: Some(70), block: 5, missed },
            trouble,
            behind: Duration::from_secs(seconds),
        };
        judge(&status, Some((1, 100)))
    }

    #[test]
    fn a_sink_is_judged_by_its_trouble_and_by_how_long_it_lasts() {
        let gone = || Some(Trouble::Unreachable("refused".into()));
        assert_eq!(judged(None, 0, 0).level, Level::Green);
        assert_eq!(judged(gone(), 59, 0).level, Level::Green, "a server may be started again");
        assert_eq!(judged(gone(), 120, 0).reason, "unreachable");
        assert!(judged(gone(), 120, 0).text.contains("2 minutes (refused); 30 waiting shares"));
        assert_eq!(judged(None, 120, 0).reason, "behind");
        assert_eq!(judged(None, 0, 3).reason, "missed");
        assert_eq!(judged(Some(Trouble::Refused("no".into())), 0, 0).level, Level::Red);
    }
}
