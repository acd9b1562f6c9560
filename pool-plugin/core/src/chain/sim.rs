//! A chain without a node, for tests: the same trait, the chain's rules, every failure on demand.
//!
//! # Layout
//! - [`blocks`]: what a block accepts, pays and aborts.
//! - [`peers`]: what peers count, remember and drop.
//!
//! All peers share one mempool: what one of them takes, the network has. Time is Tokio's, so a test that
//! pauses it controls it; blocks come only on request.

pub mod blocks;
pub mod peers;
#[cfg(test)]
mod tests;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use parking_lot::Mutex;
use tokio::{sync::watch, time::Instant};

use self::{
    blocks::Blocks,
    peers::{Delivery, Peers},
};
use super::{Block, BlockFacts, Chain, ChainError, Peer, Protocol, Puzzle, Stake, following::OtherVersion};
use crate::{
    requirement::Requirement,
    types::{Address, EpochHash, Network, Solution, SolutionId},
};

/// The simulated chain, and the node that shows it.
pub struct SimChain {
    state: Mutex<State>,
    heights: watch::Sender<u32>,
    other_versions: watch::Sender<Option<OtherVersion>>,
}

#[derive(Default)]
struct State {
    blocks: Blocks,
    peers: Peers,
    /// What the node saw last, while it is frozen and the network continues.
    frozen: Option<NodeView>,
    protocol: Protocol,
    failure: Option<String>,
    own_consensus: Option<Vec<SolutionId>>,
    checked_ahead: Vec<SolutionId>,
}

struct NodeView {
    puzzle: Puzzle,
    left: Vec<(Address, u64)>,
}

impl SimChain {
    /// At height 0, without peers and without its own consensus; proof target 100, no stake limit.
    pub fn new() -> Arc<Self> {
        let (state, heights) = (Mutex::default(), watch::Sender::new(0));
        Arc::new(Self { state, heights, other_versions: watch::Sender::new(None) })
    }

    /// The next block: up to four solutions of the mempool, in the order they came.
    pub fn produce_block(&self) -> Block {
        let mut state = self.state.lock();
        let candidates = state.blocks.candidates();
        let block = state.blocks.produce(&candidates, &[]);
        self.announce(&state);
        block
    }

    /// The next block, of exactly these candidates (what the rules forbid is aborted), aborting `aborted`
    /// without a reason. The mempool waits.
    pub fn produce_block_with(&self, candidates: &[Solution], aborted: &[SolutionId]) -> Block {
        let mut state = self.state.lock();
        let block = state.blocks.produce(candidates, aborted);
        self.announce(&state);
        block
    }

    /// Advances to `height` through empty blocks, announcing only the last.
    pub fn jump_to(&self, height: u32) {
        let mut state = self.state.lock();
        state.blocks.jump_to(height);
        self.announce(&state);
    }

    fn announce(&self, state: &State) {
        if state.frozen.is_none() {
            self.heights.send_replace(state.blocks.tip);
        }
    }

    /// What the next block requires; the pool sees it with the next block.
    pub fn set_proof_target(&self, proof_target: u64) {
        self.state.lock().blocks.proof_target = proof_target;
    }

    pub fn set_coinbase_target(&self, coinbase_target: u64) {
        self.state.lock().blocks.coinbase_target = coinbase_target;
    }

    /// How many solutions `address` may land in an epoch.
    pub fn set_limit(&self, address: Address, per_epoch: u64) {
        self.state.lock().blocks.limits.insert(address, per_epoch);
    }

    /// The node stops following the chain, which continues without it.
    pub fn freeze(&self) {
        let mut state = self.state.lock();
        let blocks = &state.blocks;
        let left = blocks.limits.keys().map(|address| (*address, blocks.solutions_left(address))).collect();
        state.frozen = Some(NodeView { puzzle: blocks.puzzle(), left });
    }

