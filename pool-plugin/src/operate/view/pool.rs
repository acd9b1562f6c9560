//! The pool as a whole: chain, rates, shares, the open round.

use std::collections::BTreeMap;

use pool_core::{hashrate::Rates, health::Level};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Decimal;

/// The pool at a moment. Counters count since the pool's start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PoolView {
    /// The program's version
    pub version: String,
    /// mainnet, testnet or canary
    pub network: String,
    /// The prover addresses that the chain rewards
    pub addresses: Vec<String>,
    /// Unix seconds of this view
    pub time: u64,
    pub uptime_seconds: u64,
    /// The worst of the parts
    pub level: Level,
    /// Whether the ports are closed for good
    pub draining: bool,
    pub chain: ChainView,
    /// Attempts a second, from the accepted shares
    pub rates: Rates,
    /// Accounts with a connection now
    pub miners: u64,
    /// Workers with a connection now
    pub workers: u64,
    /// Open connections, logged in or not
    pub connections: u64,
    /// By dialect and state, where there are any
    pub sessions: Vec<SessionsView>,
    pub shares: SharesView,
    pub round: OpenRoundView,
    pub luck: LuckView,
    pub verification: VerificationView,
    pub evaluator: EvaluatorView,
    pub solutions: SolutionCounts,
    /// Blocks of ours whose dumps are in the sums: all of them, some time after a start
    pub blocks: u64,
    pub bans: BansView,
    pub disk: DiskView,
    /// How often each part was restarted
    pub restarts: BTreeMap<String, u64>,
    pub webhooks: WebhooksView,
    /// How rewards are shared out: prop, pplns:N or solo
    pub scheme: String,
    pub fees: Vec<FeeView>,
    pub ports: Vec<PortView>,
}

/// The node's place on the chain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChainView {
    /// Missing until the node is up
    pub height: Option<u32>,
    /// The epoch whose solutions the next block accepts
    pub epoch: Option<u32>,
    /// 64 hexadecimal digits
    pub epoch_hash: Option<String>,
    /// The epoch that jobs are for: on an epoch's last block the next one
    pub job_epoch: Option<u32>,
    /// 64 hexadecimal digits
    pub job_epoch_hash: Option<String>,
    /// Blocks left in which solutions of this epoch can land
    pub blocks_left: Option<u32>,
    pub proof_target: Option<Decimal>,
    pub coinbase_target: Option<Decimal>,
    /// Whether the node follows the network, so that work keeps its value
    pub synced: bool,
    /// following, catching_up, network_halted, stuck or isolated
    pub following: String,
    /// Unix seconds since when
    pub following_since: i64,
    /// Blocks behind the network, by the peers whose claims count; missing while none of them answers
    pub behind: Option<u32>,
    /// open, no_new_jobs, refusing (shares are refused) or closed (connections are closed as well)
    pub access: String,
    pub peers: u64,
    /// The validators at our height among the peers
    pub synced_validators: u64,
    /// The release of the node
    pub release: String,
    /// The consensus version in force
    pub consensus_version: u16,
    /// The newest consensus version that this release knows a height for
    pub known_version: u16,
    /// The next consensus version that this release knows a height for; missing if none is scheduled
    pub next_activation: Option<ActivationView>,
    /// A consensus version that the network runs and this release does not know
    pub newer_version: Option<NewerVersionView>,
    /// A consensus version that peers are ready for and this release does not know
    pub announced_version: Option<u16>,
}

/// A consensus version that is not in force yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActivationView {
    pub version: u16,
    pub height: u32,
    /// When it is expected, in Unix seconds, at the pace of the last 1,000 blocks
    pub expected: i64,
}

/// A consensus version that the network runs and this release does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewerVersionView {
    pub version: u16,
    /// The lowest height at which a block of it was seen
    pub height: u32,
    /// When it was first seen, in Unix seconds
    pub since: i64,
}

/// Connections of one dialect.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionsView {
    pub dialect: String,
    /// connected, subscribed or authorized
    pub state: String,
    /// In this state now
    pub now: u64,
    /// Total since the start
    pub total: u64,
}

