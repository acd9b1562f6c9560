//! From a block to what it means for our solutions. Pure.

use std::collections::{HashMap, HashSet};

use pool_core::{
    chain::Block,
    types::{Address, BLOCKS_PER_EPOCH, MAX_SOLUTIONS_PER_BLOCK, SolutionId, epoch_of_block},
};

use crate::ledger::records::{BlockOutcome, SolutionRecord, SolutionState};

/// Facts of the chain apart from the block itself; `None` where unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clues {
    /// The proof target the block's solutions had to reach: that of the block before it.
    pub proof_target: Option<u64>,
    /// What each of our addresses could still land after this block.
    pub left: HashMap<Address, u64>,
}

/// What `block` means to the pool. `known`: our records of the block's aborted solutions.
pub fn outcome(
    block: &Block,
    addresses: &HashSet<Address>,
    known: &HashMap<SolutionId, SolutionRecord>,
    clues: &Clues,
) -> BlockOutcome {
    let ours = block.solutions.iter().filter(|landed| addresses.contains(&landed.solution.address));
    let aborted = block.aborted.iter().filter_map(|id| {
        let record = known.get(id)?;
        Some((*id, abort_reason(block, record, clues).to_owned()))
    });
    BlockOutcome {
        height: block.height,
        hash: block.hash,
        timestamp: block.timestamp,
        proof_target: block.proof_target,
        landed: ours.map(|landed| (landed.solution, landed.reward)).collect(),
        aborted: aborted.collect(),
        open_epoch: block.height / BLOCKS_PER_EPOCH,
    }
}

/// Our best guess why the block aborted the solution: the chain gives no reason.
fn abort_reason(block: &Block, record: &SolutionRecord, clues: &Clues) -> &'static str {
    if matches!(record.state, SolutionState::Landed { .. } | SolutionState::Aborted { .. }) {
        return "duplicate: the chain had settled it before";
    }
    if record.epoch != epoch_of_block(block.height) {
        return "its epoch had ended";
    }
    if clues.proof_target.is_some_and(|required| record.solution.target < required) {
        return "the proof target rose above it";
    }
    if clues.left.get(&record.solution.address) == Some(&0) {
        return "over the stake limit";
    }
    if block.solutions.len() >= MAX_SOLUTIONS_PER_BLOCK {
        return "the block was full";
    }
    "unknown"
}

#[cfg(test)]
mod tests {
    use pool_core::{
        chain::LandedSolution,
        types::{BlockHash, EpochHash, Solution},
    };

    use super::*;

    const OURS: Address = Address([7; 32]);
    const OTHERS: Address = Address([9; 32]);

    fn solution(address: Address, counter: u64) -> Solution {
        Solution { epoch_hash: EpochHash([1; 32]), address, counter, target: 200 }
    }

    fn block(height: u32, landed: &[Solution], aborted: &[Solution]) -> Block {
        Block {
            height,
            hash: BlockHash([5; 32]),
            timestamp: 1_795_000_000,
            proof_target: 200,
            solutions: landed
                .iter()
                .map(|one| LandedSolution { solution: *one, reward: one.counter })
                .collect(),
            aborted: aborted.iter().map(Solution::id).collect(),
        }
    }

    fn released(solution: Solution, epoch: u32) -> SolutionRecord {
        let state = SolutionState::Released;
        SolutionRecord { solution, epoch, finder: None, found_ms: 0, state }
    }

    fn judge(block: &Block, records: &[SolutionRecord], clues: &Clues) -> BlockOutcome {
        let known = records.iter().map(|record| (record.solution.id(), record.clone())).collect();
        outcome(block, &HashSet::from([OURS]), &known, clues)
    }

    fn reason(block: &Block, record: SolutionRecord, clues: &Clues) -> String {
        judge(block, &[record], clues).aborted[0].1.clone()
    }

    #[test]
    fn only_ours_count_in_the_blocks_order() {
        let landed = [solution(OURS, 30), solution(OTHERS, 20), solution(OURS, 10)];
        let judged = judge(&block(5, &landed, &[solution(OTHERS, 1)]), &[], &Clues::default());
        assert_eq!(judged.landed, [(landed[0], 30), (landed[2], 10)]);
        assert!(judged.aborted.is_empty());
    }

    #[test]
    fn the_open_epoch_is_the_one_the_next_block_takes() {
        let open = |height| judge(&block(height, &[], &[]), &[], &Clues::default()).open_epoch;
        assert_eq!([open(0), open(359), open(360), open(361)], [0, 0, 1, 1]);
    }

    #[test]
    fn the_reason_of_an_abort_is_inferred_from_what_is_known() {
        let one = solution(OURS, 1);
        let lonely = block(5, &[], &[one]);
        assert_eq!(reason(&lonely, released(one, 0), &Clues::default()), "unknown");
        let risen = Clues { proof_target: Some(201), ..Clues::default() };
        assert_eq!(reason(&lonely, released(one, 0), &risen), "the proof target rose above it");
        let reached = Clues { proof_target: Some(200), ..Clues::default() };
        assert_eq!(reason(&lonely, released(one, 0), &reached), "unknown");
        let spent = Clues { left: HashMap::from([(OURS, 0)]), ..Clues::default() };
        assert_eq!(reason(&lonely, released(one, 0), &spent), "over the stake limit");
        let full = block(5, &[solution(OTHERS, 1); 4], &[one]);
        assert_eq!(reason(&full, released(one, 0), &Clues::default()), "the block was full");
        assert_eq!(
            reason(&block(361, &[], &[one]), released(one, 0), &Clues::default()),
            "its epoch had ended"
        );
        let twice = SolutionRecord {
            state: SolutionState::Landed { height: 4, hash: BlockHash([4; 32]), reward: 1 },
            ..released(one, 0)
        };
        assert!(reason(&lonely, twice, &Clues::default()).starts_with("duplicate"));
    }
}
