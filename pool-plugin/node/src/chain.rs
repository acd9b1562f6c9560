//! The `Chain` trait over a node's ledger and router.

use std::{net::SocketAddr, sync::Arc};

use anyhow::{Context, Result, anyhow};
use pool_core::{
    chain::{
        Block, BlockFacts, Chain, ChainError, LandedSolution, Peer, Protocol, Puzzle, Stake,
        following::OtherVersion,
    },
    types::{Address, BLOCKS_PER_EPOCH, Network, Solution, SolutionId},
};
use snarkos_node::{
    Client, Validator,
    network::PeerPoolHandling,
    router::{
        Inbound, Outbound, Router,
        messages::{Message, UnconfirmedSolution},
    },
    tcp::{P2P, protocols::Writing},
};
use snarkvm::{
    console::network::Network as VmNetwork,
    ledger::{
        Ledger,
        block::{Block as VmBlock, Ratify},
        narwhal::Data,
        puzzle::Solution as VmSolution,
        store::helpers::rocksdb::ConsensusDB,
    },
    prelude::ToBytes,
};
use tokio::{runtime::Handle, sync::watch};

use crate::{convert, protocol};

const _: () = assert!(
    BLOCKS_PER_EPOCH == <snarkvm::console::network::MainnetV0 as VmNetwork>::NUM_BLOCKS_PER_EPOCH,
    "upstream changed the length of an epoch"
);

/// The pool's view of a node.
pub struct NodeChain<N: VmNetwork> {
    network: Network,
    ledger: Ledger<N, ConsensusDB<N>>,
    router: Router<N>,
    role: Role<N>,
    runtime: Handle,
    other_versions: watch::Receiver<Option<OtherVersion>>,
}

enum Role<N: VmNetwork> {
    Client,
    Validator(Arc<Validator<N, ConsensusDB<N>>>),
}

impl<N: VmNetwork> NodeChain<N> {
    pub fn of_client(client: &Client<N, ConsensusDB<N>>) -> Result<Self> {
        let (ledger, router) = (client.ledger().clone(), client.router().clone());
        Self::new(ledger, router, Role::Client)
    }

    pub fn of_validator(validator: Arc<Validator<N, ConsensusDB<N>>>) -> Result<Self> {
        let (ledger, router) = (validator.ledger().clone(), validator.router().clone());
        Self::new(ledger, router, Role::Validator(validator))
    }

    fn new(ledger: Ledger<N, ConsensusDB<N>>, router: Router<N>, role: Role<N>) -> Result<Self> {
        let network = Network::from_id(N::ID).ok_or_else(|| anyhow!("unknown network id {}", N::ID))?;
        let runtime = Handle::try_current().context("the pool must be started on a Tokio runtime")?;
        let other_versions = other_versions::<N>(&runtime, router.ledger().subscribe_blocks().1);
        Ok(Self { network, ledger, router, role, runtime, other_versions })
    }

    fn read_puzzle(&self) -> Result<Puzzle> {
        // One block, so that the values belong together.
        let block = self.ledger.latest_block();
        let height = block.height();
        let ends_epoch = (height + 1).is_multiple_of(BLOCKS_PER_EPOCH);
        Ok(Puzzle {
            height,
            epoch: height / BLOCKS_PER_EPOCH,
            epoch_hash: convert::epoch_hash::<N>(&self.ledger.get_epoch_hash(height)?)?,
            next_epoch_hash: ends_epoch.then(|| convert::epoch_hash::<N>(&block.hash())).transpose()?,
            proof_target: block.proof_target(),
            coinbase_target: block.coinbase_target(),
        })
    }

    fn read_block(&self, block: &VmBlock<N>) -> Result<Block> {
        Ok(Block {
            height: block.height(),
            hash: convert::block_hash::<N>(&block.hash())?,
            timestamp: block.timestamp(),
            proof_target: block.proof_target(),
            solutions: landed_solutions(block)?,
            aborted: block.aborted_solution_ids().iter().map(convert::solution_id).collect(),
        })
    }

