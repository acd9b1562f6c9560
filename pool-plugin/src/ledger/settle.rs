//! What a block changes: solutions land, are aborted or expire, and a round closes. Values in, values out.

use std::collections::BTreeMap;

use pool_core::{
    accounting::terms::Terms,
    types::{Solution, SolutionId, epoch_of_block},
};

use crate::ledger::records::{Basis, BlockOutcome, Round, RoundSolution, SolutionRecord, SolutionState};

/// What the database knows when a block arrives.
#[derive(Clone, Debug, Default)]
pub(super) struct KnownSolution {
    /// The solutions the block names, as far as they are recorded, and all that are still open.
    pub(super) solutions: BTreeMap<SolutionId, SolutionRecord>,
    /// The last share of the round before; 0 if there is none.
    pub(super) previous_last_seq: u64,
    /// The last share stored.
    pub(super) last_seq: u64,
    /// The terms of the last share.
    pub(super) terms: Option<Terms>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Settled {
    /// The records that changed, by id.
    pub(super) solutions: BTreeMap<SolutionId, SolutionRecord>,
    /// If a solution of ours landed.
    pub(super) round: Option<Round>,
}

pub(super) fn settle(outcome: &BlockOutcome, known: &KnownSolution) -> Settled {
    let mut changed = BTreeMap::new();
    for (solution, reward) in &outcome.landed {
        let record = landed_record(outcome, solution, *reward, known.solutions.get(&solution.id()));
        changed.insert(solution.id(), record);
    }
    for (id, inferred) in &outcome.aborted {
        let Some(record) = known.solutions.get(id).filter(|record| is_open(record)) else {
            continue;
        };
        let state = SolutionState::Aborted { height: outcome.height, inferred: inferred.clone() };
        changed.entry(*id).or_insert_with(|| SolutionRecord { state, ..record.clone() });
    }
    for (id, record) in &known.solutions {
        if is_open(record) && record.epoch < outcome.open_epoch {
            let expired = || SolutionRecord { state: SolutionState::Expired, ..record.clone() };
            changed.entry(*id).or_insert_with(expired);
        }
    }
    Settled { round: round(outcome, known), solutions: changed }
}

pub(super) fn is_open(record: &SolutionRecord) -> bool {
    matches!(record.state, SolutionState::Found | SolutionState::Released)
}

/// How a record changes when a find is recorded (again): the state only advances, and a landing without a
/// finder gets one. `None`: nothing changes.
pub(super) fn merge_found(stored: &SolutionRecord, found: &SolutionRecord) -> Option<SolutionRecord> {
    let mut merged = stored.clone();
    if stored.state == SolutionState::Found {
        merged.state = found.state.clone();
    }
    if stored.finder.is_none() && found.finder.is_some() {
        merged.finder.clone_from(&found.finder);
        merged.found_ms = found.found_ms;
    }
    (merged != *stored).then_some(merged)
}

/// The chain decides: a landing also overrules a solution we had considered lost.
fn landed_record(
    outcome: &BlockOutcome,
    solution: &Solution,
    reward: u64,
    stored: Option<&SolutionRecord>,
) -> SolutionRecord {
    let state = SolutionState::Landed { height: outcome.height, hash: outcome.hash, reward };
    match stored {
        Some(record) => SolutionRecord { state, ..record.clone() },
        None => SolutionRecord {
            solution: *solution,
            epoch: epoch_of_block(outcome.height),
            finder: None,
            found_ms: u64::try_from(outcome.timestamp).unwrap_or(0).saturating_mul(1000),
            state,
        },
    }
}

fn round(outcome: &BlockOutcome, known: &KnownSolution) -> Option<Round> {
    let (first, _) = outcome.landed.first()?;
    let finder = |solution: &Solution| known.solutions.get(&solution.id())?.finder.clone();
    Some(Round {
        height: outcome.height,
        hash: outcome.hash,
        timestamp: outcome.timestamp,
        epoch: epoch_of_block(outcome.height),
        epoch_hash: first.epoch_hash,
        address: first.address,
        solutions: outcome
            .landed
            .iter()
            .map(|(solution, reward)| RoundSolution {
                solution: *solution,
                reward: *reward,
                finder: finder(solution),
            })
            .collect(),
        first_seq: known.previous_last_seq.saturating_add(1),
        last_seq: known.last_seq,
        basis: known.terms.clone().map(|terms| Basis { terms, proof_target: outcome.proof_target }),
    })
}

#[cfg(test)]
mod tests {
    use pool_core::{
        accounting::terms::Rules,
        types::{Address, BlockHash, EpochHash, Worker},
    };

    use super::*;

    fn solution(counter: u64) -> Solution {
        Solution { epoch_hash: EpochHash([9; 32]), address: Address([3; 32]), counter, target: 100 + counter }
    }

    fn worker(name: &str) -> Worker {
        Worker { account: name.into(), name: "rig".into() }
    }

    fn record(counter: u64, epoch: u32, state: SolutionState) -> SolutionRecord {
        SolutionRecord { solution: solution(counter), epoch, finder: Some(worker("ann")), found_ms: 5, state }
    }

