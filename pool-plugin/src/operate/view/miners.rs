//! Accounts and their workers.

use std::collections::BTreeMap;

use pool_core::{hashrate::Rates, reject::RejectCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Decimal;
use crate::stratum::workers::{Tally, WorkerStatus};

/// An account: who is paid.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AccountView {
    pub account: String,
    /// Attempts a second, from the accepted shares
    pub rates: Rates,
    /// Workers that were seen recently
    pub workers: u64,
    /// Workers with a connection now
    pub online: u64,
    /// Since the pool's start
    pub shares: WorkerShares,
    /// Unix seconds of the last share or login
    pub last_share: Option<u64>,
    /// All shares since the database was created
    pub total_shares: u64,
    /// The sum of their targets: attempts
    pub credited: Decimal,
    /// Rewards of all blocks, microcredits
    pub rewards: Decimal,
    /// Confirmed payments, microcredits; missing: no payments were reported to the pool
    pub paid: Option<Decimal>,
}

/// A worker: a machine, as its owner named it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WorkerView {
    pub account: String,
    /// May be empty
    pub worker: String,
    /// Connections now
    pub online: u32,
    /// Attempts a second, from the accepted shares
    pub rates: Rates,
    /// What the miner reports itself, attempts a second
    pub claimed_rate: Option<f64>,
    /// Its share target, or its last one: expected attempts per share
    pub target: Option<Decimal>,
    /// Unix seconds of the last share
    pub last_share: Option<u64>,
    /// Since the pool's start
    pub shares: WorkerShares,
}

/// The results of a worker's shares, since the pool's start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkerShares {
    pub accepted: u64,
    /// By reason, only those that occurred: other, stale, duplicate, low_difficulty
    pub refused: BTreeMap<String, u64>,
    /// A moment too late, for an epoch that had just ended
    pub epoch_ended: u64,
    /// The highest target a share reached
    pub best: Decimal,
}

/// What a block paid an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RewardView {
    pub height: u32,
    /// Unix seconds, the block's
    pub time: i64,
    /// Microcredits
    pub reward: Decimal,
    /// The share dump that says so
    pub dump: super::DumpView,
}

impl From<&Tally> for WorkerShares {
    fn from(tally: &Tally) -> Self {
        let refused = RejectCode::ALL.iter().zip(tally.refused).filter(|(_, count)| *count > 0);
        Self {
            accepted: tally.accepted,
            refused: refused.map(|(code, count)| (code.label().to_owned(), count)).collect(),
            epoch_ended: tally.epoch_ended,
            best: tally.best.into(),
        }
    }
}

impl From<&WorkerStatus> for WorkerView {
    fn from(status: &WorkerStatus) -> Self {
        Self {
            account: status.worker.account.clone(),
            worker: status.worker.name.clone(),
            online: status.online,
            rates: status.rates,
            claimed_rate: status.claim.map(|claim| claim.rate),
            target: Some(status.tally.assigned)
                .filter(|target| *target > 0)
                .or(status.target)
                .map(Into::into),
            last_share: (status.seen > 0).then_some(status.seen),
            shares: (&status.tally).into(),
        }
    }
}
