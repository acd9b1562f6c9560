//! The one door to the node.
//!
//! Everything the pool knows of the chain, and everything it asks of the node, goes through [`Chain`].
//! The node's adapter (the crate `pool-node`) implements it over the ledger in memory; [`sim`] implements
//! it over nothing, for tests. Calls are cheap reads of the ledger (microseconds), or hand a message to
//! the router without waiting for the network.

pub mod requirement;
pub mod sim;
pub mod watch;

use std::{net::SocketAddr, sync::Arc};

use tokio::sync::watch::Receiver;

use crate::types::{Address, BlockHash, EpochHash, Solution, SolutionId};

/// A shared handle to the chain.
pub type ChainHandle = Arc<dyn Chain>;

/// What the pool needs of a node.
pub trait Chain: Send + Sync + 'static {
    /// The network the node runs.
    fn network(&self) -> Network;

    /// The latest block height; changes right after a block is in the ledger. It may skip heights.
    fn subscribe_blocks(&self) -> Receiver<u32>;

    /// What the next block will take.
    fn puzzle(&self) -> Result<Puzzle, ChainError>;

    /// How far the node is from its peers.
    fn sync(&self) -> SyncState;

    /// The block at `height`, or `None` if the ledger does not hold it yet.
    fn block(&self, height: u32) -> Result<Option<Block>, ChainError>;

    /// What others' databases keep of the block at `height`, or `None` if the ledger does not hold it yet.
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

    /// Has the node check `solution`, which peers have now, before it comes back in a block: importing that block
    /// would wait for the check, and miners for the block. Returns at once. Checked again, a solution costs nothing.
    fn check_ahead(&self, solution: &Solution);
}

/// An Aleo network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Network {
    Mainnet,
    Testnet,
    Canary,
}

/// What the next block will take: solutions of `epoch_hash` that reach `proof_target`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Puzzle {
    /// The latest block's height.
    pub height: u32,
    /// `height / 360`.
    pub epoch: u32,
    pub epoch_hash: EpochHash,
    /// The hash of the epoch to come; known on the last block of an epoch only.
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

/// How far the node is from its peers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SyncState {
    /// Whether the node itself holds that it is synced; it never does without peers.
    pub synced: bool,
    /// Blocks behind the highest peer, once a peer has said its height.
    pub behind: Option<u32>,
}

/// What an address has bonded, and what it makes of it in the current epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stake {
    /// Microcredits.
    pub bonded: u64,
    /// Solutions in blocks.
    pub landed: u64,
    /// Solutions that may follow (`u64::MAX`: no limit).
    pub left: u64,
}

/// A connected peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Peer {
    pub address: SocketAddr,
    pub validator: bool,
    /// Named by the operator: the node never drops it to make room.
    pub trusted: bool,
    /// The height the peer last claimed, if it did.
    pub height: Option<u32>,
}

/// A block, as far as it matters to a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    pub height: u32,
    pub hash: BlockHash,
    /// Unix seconds.
    pub timestamp: i64,
    /// What the header says: the block after this one asks for it.
    pub proof_target: u64,
    /// The solutions that landed, of every prover, in the block's order.
    pub solutions: Vec<LandedSolution>,
    /// Solutions the block gave up on; they can never land again. The chain gives no reason.
    pub aborted: Vec<SolutionId>,
}

/// What a pool has no use for, but the databases of pool operators have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockFacts {
    pub previous_hash: BlockHash,
    /// The proof target its solutions had to reach: the one in the header of the block before.
    pub proof_target: u64,
    /// Of the whole block, in bytes.
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

impl Network {
    /// Upstream's numeric id (`--network`).
    pub const fn id(self) -> u16 {
        match self {
            Self::Mainnet => 0,
            Self::Testnet => 1,
            Self::Canary => 2,
        }
    }

    pub const fn from_id(id: u16) -> Option<Self> {
        match id {
            0 => Some(Self::Mainnet),
            1 => Some(Self::Testnet),
            2 => Some(Self::Canary),
            _ => None,
        }
    }

    /// Lower-case name, as it stands in folder names and dumps.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mainnet => "mainnet",
            Self::Testnet => "testnet",
            Self::Canary => "canary",
        }
    }
}