    fn known(records: &[SolutionRecord]) -> KnownSolution {
        KnownSolution {
            solutions: records.iter().map(|record| (record.solution.id(), record.clone())).collect(),
            previous_last_seq: 10,
            last_seq: 25,
            terms: None,
        }
    }

    fn outcome(landed: &[u64], aborted: &[u64], open_epoch: u32) -> BlockOutcome {
        BlockOutcome {
            height: 721,
            hash: BlockHash([7; 32]),
            timestamp: 1_700_000_000,
            proof_target: 50,
            landed: landed.iter().map(|counter| (solution(*counter), 1000 + counter)).collect(),
            aborted: aborted.iter().map(|counter| (solution(*counter).id(), "late".to_owned())).collect(),
            open_epoch,
        }
    }

    fn state_of(settled: &Settled, counter: u64) -> Option<&SolutionState> {
        settled.solutions.get(&solution(counter).id()).map(|record| &record.state)
    }

    fn landed(counter: u64) -> SolutionState {
        SolutionState::Landed { height: 721, hash: BlockHash([7; 32]), reward: 1000 + counter }
    }

    #[test]
    fn a_block_without_us_cuts_no_round() {
        let settled = settle(&outcome(&[], &[], 2), &known(&[record(1, 2, SolutionState::Found)]));
        assert_eq!(settled, Settled { solutions: BTreeMap::new(), round: None });
    }

    #[test]
    fn two_landings_in_a_block_make_one_round() {
        let records = [record(1, 2, SolutionState::Released), record(2, 2, SolutionState::Found)];
        let settled = settle(&outcome(&[2, 1], &[], 2), &known(&records));
        let round = settled.round.clone().unwrap();
        assert_eq!((round.first_seq, round.last_seq, round.epoch), (11, 25, 2));
        let counters: Vec<u64> = round.solutions.iter().map(|landed| landed.solution.counter).collect();
        assert_eq!(counters, [2, 1], "in the block's order");
        assert_eq!(state_of(&settled, 1), Some(&landed(1)));
        assert_eq!(state_of(&settled, 2), Some(&landed(2)));
    }

    #[test]
    fn a_round_keeps_the_terms_and_the_proof_target_of_its_time() {
        let terms = Terms::after(12, 11, Rules::default(), None);
        let known = KnownSolution { terms: Some(terms.clone()), ..known(&[]) };
        let round = settle(&outcome(&[4], &[], 2), &known).round.unwrap();
        assert_eq!(round.basis, Some(Basis { terms, proof_target: 50 }));
    }

    #[test]
    fn a_landing_never_seen_found_has_no_finder() {
        let settled = settle(&outcome(&[4], &[], 2), &known(&[]));
        let round = settled.round.unwrap();
        assert_eq!(round.solutions[0].finder, None);
        let record = &settled.solutions[&solution(4).id()];
        assert_eq!((record.finder.clone(), record.epoch), (None, 2));
        assert_eq!(record.found_ms, 1_700_000_000_000);
    }

    #[test]
    fn open_solutions_of_past_epochs_expire_unless_they_land_or_are_aborted_now() {
        let records = [
            record(1, 1, SolutionState::Found),
            record(2, 1, SolutionState::Released),
            record(3, 1, SolutionState::Released),
            record(4, 2, SolutionState::Released),
        ];
        let settled = settle(&outcome(&[2], &[3], 2), &known(&records));
        assert_eq!(state_of(&settled, 1), Some(&SolutionState::Expired));
        assert_eq!(state_of(&settled, 2), Some(&landed(2)));
        let aborted = SolutionState::Aborted { height: 721, inferred: "late".to_owned() };
        assert_eq!(state_of(&settled, 3), Some(&aborted));
        assert_eq!(state_of(&settled, 4), None);
    }

    #[test]
    fn final_states_stay_unless_the_solution_lands() {
        let aborted = SolutionState::Aborted { height: 700, inferred: "limit".to_owned() };
        let records = [record(1, 1, SolutionState::Expired), record(2, 1, aborted), record(3, 1, landed(3))];
        let idle = settle(&outcome(&[], &[1, 2, 3, 9], 5), &known(&records));
        assert!(idle.solutions.is_empty());
        let landing = settle(&outcome(&[1, 2], &[], 5), &known(&records));
        assert_eq!(state_of(&landing, 1), Some(&landed(1)));
        assert_eq!(state_of(&landing, 2), Some(&landed(2)));
    }

    #[test]
    fn a_repeated_finding_never_turns_a_state_back() {
        let found = record(1, 1, SolutionState::Found);
        let released = record(1, 1, SolutionState::Released);
        assert_eq!(merge_found(&found, &found), None);
        assert_eq!(merge_found(&found, &released), Some(released.clone()));
        assert_eq!(merge_found(&released, &found), None);
        assert_eq!(merge_found(&record(1, 1, landed(1)), &released), None);
        assert_eq!(merge_found(&record(1, 1, SolutionState::Expired), &found), None);
    }

    #[test]
    fn a_landing_without_a_finder_learns_him_later() {
        let nobody = SolutionRecord { finder: None, found_ms: 9, ..record(1, 1, landed(1)) };
        let merged = merge_found(&nobody, &record(1, 1, SolutionState::Found)).unwrap();
        assert_eq!(merged, record(1, 1, landed(1)));
    }
}
