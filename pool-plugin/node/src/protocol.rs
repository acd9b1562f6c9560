//! What this release knows of the network's protocol, and what is in force.

use pool_core::{
    chain::{Activation, Protocol, following::tracker::Known},
    types::Network as PoolNetwork,
};
use snarkos_node::router::messages::Message;
use snarkvm::{
    console::network::{CanaryV0, MainnetV0, Network, TestnetV0},
    ledger::{Ledger, store::ConsensusStorage},
};

/// The chain's pace is measured over this many blocks.
const PACE_BLOCKS: u32 = 1_000;

/// Seconds from block to block, if there are fewer blocks.
const USUAL_PACE: i64 = 3;

/// No height is set.
const UNSCHEDULED: u32 = u32::MAX;

/// The consensus versions that this release knows, each with its height if it has one.
pub fn heights(network: PoolNetwork) -> Vec<(u16, Option<u32>)> {
    fn of<N: Network>() -> Vec<(u16, Option<u32>)> {
        let heights = N::CONSENSUS_VERSION_HEIGHTS().iter();
        heights.map(|(version, at)| (*version as u16, Some(*at).filter(|at| *at != UNSCHEDULED))).collect()
    }
    match network {
        PoolNetwork::Mainnet => of::<MainnetV0>(),
        PoolNetwork::Testnet => of::<TestnetV0>(),
        PoolNetwork::Canary => of::<CanaryV0>(),
    }
}

/// What is known, and what is in force at the latest block.
pub fn read<N: Network, C: ConsensusStorage<N>>(ledger: &Ledger<N, C>) -> Protocol {
    let (height, now) = {
        let block = ledger.latest_block();
        (block.height(), block.timestamp())
    };
    let scheduled = || N::CONSENSUS_VERSION_HEIGHTS().iter().filter(|(_, at)| *at != UNSCHEDULED);
    let next = scheduled().find(|(_, at)| *at > height).map(|(version, at)| Activation {
        version: *version as u16,
        height: *at,
        expected: expected(ledger, height, now, *at),
    });
    Protocol {
        release: release(),
        known: Known {
            message_version: Message::<N>::latest_message_version(),
            consensus_version: scheduled().next_back().map_or(0, |(version, _)| *version as u16),
        },
        consensus_version: N::CONSENSUS_VERSION(height).map_or(0, |version| version as u16),
        next,
    }
}

/// When the chain will be at `goal`, at the pace of its last blocks.
fn expected<N: Network, C: ConsensusStorage<N>>(
    ledger: &Ledger<N, C>,
    height: u32,
    now: i64,
    goal: u32,
) -> i64 {
    let to_come = i64::from(goal - height);
    let then = height.checked_sub(PACE_BLOCKS).map(|first| ledger.get_header(first));
    // A chain this young begins with a genesis block of long ago.
    let Some(Ok(then)) = then else { return now.saturating_add(USUAL_PACE * to_come) };
    let took = now.saturating_sub(then.timestamp());
    now.saturating_add(took.saturating_mul(to_come) / i64::from(PACE_BLOCKS))
}

/// Upstream's release: our binary has its version.
fn release() -> &'static str {
    let manifest = include_str!("../../../snarkos-fork/Cargo.toml");
    let version = manifest.lines().find_map(|line| line.strip_prefix("version = \"")?.strip_suffix('"'));
    version.unwrap_or("unknown")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heights_rise_and_begin_with_the_first_version() {
        for network in [PoolNetwork::Mainnet, PoolNetwork::Testnet, PoolNetwork::Canary] {
            let heights = heights(network);
            assert_eq!(heights.first(), Some(&(1, Some(0))));
            assert!(heights.is_sorted_by_key(|(version, height)| (*version, height.unwrap_or(UNSCHEDULED))));
        }
    }

    #[test]
    fn the_release_is_the_one_that_is_pinned() {
        let pins = include_str!("../../../snarkos-fork/upstream/Cargo.toml");
        assert!(pins.contains(&format!("snarkos-node = \"={}\"", release())), "{}", release());
    }
}