    /// The node catches up at once.
    pub fn thaw(&self) {
        let mut state = self.state.lock();
        state.frozen = None;
        self.announce(&state);
    }

    /// What the node's release knows of the protocol.
    pub fn set_protocol(&self, protocol: Protocol) {
        self.state.lock().protocol = protocol;
    }

    /// A peer sends a block of another consensus version, which the node refuses.
    pub fn refuse_block(&self, other: OtherVersion) {
        self.other_versions.send_replace(Some(other));
    }

    /// Every read of the ledger fails with this text, until `None`.
    pub fn fail_reads(&self, why: Option<&str>) {
        self.state.lock().failure = why.map(str::to_owned);
    }

    /// Connects a peer that keeps claiming its height.
    pub fn connect(&self, peer: Peer) {
        self.state.lock().peers.connect(peer, false, Instant::now());
    }

    /// Connects a trusted validator on `port`, synced to the tip.
    pub fn connect_validator(&self, port: u16) -> SocketAddr {
        self.connect_at_tip(port, true)
    }

    /// Connects a client on `port`, synced to the tip.
    pub fn connect_client(&self, port: u16) -> SocketAddr {
        self.connect_at_tip(port, false)
    }

    fn connect_at_tip(&self, port: u16, validator: bool) -> SocketAddr {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let peer = Peer { validator, trusted: validator, ..Peer::chosen(address) };
        self.state.lock().peers.connect(peer, true, Instant::now());
        address
    }

    pub fn disconnect(&self, address: SocketAddr) {
        self.state.lock().peers.disconnect(&address);
    }

    /// Messages to a lossy peer vanish silently, until this is turned off or the peer reconnects.
    pub fn set_lossy(&self, address: SocketAddr, lossy: bool) {
        self.state.lock().peers.set_lossy(&address, lossy);
    }

    /// Makes the node a validator: it has a consensus of its own.
    pub fn enable_own_consensus(&self) {
        self.state.lock().own_consensus.get_or_insert_default();
    }

    /// What entered the node's own consensus, in order, repetitions included.
    pub fn own_submissions(&self) -> Vec<SolutionId> {
        self.state.lock().own_consensus.clone().unwrap_or_default()
    }

    /// What the node was asked to check ahead of its block, in order.
    pub fn checked_ahead(&self) -> Vec<SolutionId> {
        self.state.lock().checked_ahead.clone()
    }

    /// What reached a peer and when, over all its connections.
    pub fn received(&self, address: SocketAddr) -> Vec<(Instant, SolutionId)> {
        self.state.lock().peers.received(&address)
    }

    /// What is waiting for a block.
    pub fn mempool(&self) -> Vec<Solution> {
        self.state.lock().blocks.mempool.iter().copied().collect()
    }

    /// The height of the chain, which a frozen node does not see.
    pub fn tip(&self) -> u32 {
        self.state.lock().blocks.tip
    }

    /// Microcredits paid for solutions so far.
    pub fn balance(&self, address: &Address) -> u64 {
        self.state.lock().blocks.balances.get(address).copied().unwrap_or(0)
    }

    /// A solution for the chain's current epoch.
    pub fn solution(&self, address: Address, counter: u64, target: u64) -> Solution {
        Solution { epoch_hash: self.state.lock().blocks.puzzle().epoch_hash, address, counter, target }
    }

    /// A solution for any epoch, future ones included.
    pub fn solution_of(epoch: u32, address: Address, counter: u64, target: u64) -> Solution {
        Solution { epoch_hash: Self::epoch_hash(epoch), address, counter, target }
    }

    /// The hash of any epoch, future ones included.
    pub fn epoch_hash(epoch: u32) -> EpochHash {
        blocks::epoch_hash(epoch)
    }
}

impl State {
    fn readable(&self) -> Result<(), ChainError> {
        self.failure.clone().map_or(Ok(()), |why| Err(ChainError(why)))
    }