    fn read_facts(&self, block: &VmBlock<N>) -> Result<BlockFacts> {
        let before = block.height().checked_sub(1).context("the genesis block has no predecessor")?;
        Ok(BlockFacts {
            previous_hash: convert::block_hash::<N>(&block.previous_hash())?,
            proof_target: self.ledger.get_header(before)?.proof_target(),
            size: u64::try_from(block.to_bytes_le()?.len())?,
        })
    }

    fn message(solution: VmSolution<N>) -> Message<N> {
        Message::UnconfirmedSolution(unconfirmed(solution))
    }
}

/// Blocks of other versions, each with what this release expects at its height. Ends with the node.
fn other_versions<N: VmNetwork>(
    runtime: &Handle,
    mut noted: watch::Receiver<Option<(SocketAddr, u16, u32)>>,
) -> watch::Receiver<Option<OtherVersion>> {
    let (sender, receiver) = watch::channel(None);
    runtime.spawn(async move {
        while noted.changed().await.is_ok() {
            let Some((peer, version, height)) = *noted.borrow_and_update() else { continue };
            if let Ok(expected) = N::CONSENSUS_VERSION(height) {
                sender.send_replace(Some(OtherVersion { peer, version, expected: expected as u16, height }));
            }
        }
    });
    receiver
}

fn unconfirmed<N: VmNetwork>(solution: VmSolution<N>) -> UnconfirmedSolution<N> {
    UnconfirmedSolution { solution_id: solution.id(), solution: Data::Object(solution) }
}

/// The block's solutions, each with its part of the block's puzzle reward.
fn landed_solutions<N: VmNetwork>(block: &VmBlock<N>) -> Result<Vec<LandedSolution>> {
    let Some(solutions) = block.solutions().as_ref() else { return Ok(vec![]) };
    let solutions = solutions.values().map(convert::solution).collect::<Result<Vec<_>>>()?;
    let puzzle_reward = block.ratifications().iter().find_map(|ratify| match ratify {
        Ratify::PuzzleReward(reward) => Some(*reward),
        Ratify::Genesis(..) | Ratify::BlockReward(_) => None,
    });
    let targets: Vec<u64> = solutions.iter().map(|solution| solution.target).collect();
    let rewards = pool_core::reward::split(puzzle_reward.unwrap_or(0), &targets);
    Ok(solutions
        .into_iter()
        .zip(rewards)
        .map(|(solution, reward)| LandedSolution { solution, reward })
        .collect())
}

fn chain_error(what: String) -> impl Fn(anyhow::Error) -> ChainError {
    move |error| ChainError(format!("{what}: {error:#}"))
}

impl<N: VmNetwork> Chain for NodeChain<N> {
    fn network(&self) -> Network {
        self.network
    }

    fn subscribe_blocks(&self) -> watch::Receiver<u32> {
        self.router.ledger().subscribe_blocks().0
    }

    fn subscribe_other_versions(&self) -> watch::Receiver<Option<OtherVersion>> {
        self.other_versions.clone()
    }

    fn tip(&self) -> Result<(u32, i64), ChainError> {
        let block = self.ledger.latest_block();
        Ok((block.height(), block.timestamp()))
    }

    fn protocol(&self) -> Protocol {
        protocol::read(&self.ledger)
    }

    fn trusted_peers(&self) -> usize {
        self.router.trusted_peers().len()
    }

    fn committee_height(&self) -> Option<u32> {
        let Role::Validator(node) = &self.role else { return None };
        Some(self.ledger.latest_height().saturating_add(node.num_blocks_behind()?))
    }

    fn puzzle(&self) -> Result<Puzzle, ChainError> {
        self.read_puzzle().map_err(chain_error("failed to read the latest puzzle".into()))
    }

