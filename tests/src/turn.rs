//! A change of epoch, as blocks and miners saw it. Pure: times in seconds since 1970.

use crate::blocks::{self, Times};

pub const BLOCKS_PER_EPOCH: u64 = 360;

/// Upstream logs a block a moment after it has announced it; on a busy machine a job may be sent first. In
/// seconds.
const LOG_DELAY: f64 = 0.1;

/// How the next epoch's job reached the miners.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Turn {
    /// The last block in our ledger before the first miner had the job: the block that triggered it.
    pub trigger: u64,
    /// From the first validator's commit of that block to the job at the first miner, in seconds.
    pub first: f64,
    /// The same, on average over all miners.
    pub mean: f64,
    /// The same, to the last miner.
    pub last: f64,
    /// From that block in our ledger to the job, on average over all miners.
    pub push: f64,
}

/// The part of an epoch in which miners work for nothing: a solution found after the network has the last
/// block but one that accepts it comes too late.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Late {
    /// The epoch's length in seconds, by the blocks of the run.
    pub length: f64,
    /// If the job is sent for the first block of the next epoch.
    pub before: f64,
    /// As it was sent.
    pub after: f64,
}

impl Turn {
    /// From the first validators' blocks, our ledger's, and when each miner had the job.
    pub fn of(network: &Times, ledger: &Times, arrivals: &[f64]) -> Option<Self> {
        let first = arrivals.iter().copied().reduce(f64::min)?;
        let last = arrivals.iter().copied().reduce(f64::max)?;
        let mean = arrivals.iter().sum::<f64>() / arrivals.len() as f64;
        let trigger = blocks::tip_at(ledger, first + LOG_DELAY)?;
        let (committed, imported) = (network.get(&trigger)?, ledger.get(&trigger)?);
        Some(Self {
            trigger,
            first: first - committed,
            mean: mean - committed,
            last: last - committed,
            push: mean - imported,
        })
    }
}

impl Late {
    pub fn of(turn: &Turn, network: &Times, ledger: &Times, arrivals: &[f64]) -> Option<Self> {
        let next_epoch = turn.trigger.next_multiple_of(BLOCKS_PER_EPOCH);
        // The epoch's last block, whose hash is the next epoch's. A solution takes two blocks to land, and
        // only one more accepts solutions of this epoch.
        let known = network.get(&next_epoch.checked_sub(1)?)?;
        let length = BLOCKS_PER_EPOCH as f64 * interval(network)?;
        let late = arrivals.iter().map(|arrival| (arrival - known).max(0.0)).sum::<f64>();
        Some(Self {
            length,
            before: (ledger.get(&next_epoch)? + turn.push - known) / length,
            after: late / arrivals.len() as f64 / length,
        })
    }
}

/// The average time between two blocks, in seconds.
pub fn interval(times: &Times) -> Option<f64> {
    let ((first, begin), (last, end)) = (times.first_key_value()?, times.last_key_value()?);
    (last > first).then(|| (end - begin) / (last - first) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A block every two seconds.
    fn network() -> Times {
        (1..=365).map(|height| (height, 2.0 * height as f64)).collect()
    }

    /// Half a second later.
    fn ledger() -> Times {
        network().into_iter().map(|(height, time)| (height, time + 0.5)).collect()
    }

    fn turn(arrivals: &[f64]) -> (Turn, Late) {
        let (network, ledger) = (network(), ledger());
        let turn = Turn::of(&network, &ledger, arrivals).unwrap();
        (turn, Late::of(&turn, &network, &ledger, arrivals).unwrap())
    }

    #[test]
    fn a_job_sent_for_the_first_block_of_the_epoch_is_as_late_as_before() {
        // Block 360 comes at 720, and is ours at 720.5.
        let (turn, late) = turn(&[720.5, 721.0, 721.5]);
        assert_eq!(turn, Turn { trigger: 360, first: 0.5, mean: 1.0, last: 1.5, push: 0.5 });
        assert_eq!(late, Late { length: 720.0, before: 3.0 / 720.0, after: 3.0 / 720.0 });
    }

    #[test]
    fn a_job_sent_a_block_early_is_late_by_our_lag_and_the_push() {
        let (turn, late) = turn(&[718.5, 719.0, 719.5]);
        assert_eq!(turn, Turn { trigger: 359, first: 0.5, mean: 1.0, last: 1.5, push: 0.5 });
        assert_eq!(late, Late { length: 720.0, before: 3.0 / 720.0, after: 1.0 / 720.0 });
    }

    #[test]
    fn a_job_may_be_there_before_its_block_is_in_the_log() {
        assert_eq!(turn(&[720.4375, 721.0]).0.trigger, 360);
    }

    #[test]
    fn without_a_job_there_is_no_turn() {
        assert_eq!(Turn::of(&network(), &ledger(), &[]), None);
    }
}
