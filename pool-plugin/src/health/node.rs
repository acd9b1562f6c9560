//! The node: whether it follows the chain, and whether what we find would get through.

use super::{Report, syncing::Progress};
use crate::chain::{ChainState, Peer};

/// Validators in step with us that the pool wants among its peers: one may fail, or lie.
pub const MIN_SYNCED_VALIDATORS: usize = 2;

/// How many blocks a peer's claimed height may differ from ours: claims come a moment later than blocks.
pub const HEIGHT_TOLERANCE: u32 = 2;

/// Judges the node's place on the chain. `progress`: how it catches up.
pub fn chain(state: &ChainState, progress: Option<&Progress>) -> Report {
    let Some(puzzle) = state.puzzle else {
        return Report::red("no_puzzle", "the node has no puzzle yet: wait until its ledger is loaded");
    };
    match (state.sync.synced, state.sync.behind) {
        (true, _) => Report::green("synced", format!("synced at height {}", puzzle.height)),
        (false, Some(behind)) => {
            let progress = match progress {
                Some(progress) => progress.to_string(),
                None => format!("height {}, {behind} blocks behind its peers", puzzle.height),
            };
            Report::red(
                "behind",
                format!(
                    "the node syncs ({progress}), and miners get no new job: wait, and if it does not catch up, check \
                     its disk and its connection"
                ),
            )
        }
        (false, None) => Report::red(
            "alone",
            format!(
                "the node is at height {}, no peer has told its height, and miners get no new job: \
                 check the network and the trusted peers (--peers)",
                puzzle.height
            ),
        ),
    }
}

/// How many of `peers` are validators in step with our `height`. A validator that has not told its height
/// does not count.
pub fn synced_validators(peers: &[Peer], height: u32) -> usize {
    let in_step = |peer: &&Peer| {
        peer.validator && peer.height.is_some_and(|claimed| claimed.abs_diff(height) <= HEIGHT_TOLERANCE)
    };
    peers.iter().filter(in_step).count()
}

/// Judges whether a find would get through.
pub fn peers(synced_validators: usize, connected: usize) -> Report {
    if synced_validators >= MIN_SYNCED_VALIDATORS {
        let text = format!("{synced_validators} synced validators among {connected} peers");
        return Report::green("enough_validators", text);
    }
    Report::red(
        "few_validators",
        format!(
            "{synced_validators} synced validators among {connected} peers, fewer than \
             {MIN_SYNCED_VALIDATORS}: add validators as trusted peers (--peers)"
        ),
    )
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::{
        chain::{Chain, SyncState, sim::SimChain},
        health::Level,
    };

    fn validator(port: u16, height: Option<u32>) -> Peer {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        Peer { address, validator: true, trusted: true, height }
    }

    #[test]
    fn only_validators_in_step_with_us_count() {
        let client = Peer { validator: false, ..validator(1, Some(10)) };
        let all = [client, validator(2, Some(8)), validator(3, Some(12)), validator(4, Some(13))];
        assert_eq!(synced_validators(&all, 10), 2);
        assert_eq!(synced_validators(&[validator(1, Some(7)), validator(2, None)], 10), 0);
    }

    #[test]
    fn fewer_than_two_synced_validators_is_unhealthy() {
        assert_eq!(peers(2, 5).level, Level::Green);
        assert_eq!(peers(1, 5).level, Level::Red);
        assert_eq!(peers(0, 0).level, Level::Red);
    }

    #[test]
    fn a_node_that_does_not_follow_the_chain_says_why() {
        let puzzle = Some(SimChain::new().puzzle().unwrap());
        let judged = |synced, behind| chain(&ChainState { puzzle, sync: SyncState { synced, behind } }, None);
        assert_eq!(judged(true, Some(0)).level, Level::Green);
        assert_eq!(judged(false, Some(9)).reason, "behind");
        assert!(judged(false, Some(9)).text.contains("9 blocks behind"));
        assert_eq!(judged(false, None).reason, "alone");
        assert_eq!(chain(&ChainState::default(), None).reason, "no_puzzle");
    }
}