    fn block(&self, height: u32) -> Result<Option<Block>, ChainError> {
        let read = || match self.ledger.try_get_block(height)? {
            Some(block) => self.read_block(&block).map(Some),
            None => Ok(None),
        };
        read().map_err(chain_error(format!("failed to read block {height}")))
    }

    fn block_facts(&self, height: u32) -> Result<Option<BlockFacts>, ChainError> {
        let read = || match self.ledger.try_get_block(height)? {
            Some(block) => self.read_facts(&block).map(Some),
            None => Ok(None),
        };
        read().map_err(chain_error(format!("failed to read block {height}")))
    }

    fn solutions_left(&self, address: &Address) -> Result<u64, ChainError> {
        let prover = convert::vm_address(address).map_err(chain_error("failed to read the stake".into()))?;
        Ok(self.ledger.num_remaining_solutions(&prover, 0))
    }

    fn stake(&self, address: &Address) -> Result<Stake, ChainError> {
        let read = || -> Result<Stake> {
            let prover = convert::vm_address(address)?;
            let landed = self.ledger.epoch_provers().read().get(&prover).copied().unwrap_or(0);
            let bonded = self.ledger.get_bonded_amount(&prover)?;
            let left = self.ledger.num_remaining_solutions(&prover, 0);
            Ok(Stake { bonded, landed: u64::from(landed), left })
        };
        read().map_err(chain_error("failed to read the stake".into()))
    }

    fn peers(&self) -> Vec<Peer> {
        self.router
            .get_connected_peers()
            .into_iter()
            .map(|peer| Peer {
                address: peer.listener_addr,
                validator: peer.node_type.is_validator(),
                trusted: peer.trusted,
                outbound: self.router.tcp().is_outbound(peer.connected_addr),
                height: peer.last_height_seen,
                silent_for: peer.last_seen.elapsed(),
                message_version: peer.version,
            })
            .collect()
    }

    fn offer(&self, peer: SocketAddr, solution: &Solution) -> bool {
        // `Router::send` never sends the same thing to a peer twice, not even after it reconnected: the pool
        // keeps its own record.
        let Some(connected) = self.router.resolve_to_ambiguous(peer) else { return false };
        let Ok(solution) = convert::vm_solution::<N>(solution) else { return false };
        let id = solution.id();
        if self.router.unicast(connected, Self::message(solution)).is_err() {
            return false;
        }
        // When another peer relays our solution back to us, the router must not send it to this one again.
        self.router.cache().insert_outbound_solution(peer, id);
        true
    }

    fn in_consensus(&self) -> bool {
        matches!(self.role, Role::Validator(_))
    }

    fn submit_to_own_consensus(&self, solution: &Solution) -> bool {
        let Role::Validator(validator) = &self.role else { return false };
        let Ok(solution) = convert::vm_solution::<N>(solution) else { return false };
        let id = SolutionId(*solution.id());
        // The validator would relay it to every peer as well. The release queue offers it to them at its own
        // pace, so the router's cache says that they have it.
        for peer in self.router.connected_peers() {
            self.router.cache().insert_outbound_solution(peer, solution.id());
        }
        let validator = validator.clone();
        self.runtime.spawn(async move {
            let itself = validator.router().local_ip();
            if !validator.unconfirmed_solution(itself, unconfirmed(solution), solution).await {
                tracing::warn!(%id, "own consensus refused the solution");
            }
        });
        true
    }

    fn check_ahead(&self, solution: &Solution) {
        // A validator's consensus has checked what it got.
        if self.in_consensus() {
            return;
        }
        let Ok(solution) = convert::vm_solution::<N>(solution) else { return };
        // The puzzle caches the targets of the solutions it has checked; the import of a block looks them up
        // there.
        let puzzle = self.ledger.puzzle().clone();
        self.runtime.spawn_blocking(move || {
            if let Err(error) = puzzle.get_proof_target(&solution) {
                let id = SolutionId(*solution.id());
                tracing::error!(%id, "the node's own check refuses a released solution: {error:#}");
            }
        });
    }
}