    fn node_height(&self) -> u32 {
        self.frozen.as_ref().map_or(self.blocks.tip, |view| view.puzzle.height)
    }

    fn admit(&mut self, solution: &Solution) {
        if self.blocks.admits(solution) {
            self.blocks.mempool.push_back(*solution);
        }
    }
}

impl Chain for SimChain {
    fn network(&self) -> Network {
        Network::Testnet
    }

    fn subscribe_blocks(&self) -> watch::Receiver<u32> {
        self.heights.subscribe()
    }

    fn puzzle(&self) -> Result<Puzzle, ChainError> {
        let state = self.state.lock();
        state.readable()?;
        Ok(state.frozen.as_ref().map_or_else(|| state.blocks.puzzle(), |view| view.puzzle))
    }

    fn subscribe_other_versions(&self) -> watch::Receiver<Option<OtherVersion>> {
        self.other_versions.subscribe()
    }

    fn tip(&self) -> Result<(u32, i64), ChainError> {
        let state = self.state.lock();
        state.readable()?;
        let height = state.node_height();
        Ok((height, state.blocks.block(height).timestamp))
    }

    fn protocol(&self) -> Protocol {
        self.state.lock().protocol.clone()
    }

    fn trusted_peers(&self) -> usize {
        let state = self.state.lock();
        state.peers.list(state.blocks.tip).iter().filter(|peer| peer.trusted).count()
    }

    fn committee_height(&self) -> Option<u32> {
        let state = self.state.lock();
        state.own_consensus.as_ref().map(|_| state.blocks.tip)
    }

    fn block(&self, height: u32) -> Result<Option<Block>, ChainError> {
        let state = self.state.lock();
        state.readable()?;
        Ok((height <= state.node_height()).then(|| state.blocks.block(height)))
    }

    fn block_facts(&self, height: u32) -> Result<Option<BlockFacts>, ChainError> {
        let state = self.state.lock();
        state.readable()?;
        Ok((height <= state.node_height()).then(|| state.blocks.facts(height)))
    }

    fn solutions_left(&self, address: &Address) -> Result<u64, ChainError> {
        let state = self.state.lock();
        state.readable()?;
        let Some(view) = &state.frozen else { return Ok(state.blocks.solutions_left(address)) };
        Ok(view.left.iter().find(|(known, _)| known == address).map_or(u64::MAX, |(_, left)| *left))
    }

    fn stake(&self, address: &Address) -> Result<Stake, ChainError> {
        let left = self.solutions_left(address)?;
        let state = self.state.lock();
        let limit = state.blocks.limits.get(address).copied();
        let time = state.blocks.block(state.node_height()).timestamp;
        let requirement = Requirement::at(self.network(), time).now.unwrap_or(0);
        let bonded = limit.unwrap_or(0).saturating_mul(requirement);
        Ok(Stake { bonded, landed: limit.map_or(0, |limit| limit.saturating_sub(left)), left })
    }

    fn peers(&self) -> Vec<Peer> {
        let state = self.state.lock();
        state.peers.list(state.blocks.tip)
    }

    fn offer(&self, peer: SocketAddr, solution: &Solution) -> bool {
        let mut state = self.state.lock();
        match state.peers.deliver(&peer, solution.id(), Instant::now()) {
            Delivery::NotConnected => return false,
            Delivery::Lost | Delivery::TooMany | Delivery::SeenBefore => {}
            Delivery::New => state.admit(solution),
        }
        true
    }

    fn in_consensus(&self) -> bool {
        self.state.lock().own_consensus.is_some()
    }

    fn submit_to_own_consensus(&self, solution: &Solution) -> bool {
        let mut state = self.state.lock();
        let Some(submissions) = &mut state.own_consensus else { return false };
        submissions.push(solution.id());
        state.admit(solution);
        true
    }

    fn check_ahead(&self, solution: &Solution) {
        self.state.lock().checked_ahead.push(solution.id());
    }
}
