//! The node: whether it follows the network, and whether our solutions would get through. One part, one
//! cause, one piece of advice.

use std::time::{Duration, SystemTime};

use super::syncing::{Progress, rough};
use crate::{
    chain::{
        ChainState, Peer, Protocol,
        following::{Access, Following, NewerVersion, SyncState},
    },
    health::Report,
};

/// The number of validators in step with us that the pool wants among its peers: one may fail, or lie.
pub const MIN_SYNCED_VALIDATORS: usize = 2;

/// How many blocks a peer's claimed height may differ from ours: claims come a moment later than blocks.
pub const HEIGHT_TOLERANCE: u32 = 2;

/// No later moment has a text: the end of the year 9999.
const LAST_TIME: Duration = Duration::from_secs(253_402_300_799);

/// The input for a report on the node.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    pub state: &'a ChainState,
    pub protocol: &'a Protocol,
    /// How the node catches up, while it does.
    pub progress: Option<&'a Progress>,
    /// How many peers there are, and how many of them are validators in step with us; `None` on a validator, which
    /// needs none.
    pub peers: Option<(usize, usize)>,
    /// Unix seconds.
    pub now: i64,
}

/// Judges the node's place in the network.
pub fn chain(node: &Node<'_>) -> Report {
    let Some(puzzle) = node.state.puzzle else {
        return Report::red("no_puzzle", "the node has no puzzle yet: wait until its ledger is loaded");
    };
    let (sync, height) = (&node.state.sync, puzzle.height);
    if let Some(newer) = sync.newer
        && !sync.synced()
    {
        return Report::red("outdated", outdated(node, newer));
    }
    match sync.following {
        Following::Following | Following::NetworkHalted => following(node, height),
        Following::CatchingUp => {
            let progress = node.progress.map_or_else(|| format!("height {height}"), Progress::to_string);
            let text = format!(
                "the node is catching up with the network ({progress}), and miners get no new job: wait, and if it does \
                 not catch up, check its disk and its connection"
            );
            Report::red("catching_up", text)
        }
        Following::Stuck => {
            let behind = sync.behind.unwrap_or(0);
            let text = format!(
                "the node has taken no block after {height} since {}, and its peers are {behind} ahead; {}: look for \
                 refused blocks in its log, then restart it, and if that does not help, upgrade it",
                time(sync.since),
                meaning(sync)
            );
            Report::red("stuck", text)
        }
        Following::Isolated => {
            let text = format!(
                "the node is at height {height} and no trusted peer answers, nor two that it chose itself, since {}; \
                 {}: check its network connection and the trusted peers (--peers)",
                time(sync.since),
                meaning(sync)
            );
            Report::red("isolated", text)
        }
    }
}

fn following(node: &Node<'_>, height: u32) -> Report {
    let sync = &node.state.sync;
    if let Some(announced) = sync.announced {
        let Protocol { release, known, .. } = node.protocol;
        let text = format!(
            "peers are ready for consensus version V{announced}, which this release ({release}, up to V{}) does not \
             know: upgrade before the network activates it; from then on no share would earn anything",
            known.consensus_version
        );
        return Report::amber("newer_announced", text);
    }
    if sync.following == Following::NetworkHalted {
        let text = format!(
            "no block has come after {height} since {}, and no peer has one: the network has stopped; work keeps its \
             value and continues",
            time(sync.since)
        );
        return Report::amber("network_halted", text);
    }
    match node.peers {
        Some((connected, validators)) if validators < MIN_SYNCED_VALIDATORS => Report::red(
            "few_validators",
            format!(
                "the node follows at height {height}, but has only {}, fewer than {MIN_SYNCED_VALIDATORS}: \
                 a solution may not get through; add validators as trusted peers (--peers)",
                peers(connected, validators)
            ),
        ),
        Some((connected, validators)) => Report::green(
            "following",
            format!("follows the network at height {height}; {}", peers(connected, validators)),
        ),
        None => Report::green(
            "following",
            format!("follows the network at height {height}; a validator: a find enters its own proposals"),
        ),
    }
}

fn peers(connected: usize, validators: usize) -> String {
    use crate::types::counted;
    format!("{}, {} in step", counted(connected, "peer"), counted(validators, "validator"))
}

fn outdated(node: &Node<'_>, newer: NewerVersion) -> String {
    let Protocol { release, known, .. } = node.protocol;
    let NewerVersion { version, height, since } = newer;
    let hint = match node.state.sync.access {
        Access::Open | Access::NoNewJobs => "soon no share will earn anything",
        Access::Refusing | Access::Closed => "no share earns anything",
    };
    format!(
        "the network runs consensus version V{version} since block {height} (seen {}, {} ago), and this release \
         ({release}, up to V{}) does not know it: {hint} until the node is upgraded; upgrade now (docs/operators.md, \
         \"The network has moved on\")",
        time(since),
        rough(seconds(node.now.saturating_sub(since))),
        known.consensus_version
    )
}

