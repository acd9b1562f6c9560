//! The content of the books: blocks of ours, rounds, solutions.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Decimal;

/// A block with solutions of ours.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BlockView {
    pub height: u32,
    pub hash: String,
    /// Unix seconds, the block's
    pub time: i64,
    pub epoch: u32,
    /// The pool's address
    pub address: String,
    /// Microcredits
    pub reward: Decimal,
    pub solutions: Vec<BlockSolution>,
    pub round: RoundView,
    /// Missing until it is written
    pub dump: Option<DumpView>,
}

/// A solution in a block.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BlockSolution {
    pub id: String,
    /// What the counter reached
    pub target: Decimal,
    /// Microcredits
    pub reward: Decimal,
    /// Missing if the pool has no record of the find
    pub finder: Option<Finder>,
}

/// Who found a solution.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finder {
    pub account: String,
    pub worker: String,
}

/// The share dump of a block: who is paid, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DumpView {
    /// The file's name
    pub file: String,
    /// Where to get it
    pub url: String,
    /// SHA-256 of its content, 64 hexadecimal digits; missing in dumps of version 1
    pub digest: Option<String>,
    /// How to check the file after getting it
    pub verify: String,
}

/// The shares between two blocks of ours.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RoundView {
    /// The block that closed it; missing: it is open
    pub height: Option<u32>,
    /// Unix seconds of that block
    pub time: Option<i64>,
    /// The number of its first share
    pub first_seq: u64,
    /// The number of its last share; less than the first if there are none
    pub last_seq: u64,
    /// Missing while unknown
    pub shares: Option<u64>,
    /// The sum of the shares' targets: attempts
    pub work: Option<Decimal>,
    /// Work over what its solutions take on average: 1 is as expected, less is lucky
    pub effort: Option<f64>,
    /// The one in the block's header, or the current one
    pub proof_target: Option<Decimal>,
    /// prop, pplns:N or solo; missing in rounds from before schemes existed
    pub scheme: Option<String>,
}

/// The state of a solution.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum StateView {
    /// Not yet sent to the network
    #[default]
    Found,
    /// Sent to the network
    Released,
    /// In a block
    Landed,
    /// A block aborted it
    Aborted,
    /// Its epoch ended first
    Expired,
}

/// A solution of ours.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SolutionView {
    pub id: String,
    pub state: StateView,
    /// Why it waits, or its result, in one sentence
    pub reason: String,
    pub epoch: u32,
    pub address: String,
    pub counter: Decimal,
    /// What the counter reached
    pub target: Decimal,
    /// Unix milliseconds; 0 if the pool has no record of the find
    pub found_ms: u64,
    pub finder: Option<Finder>,
    /// The block that landed or aborted it
    pub height: Option<u32>,
    /// That block's hash, if it landed
    pub hash: Option<String>,
    /// Microcredits, if it landed
    pub reward: Option<Decimal>,
}
