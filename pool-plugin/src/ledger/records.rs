//! The records of the share ledger, as values. `codec` gives their bytes.

use pool_core::{
    accounting::terms::Terms,
    types::{Address, BlockHash, EpochHash, Solution, SolutionId, Worker},
};

/// What identifies a share, however it was written on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShareKey {
    pub epoch: u32,
    /// The prover address the share was mined for.
    pub address: Address,
    pub counter: u64,
}

/// An accepted share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    pub key: ShareKey,
    pub worker: Worker,
    /// The assigned target: the expected number of attempts behind the share, and its credit.
    pub target: u64,
    /// The target the counter reached.
    pub reached: u64,
    /// Unix milliseconds when the share was accepted. For people only: windows are cut by sequence number.
    pub time_ms: u64,
}

/// A solution of ours and its fate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SolutionRecord {
    pub solution: Solution,
    pub epoch: u32,
    /// Who found it; `None` for a landed one whose find the database never recorded.
    pub finder: Option<Worker>,
    /// Unix milliseconds.
    pub found_ms: u64,
    pub state: SolutionState,
}

/// found → released → landed | aborted | expired. The last three are final.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SolutionState {
    Found,
    /// Sent to the network, or about to be: its place in the stake limit is taken.
    Released,
    Landed {
        height: u32,
        hash: BlockHash,
        /// Microcredits.
        reward: u64,
    },
    /// A block aborted it; the chain gives no reason, so `inferred` is our guess.
    Aborted {
        height: u32,
        inferred: String,
    },
    /// Its epoch ended first.
    Expired,
}

/// What a block means to the pool; applied in one atomic write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockOutcome {
    pub height: u32,
    pub hash: BlockHash,
    /// Unix seconds.
    pub timestamp: i64,
    /// The one in the block's header.
    pub proof_target: u64,
    /// Our solutions in the block, in its order, with their rewards in microcredits.
    pub landed: Vec<(Solution, u64)>,
    /// Our solutions the block aborted, each with the inferred reason.
    pub aborted: Vec<(SolutionId, String)>,
    /// Solutions of ours of epochs before this one can no longer land.
    pub open_epoch: u32,
}

/// A block of ours, and the shares since the one before: `first_seq..=last_seq` (none if
/// `last_seq < first_seq`). Which shares it pays for follows from the basis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    pub height: u32,
    pub hash: BlockHash,
    /// Unix seconds, the block's.
    pub timestamp: i64,
    pub epoch: u32,
    pub epoch_hash: EpochHash,
    pub address: Address,
    /// Ours in this block, in its order.
    pub solutions: Vec<RoundSolution>,
    pub first_seq: u64,
    pub last_seq: u64,
    /// `None`: from before terms existed; it pays for its shares, and has no rewards.
    pub basis: Option<Basis>,
}

/// The basis on which a round's reward is shared out. Fixed with the round: later settings change nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basis {
    pub terms: Terms,
    /// The one in the block's header: the unit of PPLNS windows.
    pub proof_target: u64,
}

/// What later dumps need to know of an earlier one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DumpMark {
    pub digest: [u8; 32],
    /// Microcredits that nobody had a claim to.
    pub carried_out: u64,
    /// The oldest share it pays for.
    pub window_first_seq: u64,
}

/// A round that a restored database lacks, read back from its dump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adopted {
    pub round: Round,
    /// `None`: from before dumps formed a chain.
    pub mark: Option<DumpMark>,
}

/// A solution of a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoundSolution {
    pub solution: Solution,
    /// Microcredits.
    pub reward: u64,
    /// `None`: landed, but this database never recorded the find.
    pub finder: Option<Worker>,
}

/// What a worker has earned since the database was created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerTotal {
    pub worker: Worker,
    pub shares: u64,
    /// The sum of the assigned targets of its shares.
    pub credit: u128,
}

/// The last share target of a worker, for its next connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastTarget {
    pub worker: Worker,
    pub target: u64,
    /// Unix seconds of the worker's last share at that time.
    pub seen: u64,
}
