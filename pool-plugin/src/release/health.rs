//! The solutions: whether they are on their way.

use pool_core::health::Report;

use crate::release::queue::{QueueStatus, Wait};

/// Judges the release queue. `unwritten`: why found solutions cannot be recorded.
pub fn release(status: &QueueStatus, unwritten: Option<&str>) -> Report {
    let waiting = |wait: Wait| status.waiting.get(&wait).copied().unwrap_or(0);
    let solutions = |wait: Wait| pool_core::types::counted(waiting(wait), "solution");
    if let Some(why) = unwritten {
        let text = format!(
            "found solutions go to the network but cannot be recorded ({why}): free disk space or fix the \
             data folder before a restart"
        );
        return Report::red("unwritten", text);
    }
    if waiting(Wait::Network) > 0 {
        let text = format!(
            "holding {} until the node follows the network again: see the part `chain`",
            solutions(Wait::Network)
        );
        return Report::red("held", text);
    }
    if waiting(Wait::NoPeer) > 0 {
        let text = format!(
            "holding {} because no peer can be written to: check the network and the trusted peers (--peers)",
            solutions(Wait::NoPeer)
        );
        return Report::red("no_peer", text);
    }
    if waiting(Wait::UnknownLimit) > 0 {
        let text = format!(
            "holding {} because the stake limit cannot be read: check the node's ledger",
            solutions(Wait::UnknownLimit)
        );
        return Report::red("unknown_limit", text);
    }
    if waiting(Wait::StakeLimit) > 0 {
        let text = format!(
            "holding {} because the pool address may land no more in this epoch: bond more stake to it",
            solutions(Wait::StakeLimit)
        );
        return Report::amber("stake_limit", text);
    }
    if waiting(Wait::Pace) > 0 {
        let text = format!(
            "holding {} for the next minute, since peers accept no more at once: add peers if this lasts",
            solutions(Wait::Pace)
        );
        return Report::amber("pace", text);
    }
    let text = format!(
        "{} on the way, {} held below the proof target, {} for a better one, {} for the next epoch",
        pool_core::types::counted(status.released, "solution"),
        waiting(Wait::ProofTarget),
        waiting(Wait::Better),
        waiting(Wait::NextEpoch)
    );
    Report::green("flowing", text)
}

#[cfg(test)]
mod tests {
    use pool_core::health::Level;

    use super::*;

    #[test]
    fn the_release_queue_names_its_worst_trouble() {
        let judged = |waiting: &[(Wait, usize)], unwritten| {
            let status = QueueStatus { released: 1, waiting: waiting.iter().copied().collect() };
            release(&status, unwritten)
        };
        assert_eq!(judged(&[], None).reason, "flowing");
        assert_eq!(judged(&[(Wait::ProofTarget, 3), (Wait::Epoch, 1)], None).level, Level::Green);
        let early = judged(&[(Wait::NextEpoch, 2)], None);
        assert_eq!((early.level, early.reason), (Level::Green, "flowing"));
        assert!(early.text.ends_with("2 for the next epoch"));
        let held = judged(&[(Wait::StakeLimit, 3), (Wait::Pace, 1)], None);
        assert_eq!((held.level, held.reason), (Level::Amber, "stake_limit"));
        assert!(held.text.starts_with("holding 3 solutions"));
        assert_eq!(judged(&[(Wait::StakeLimit, 1), (Wait::NoPeer, 1)], None).reason, "no_peer");
        assert_eq!(judged(&[(Wait::NoPeer, 1)], Some("disk full")).reason, "unwritten");
    }
}
