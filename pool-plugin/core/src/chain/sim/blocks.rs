//! The rules of the simulated chain: what a block accepts, pays and aborts. Pure values.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use sha2::{Digest, Sha256};

use crate::{
    chain::{Block, BlockFacts, LandedSolution, Puzzle},
    reward,
    types::{Address, BLOCKS_PER_EPOCH, BlockHash, EpochHash, MAX_SOLUTIONS_PER_BLOCK, Solution, SolutionId},
};

const GENESIS_TIMESTAMP: i64 = 1_795_000_000;
const SECONDS_PER_BLOCK: i64 = 3;
const EMPTY_BLOCK_BYTES: u64 = 2_000;
const SOLUTION_BYTES: u64 = 80;

#[derive(Debug)]
pub(super) struct Blocks {
    pub(super) tip: u32,
    /// The latest block's: what the next block requires.
    pub(super) proof_target: u64,
    pub(super) coinbase_target: u64,
    /// Microcredits for a whole coinbase target.
    pub(super) anchor: u64,
    pub(super) mempool: VecDeque<Solution>,
    pub(super) limits: HashMap<Address, u64>,
    pub(super) landed_in_epoch: HashMap<Address, u64>,
    pub(super) balances: HashMap<Address, u64>,
    cumulative_proof_target: u64,
    /// Empty blocks are made on demand instead of stored, so that long jumps are cheap.
    filled: BTreeMap<u32, Block>,
    /// Landed and aborted ids: the chain refuses both for ever.
    used: HashSet<SolutionId>,
}

impl Default for Blocks {
    fn default() -> Self {
        Self {
            tip: 0,
            proof_target: 100,
            coinbase_target: 100_000,
            anchor: 100_000_000,
            mempool: VecDeque::new(),
            limits: HashMap::new(),
            landed_in_epoch: HashMap::new(),
            balances: HashMap::new(),
            cumulative_proof_target: 0,
            filled: BTreeMap::new(),
            used: HashSet::new(),
        }
    }
}

pub(super) fn block_hash(height: u32) -> BlockHash {
    let mut bytes: [u8; 32] = Sha256::digest(height.to_le_bytes()).into();
    // The chain's hashes are field elements: below 2^253.
    bytes[31] &= 0x0f;
    BlockHash(bytes)
}

/// The hash of the block before the epoch's first.
pub(super) fn epoch_hash(epoch: u32) -> EpochHash {
    match epoch.saturating_mul(BLOCKS_PER_EPOCH).checked_sub(1) {
        Some(height) => EpochHash(block_hash(height).0),
        None => EpochHash::default(),
    }
}

impl Blocks {
    pub(super) fn puzzle(&self) -> Puzzle {
        let epoch = self.tip / BLOCKS_PER_EPOCH;
        let ends_epoch = self.tip % BLOCKS_PER_EPOCH == BLOCKS_PER_EPOCH - 1;
        Puzzle {
            height: self.tip,
            epoch,
            epoch_hash: epoch_hash(epoch),
            next_epoch_hash: ends_epoch.then(|| epoch_hash(epoch + 1)),
            proof_target: self.proof_target,
            coinbase_target: self.coinbase_target,
        }
    }

    pub(super) fn block(&self, height: u32) -> Block {
        self.filled.get(&height).cloned().unwrap_or_else(|| empty_block(height, self.proof_target))
    }

    pub(super) fn facts(&self, height: u32) -> BlockFacts {
        let solutions = self.block(height).solutions.len() as u64;
        BlockFacts {
            previous_hash: block_hash(height.saturating_sub(1)),
            proof_target: self.proof_target,
            size: EMPTY_BLOCK_BYTES + SOLUTION_BYTES * solutions,
        }
    }

    pub(super) fn solutions_left(&self, address: &Address) -> u64 {
        let Some(limit) = self.limits.get(address) else { return u64::MAX };
        limit.saturating_sub(self.landed_in_epoch.get(address).copied().unwrap_or(0))
    }