/// A moment in people's notation, with its time zone.
fn time(unix: i64) -> String {
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + seconds(unix).min(LAST_TIME))
}

fn seconds(seconds: i64) -> Duration {
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

/// What it means for the miners.
fn meaning(sync: &SyncState) -> &'static str {
    match sync.access {
        Access::Open => "miners still work on their jobs",
        Access::NoNewJobs => "miners get no new job",
        Access::Refusing => "shares are refused, since they would earn nothing",
        Access::Closed => "connections are closed, so that miners switch to their next pool",
    }
}

/// How many of `peers` are validators in step with our `height`. A validator that has not announced its
/// height does not count.
pub fn synced_validators(peers: &[Peer], height: u32) -> usize {
    let in_step = |peer: &&Peer| {
        peer.validator && peer.height.is_some_and(|claimed| claimed.abs_diff(height) <= HEIGHT_TOLERANCE)
    };
    peers.iter().filter(in_step).count()
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::{
        chain::{Chain, following::tracker::Known, sim::SimChain},
        health::Level,
    };

    fn validator(port: u16, height: Option<u32>) -> Peer {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        Peer { validator: true, trusted: true, height, ..Peer::chosen(address) }
    }

    #[test]
    fn only_validators_in_step_with_us_count() {
        let client = Peer { validator: false, ..validator(1, Some(10)) };
        let all = [client, validator(2, Some(8)), validator(3, Some(12)), validator(4, Some(13))];
        assert_eq!(synced_validators(&all, 10), 2);
        assert_eq!(synced_validators(&[validator(1, Some(7)), validator(2, None)], 10), 0);
    }

    fn judged(sync: SyncState, peers: Option<(usize, usize)>) -> Report {
        let puzzle = Some(SimChain::new().puzzle().unwrap());
        let known = Known { message_version: 33, consensus_version: 22 };
        let protocol = Protocol { release: "4.12.0", known, ..Protocol::default() };
        let state = ChainState { puzzle, sync };
        chain(&Node { state: &state, protocol: &protocol, progress: None, peers, now: 1_764_540_000 + 720 })
    }

    #[test]
    fn one_cause_and_one_piece_of_advice() {
        let good = SyncState::simple(true);
        assert_eq!(judged(good, Some((5, 2))).level, Level::Green);
        assert_eq!(judged(good, None).level, Level::Green);
        assert_eq!(judged(good, Some((5, 1))).reason, "few_validators");
        let halted = SyncState { following: Following::NetworkHalted, ..good };
        assert_eq!(
            (judged(halted, Some((5, 0))).level, judged(halted, None).reason),
            (Level::Amber, "network_halted")
        );
        let stuck = SyncState {
            following: Following::Stuck,
            access: Access::Refusing,
            behind: Some(7),
            since: 1_764_540_000,
            ..good
        };
        let report = judged(stuck, Some((5, 0)));
        assert_eq!((report.level, report.reason), (Level::Red, "stuck"));
        assert!(report.text.contains("7 ahead; shares are refused"), "{}", report.text);
        assert!(report.text.contains("since Sun, 30 Nov 2025 22:00:00 GMT"), "{}", report.text);
        let isolated = SyncState { following: Following::Isolated, access: Access::Closed, ..good };
        let report = judged(isolated, Some((0, 0)));
        assert_eq!(report.reason, "isolated");
        assert!(report.text.contains("--peers") && report.text.contains("connections are closed"));
        let none = chain(&Node {
            state: &ChainState::default(),
            protocol: &Protocol::default(),
            progress: None,
            peers: None,
            now: 0,
        });
        assert_eq!(none.reason, "no_puzzle");
    }

    #[test]
    fn a_version_that_this_release_lacks_is_named_with_what_to_do() {
        let newer = Some(NewerVersion { version: 23, height: 30, since: 1_764_540_000 });
        let stuck = SyncState {
            following: Following::Stuck,
            access: Access::Refusing,
            newer,
            ..SyncState::simple(true)
        };
        let report = judged(stuck, Some((5, 0)));
        assert_eq!((report.level, report.reason), (Level::Red, "outdated"));
        for part in [
            "V23 since block 30",
            "4.12.0, up to V22",
            "12 min ago",
            "no share earns anything",
            "upgrade now",
        ] {
            assert!(report.text.contains(part), "{part}: {}", report.text);
        }
        let isolated = SyncState { following: Following::Isolated, ..stuck };
        assert_eq!(judged(isolated, Some((0, 0))).reason, "outdated", "the cause, not the symptom");
        let announced = SyncState { announced: Some(23), ..SyncState::simple(true) };
        let report = judged(announced, Some((5, 3)));
        assert_eq!((report.level, report.reason), (Level::Amber, "newer_announced"));
        assert!(report.text.contains("V23") && report.text.contains("upgrade before"), "{}", report.text);
    }
}