/// The verdicts on shares.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SharesView {
    pub accepted: u64,
    /// By reason: other, stale, duplicate, low_difficulty, unauthorized, not_subscribed
    pub refused: BTreeMap<String, u64>,
    /// A moment too late, for an epoch that had just ended; not among the refused
    pub epoch_ended: u64,
    /// Lines that were not requests
    pub garbage: u64,
    /// Connections refused because the pool was full
    pub turned_away: u64,
}

/// The round since our last block.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OpenRoundView {
    /// The height of our last block; missing before the first one
    pub since_height: Option<u32>,
    /// Unix seconds of that block
    pub since: Option<i64>,
    pub shares: u64,
    /// The sum of the shares' targets: attempts
    pub work: Decimal,
    /// Work over what a solution takes on average, if one were found now: 1 is as expected, less is lucky
    pub effort: Option<f64>,
}

/// The luck of the last blocks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LuckView {
    /// The number of our last blocks in it
    pub blocks: u64,
    /// Their work over what their solutions take on average: 1 is as expected, less is lucky
    pub effort: Option<f64>,
}

/// The threads that verify shares.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VerificationView {
    /// Shares that wait
    pub queued: u64,
    pub capacity: u64,
    pub threads: u64,
    pub verified: u64,
    /// Verified in the last second
    pub per_second: f64,
    /// Evaluations that panicked
    pub panicked: u64,
    /// How often all share targets are doubled because verification was behind
    pub brake_doublings: u32,
}

/// The checks of the puzzle's evaluator against snarkVM.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EvaluatorView {
    /// native or stock
    pub kind: String,
    /// Answers that snarkVM computed again
    pub checked: u64,
    /// Those that were wrong
    pub wrong: u64,
    /// Epochs left to snarkVM as a whole
    pub fallback_epochs: u64,
    pub fallback_now: bool,
    pub distrusted_epochs: u64,
}

/// Solutions by result, since the database was created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SolutionCounts {
    /// All that were ever found
    pub found: u64,
    pub landed: u64,
    pub aborted: u64,
    pub expired: u64,
    /// Found, and not yet sent to the network
    pub waiting: u64,
    /// Sent to the network, and not settled
    pub released: u64,
}

/// Addresses that may not connect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BansView {
    /// In force now
    pub now: u64,
    /// Made by the pool since its start, of addresses
    pub addresses: u64,
    /// Made by the pool since its start, of workers at an address
    pub workers: u64,
    /// Made by the operator since the start
    pub by_operator: u64,
}

/// The disk that holds the pool's data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DiskView {
    pub free_bytes: u64,
    /// 0 if unknown
    pub size_bytes: u64,
}

/// Results of the messages to all webhooks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhooksView {
    /// Accepted by their receivers
    pub delivered: u64,
    /// Dropped after an hour of attempts
    pub failed: u64,
    /// Not queued, since too many waited
    pub dropped: u64,
}

/// An account that gets a part of every reward.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FeeView {
    pub account: String,
    /// Hundredths of a percent
    pub basis_points: u32,
}

/// A port that miners connect to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PortView {
    pub listen: String,
    pub dialect: String,
    /// Whether it speaks TLS too
    pub tls: bool,
}

#[cfg(test)]
mod tests {
    use pool_core::{
        chain::following::{Access, Following},
        reject::RejectCode,
    };
    use serde_json::{Value, to_value};
    use utoipa::PartialSchema;

    use super::*;
    use crate::stratum::server::session_counts::SessionState;

    /// Fails unless the API's document names each of `names` where it explains a field.
    fn assert_named<T: PartialSchema>(field: &str, names: &[&str]) {
        let schema: Value = to_value(T::schema()).unwrap();
        let text = schema["properties"][field]["description"].as_str().unwrap();
        let words: Vec<&str> = text.split(|c: char| !c.is_ascii_lowercase() && c != '_').collect();
        for name in names {
            assert!(words.contains(name), "{field}: '{text}' lacks {name}");
        }
    }

    #[test]
    fn the_document_names_every_state_access_and_reason() {
        assert_named::<ChainView>("following", &Following::ALL.map(Following::name));
        assert_named::<ChainView>("access", &Access::ALL.map(Access::name));
        assert_named::<SessionsView>("state", &SessionState::ALL.map(SessionState::label));
        assert_named::<SharesView>("refused", &RejectCode::ALL.map(RejectCode::label));
    }
}