    /// Whether a validator takes the solution into its pool. It does not look at the stake limit.
    pub(super) fn admits(&self, solution: &Solution) -> bool {
        self.is_good(solution)
            && !self.used.contains(&solution.id())
            && !self.mempool.iter().any(|waiting| waiting.id() == solution.id())
    }

    fn is_good(&self, solution: &Solution) -> bool {
        let puzzle = self.puzzle();
        solution.epoch_hash == puzzle.epoch_hash && solution.target >= puzzle.proof_target
    }

    /// Takes from the mempool as many as a block can carry, in the order of arrival.
    pub(super) fn candidates(&mut self) -> Vec<Solution> {
        let count = self.mempool.len().min(MAX_SOLUTIONS_PER_BLOCK);
        self.mempool.drain(..count).collect()
    }

    /// Makes the next block: lands what the rules allow of `candidates`, aborts the rest, and aborts
    /// `aborted` without a reason.
    pub(super) fn produce(&mut self, candidates: &[Solution], aborted: &[SolutionId]) -> Block {
        let mut block = empty_block(self.tip + 1, self.proof_target);
        let mut accepted: Vec<Solution> = vec![];
        for solution in candidates {
            if !self.used.insert(solution.id()) {
                continue;
            }
            let of_prover = accepted.iter().filter(|other| other.address == solution.address).count() as u64;
            let lands = accepted.len() < MAX_SOLUTIONS_PER_BLOCK
                && self.is_good(solution)
                && self.solutions_left(&solution.address) > of_prover;
            if lands {
                accepted.push(*solution);
            } else {
                block.aborted.push(solution.id());
            }
        }
        block.aborted.extend(aborted.iter().filter(|id| self.used.insert(**id)));
        self.mempool.retain(|waiting| !self.used.contains(&waiting.id()));
        self.pay(&mut block, accepted);
        self.advance(&block);
        block
    }

    fn pay(&mut self, block: &mut Block, accepted: Vec<Solution>) {
        let targets: Vec<u64> = accepted.iter().map(|solution| solution.target).collect();
        let combined: u128 = targets.iter().map(|target| u128::from(*target)).sum();
        let coinbase =
            reward::coinbase(self.anchor, combined, self.cumulative_proof_target, self.coinbase_target);
        let rewards = reward::split(reward::puzzle(coinbase), &targets);
        block.solutions = accepted
            .into_iter()
            .zip(rewards)
            .map(|(solution, reward)| LandedSolution { solution, reward })
            .collect();
        let cumulative = u128::from(self.cumulative_proof_target) + combined;
        let reached = cumulative >= u128::from(self.coinbase_target / 2);
        self.cumulative_proof_target =
            if reached { 0 } else { u64::try_from(cumulative).unwrap_or(u64::MAX) };
        for landed in &block.solutions {
            *self.balances.entry(landed.solution.address).or_default() += landed.reward;
        }
    }

    fn advance(&mut self, block: &Block) {
        self.tip = block.height;
        if *block != empty_block(block.height, self.proof_target) {
            self.filled.insert(block.height, block.clone());
        }
        if block.height.is_multiple_of(BLOCKS_PER_EPOCH) {
            self.start_epoch();
            return;
        }
        for landed in &block.solutions {
            *self.landed_in_epoch.entry(landed.solution.address).or_default() += 1;
        }
    }

    /// What lands in the block that starts an epoch does not count against the new epoch's limit.
    fn start_epoch(&mut self) {
        self.landed_in_epoch.clear();
        self.mempool.clear();
    }

    /// Passes empty blocks up to `height`.
    pub(super) fn jump_to(&mut self, height: u32) {
        if height / BLOCKS_PER_EPOCH > self.tip / BLOCKS_PER_EPOCH {
            self.start_epoch();
        }
        self.tip = self.tip.max(height);
    }
}

fn empty_block(height: u32, proof_target: u64) -> Block {
    Block {
        height,
        hash: block_hash(height),
        timestamp: GENESIS_TIMESTAMP + SECONDS_PER_BLOCK * i64::from(height),
        proof_target,
        solutions: vec![],
        aborted: vec![],
    }
}
