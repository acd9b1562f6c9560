use proptest::prelude::*;
use rand::{SeedableRng, rngs::StdRng};

use super::{
    simulation::{Scenario, mean},
    *,
};

fn view(held: &[u64], budget: u64, blocks_left: u32) -> Situation<'_> {
    Situation { held, budget, released_in_block: 0, blocks_left, coinbase_target: 400, expected: 1_000 }
}

fn gain(budget: u64, finds: f64) -> f64 {
    let scenario = Scenario { budget, finds, others: 0.15, drift: 0.003 };
    let mut random = StdRng::seed_from_u64(budget * 1_000 + finds as u64);
    let mut earned = |policy| mean(policy, &scenario, 150, &mut random).reward;
    earned(Policy::BestOfEpoch) / earned(Policy::Immediate)
}

#[test]
fn an_unbeatable_target_goes_at_once_and_others_wait() {
    assert_eq!(Policy::BestOfEpoch.release(&view(&[400, 399], 5, 300)), 1);
    assert_eq!(Policy::BestOfEpoch.release(&view(&[399, 101], 5, 300)), 0);
    assert_eq!(Policy::Immediate.release(&view(&[399, 101], 5, 300)), 2);
    assert_eq!(Policy::Auto.release(&Situation { expected: 3, ..view(&[399, 101], 5, 300) }), 2);
    assert_eq!(Policy::Auto.release(&Situation { expected: 4, ..view(&[399, 101], 5, 300) }), 0);
}

#[test]
fn best_of_epoch_earns_a_third_more_and_up_to_double_when_twice_as_many_are_found_as_may_land() {
    for (budget, finds) in [(1, 5.0), (5, 50.0), (10, 100.0), (50, 100.0), (50, 500.0)] {
        assert!(gain(budget, finds) > 1.3, "{budget} of {finds}: {}", gain(budget, finds));
    }
}

#[test]
fn with_an_ample_budget_auto_earns_what_immediate_earns() {
    let scenario = Scenario { budget: 50, finds: 20.0, others: 0.15, drift: 0.003 };
    let earned = |policy| mean(policy, &scenario, 100, &mut StdRng::seed_from_u64(7));
    assert_eq!(earned(Policy::Auto), earned(Policy::Immediate));
}

#[test]
fn what_is_released_lands_in_time_also_when_blocks_are_crowded() {
    let scenario = Scenario { budget: 50, finds: 200.0, others: 3.0, drift: 0.003 };
    let earned = mean(Policy::BestOfEpoch, &scenario, 100, &mut StdRng::seed_from_u64(11));
    assert!(earned.landed > 49.5 && earned.missed < 0.5, "{earned:?}");
}

proptest! {
    #[test]
    fn never_more_than_held_or_affordable_and_never_more_a_block_than_fit(
        mut held in prop::collection::vec(100u64..2_000, 0..20),
        budget in 0u64..500,
        blocks_left in 0u32..=360,
        released_in_block in 0usize..6,
        expected in 0u64..500,
    ) {
        held.sort_unstable_by(|left, right| right.cmp(left));
        let view = Situation { released_in_block, expected, ..view(&held, budget, blocks_left) };
        for (_, policy) in Policy::NAMES {
            prop_assert!(policy.release(&view) as u64 <= budget.min(held.len() as u64));
        }
        let best = Policy::BestOfEpoch.release(&view);
        prop_assert!(best == 0 || best + released_in_block <= MAX_SOLUTIONS_PER_BLOCK);
    }

    #[test]
    fn what_is_held_all_lands_in_the_blocks_that_are_left(budget in 1u64..300, held in 1usize..300) {
        let targets = vec![101; held];
        let (mut left, mut released) = (budget, 0);
        for blocks_left in (1..=360).rev() {
            let now = Policy::BestOfEpoch.release(&view(&targets[released..], left, blocks_left));
            released += now;
            left -= now as u64;
            if blocks_left == RESERVE {
                break;
            }
        }
        prop_assert_eq!(released as u64, budget.min(held as u64));
    }
}
