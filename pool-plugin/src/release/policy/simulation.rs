//! What a policy earns: epochs of the chain's reward rule, with other provers, a proof target that moves, and
//! our finds. Pure; the randomness is the caller's.

use pool_core::{
    reward,
    types::{BLOCKS_PER_EPOCH, MAX_SOLUTIONS_PER_BLOCK},
};
use rand::{Rng, RngExt};

use super::{Policy, Situation};

/// Microcredits for a whole coinbase target; only ratios matter here.
const ANCHOR: u64 = 100_000_000;

/// The conditions of an epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scenario {
    /// What the address may land.
    pub budget: u64,
    /// What it finds on average.
    pub finds: f64,
    /// Solutions of other provers that come with each block, on average. Mainnet's coinbase target adapts to
    /// the speed of all provers such that it is about one in six blocks.
    pub others: f64,
    /// How far the proof target moves from block to block, as a fraction of it (standard deviation).
    pub drift: f64,
}

/// The result of an epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Earned {
    /// Microcredits.
    pub reward: f64,
    pub landed: f64,
    /// Released, and in no block of the epoch.
    pub missed: f64,
}

struct Network {
    proof_target: f64,
    cumulative: u64,
    /// What others' and our released solutions wait for: (target, ours), in the order of arrival.
    mempool: Vec<(u64, bool)>,
}

impl Network {
    fn coinbase_target(&self) -> u64 {
        (self.proof_target * 4.0) as u64
    }

    /// The next block: the first that fit and reach the proof target. Returns what ours earn, and how many.
    fn block(&mut self) -> (u64, u64) {
        let reaches = |target: u64| target as f64 >= self.proof_target;
        let mut chosen = vec![];
        self.mempool.retain(|(target, ours)| {
            let taken = chosen.len() < MAX_SOLUTIONS_PER_BLOCK && reaches(*target);
            if taken {
                chosen.push((*target, *ours));
            }
            // A solution of ours that the proof target has passed waits at a client until the target falls.
            !taken && (*ours || reaches(*target))
        });
        let targets: Vec<u64> = chosen.iter().map(|(target, _)| *target).collect();
        let combined: u128 = targets.iter().map(|target| u128::from(*target)).sum();
        let coinbase_target = self.coinbase_target();
        let coinbase = reward::coinbase(ANCHOR, combined, self.cumulative, coinbase_target);
        let rewards = reward::split(reward::puzzle(coinbase), &targets);
        let cumulative = u128::from(self.cumulative) + combined;
        let reached = cumulative >= u128::from(coinbase_target / 2);
        self.cumulative = if reached { 0 } else { u64::try_from(cumulative).unwrap_or(u64::MAX) };
        let ours = rewards.iter().zip(&chosen).filter(|(_, (_, ours))| *ours);
        ours.fold((0, 0), |(sum, count), (reward, _)| (sum + reward, count + 1))
    }
}

/// One epoch under a policy.
pub fn epoch(policy: Policy, scenario: &Scenario, random: &mut impl Rng) -> Earned {
    let mut network = Network { proof_target: 1e9, cumulative: 0, mempool: vec![] };
    let mut held: Vec<u64> = vec![];
    let (mut released, mut landed, mut earned) = (0, 0, 0);
    for height in 0..BLOCKS_PER_EPOCH {
        for _ in 0..poisson(scenario.others, random) {
            network.mempool.push((solution(network.proof_target, random), false));
        }
        for _ in 0..poisson(scenario.finds / f64::from(BLOCKS_PER_EPOCH), random) {
            held.push(solution(network.proof_target, random));
        }
        held.sort_unstable_by(|left, right| right.cmp(left));
        let may_land = held.iter().take_while(|target| **target as f64 >= network.proof_target).count();
        let view = Situation {
            held: held.get(..may_land).unwrap_or_default(),
            budget: scenario.budget - released,
            released_in_block: 0,
            blocks_left: BLOCKS_PER_EPOCH - height,
            coinbase_target: network.coinbase_target(),
            expected: (scenario.finds * f64::from(BLOCKS_PER_EPOCH - height) / f64::from(BLOCKS_PER_EPOCH))
                .round() as u64,
        };
        let now = policy.release(&view);
        released += now as u64;
        network.mempool.extend(held.drain(..now).map(|target| (target, true)));
        let (reward, count) = network.block();
        (earned, landed) = (earned + reward, landed + count);
        network.proof_target *= (scenario.drift * normal(random)).exp();
    }
    Earned { reward: earned as f64, landed: landed as f64, missed: (released - landed) as f64 }
}

/// The mean of many epochs.
pub fn mean(policy: Policy, scenario: &Scenario, epochs: u32, random: &mut impl Rng) -> Earned {
    let mut sum = Earned::default();
    for _ in 0..epochs {
        let one = epoch(policy, scenario, random);
        sum.reward += one.reward;
        sum.landed += one.landed;
        sum.missed += one.missed;
    }
    let epochs = f64::from(epochs.max(1));
    Earned { reward: sum.reward / epochs, landed: sum.landed / epochs, missed: sum.missed / epochs }
}

/// The target of a counter that reaches `proof_target`: `T` or more with probability `proof_target / T`.
fn solution(proof_target: f64, random: &mut impl Rng) -> u64 {
    (proof_target / (1.0 - random.random::<f64>())) as u64
}

/// Knuth's method: fine for the small means here.
fn poisson(mean: f64, random: &mut impl Rng) -> u32 {
    let (limit, mut product, mut count) = ((-mean).exp(), random.random::<f64>(), 0);
    while product > limit {
        product *= random.random::<f64>();
        count += 1;
    }
    count
}

/// By Box and Muller.
fn normal(random: &mut impl Rng) -> f64 {
    let radius = (-2.0 * (1.0 - random.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.random::<f64>()).cos()
}
