//! The only interface to the node.
//!
//! Everything the pool knows of the chain, and every request it makes to the node, goes through [`Chain`].
//! The node's adapter (the crate `pool-node`) implements it over the ledger in memory; [`sim`] implements it
//! without a node, for tests. Calls are cheap reads of the ledger (microseconds), or pass a message to the
//! router without waiting for the network.

pub mod addresses;
mod epoch;
pub mod following;
pub mod health;
mod limit;
pub mod newer_version_file;
pub mod node_rest_client;
#[cfg(any(test, feature = "sim"))]
pub mod sim;
pub mod syncing;
pub mod watch;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::sync::watch::Receiver;

use self::following::{OtherVersion, tracker::Known};
pub use self::{epoch::Epoch, following::SyncState, limit::limit_of_next_epoch};
use crate::types::{Address, BlockHash, EpochHash, Network, Solution, SolutionId};

/// A shared handle to the chain.
pub type ChainHandle = Arc<dyn Chain>;

/// What the pool needs from a node.
pub trait Chain: Send + Sync + 'static {
    /// The network the node runs.
    fn network(&self) -> Network;

    /// The latest block height; changes right after a block is in the ledger. It may skip heights.
    fn subscribe_blocks(&self) -> Receiver<u32>;

    /// What the next block will accept.
    fn puzzle(&self) -> Result<Puzzle, ChainError>;

    /// The latest block of another consensus version that a peer sent; changes with each.
    fn subscribe_other_versions(&self) -> Receiver<Option<OtherVersion>>;

    /// The latest block's height, and its time in Unix seconds.
    fn tip(&self) -> Result<(u32, i64), ChainError>;

    /// What this release knows of the protocol, and what is in force.
    fn protocol(&self) -> Protocol;

    /// How many peers the operator has named, connected or not.
    fn trusted_peers(&self) -> usize;

    /// The greatest height that another validator claims; `None` on a node that is not a validator, or while
    /// no validator has claimed one.
    fn committee_height(&self) -> Option<u32>;

    /// The block at `height`, or `None` if the ledger does not hold it yet.
    fn block(&self, height: u32) -> Result<Option<Block>, ChainError>;

    /// The fields of the block at `height` that other pools' databases keep, or `None` if the ledger does not
    /// hold it yet.
    fn block_facts(&self, height: u32) -> Result<Option<BlockFacts>, ChainError>;

    /// How many more solutions `address` may land in the current epoch (`u64::MAX`: no limit).
    fn solutions_left(&self, address: &Address) -> Result<u64, ChainError>;

    /// What the stake of `address` allows in the current epoch.
    fn stake(&self, address: &Address) -> Result<Stake, ChainError>;

    /// The connected peers.
    fn peers(&self) -> Vec<Peer>;

    /// Queues `solution` for one peer. `false` if that peer is no longer connected.
    fn offer(&self, peer: SocketAddr, solution: &Solution) -> bool;

    /// Whether the node is a validator, which needs no peer to land a solution.
    fn in_consensus(&self) -> bool;

    /// Enters `solution` into the node's own consensus. `false` on a node that has none.
    fn submit_to_own_consensus(&self, solution: &Solution) -> bool;

    /// Has the node check `solution` now, since peers already have it: otherwise importing its block would
    /// wait for the check, and miners for the block. Returns at once. Checking a solution again costs
    /// nothing.
    fn check_ahead(&self, solution: &Solution);
}

/// What the next block will accept: solutions of `epoch_hash` that reach `proof_target`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Puzzle {
    /// The latest block's height.
    pub height: u32,
    /// `height / 360`.
    pub epoch: u32,
    pub epoch_hash: EpochHash,
    /// The hash of the next epoch; known only on the last block of an epoch.
    pub next_epoch_hash: Option<EpochHash>,
    pub proof_target: u64,
    pub coinbase_target: u64,
}

/// What the chain watcher publishes: the puzzle as the ledger last had it, and whether to trust it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChainState {
    /// `None` until the node runs and has answered once.
    pub puzzle: Option<Puzzle>,
    pub sync: SyncState,
}

/// What a release knows of the protocol, and what is in force at the latest block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Protocol {
    /// The release of upstream's node.
    pub release: &'static str,
    pub known: Known,
    /// The consensus version of the latest block.
    pub consensus_version: u16,
    /// The next one that this release knows a height for.
    pub next: Option<Activation>,
}

/// A consensus version that is not in force yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activation {
    pub version: u16,
    pub height: u32,
    /// When the chain will be there at the pace of its last blocks, in Unix seconds.
    pub expected: i64,
}

/// What an address has bonded, and how many solutions that allows in the current epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stake {
    /// Microcredits.
    pub bonded: u64,
    /// Solutions in blocks.
    pub landed: u64,
    /// Solutions that may still land (`u64::MAX`: no limit).
    pub left: u64,
}

/// A connected peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    pub address: SocketAddr,
    pub validator: bool,
    /// Named by the operator: the node never drops it to make room.
    pub trusted: bool,
    /// Our node opened the connection: it chose the peer.
    pub outbound: bool,
    /// The height the peer last claimed, if it did.
    pub height: Option<u32>,
    /// Time since its last message.
    pub silent_for: Duration,
    /// The version of the protocol that it announced.
    pub message_version: u32,
}

impl Peer {
    /// A client that the node chose and of which nothing else is known yet.
    pub const fn chosen(address: SocketAddr) -> Self {
        Self {
            address,
            validator: false,
            trusted: false,
            outbound: true,
            height: None,
            silent_for: Duration::ZERO,
            message_version: 0,
        }
    }
}

/// A block: the parts that matter to a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    pub height: u32,
    pub hash: BlockHash,
    /// Unix seconds.
    pub timestamp: i64,
    /// What the header says: it applies to the block after this one.
    pub proof_target: u64,
    /// The solutions that landed, of every prover, in the block's order.
    pub solutions: Vec<LandedSolution>,
    /// Solutions the block gave up on; they can never land again. The chain gives no reason.
    pub aborted: Vec<SolutionId>,
}

/// What the pool does not need, but the databases of pool operators have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockFacts {
    pub previous_hash: BlockHash,
    /// The proof target its solutions had to reach: the one in the header of the block before.
    pub proof_target: u64,
    /// Size of the whole block, in bytes.
    pub size: u64,
}

/// A solution in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LandedSolution {
    pub solution: Solution,
    /// Microcredits paid to `solution.address` for this solution.
    pub reward: u64,
}

/// The ledger could not answer. The text says what was asked and why it failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ChainError(pub String);
