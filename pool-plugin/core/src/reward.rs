//! The chain's reward rule for solutions, rounded down at each step as the chain does.
//!
//! The node's adapter splits a real block's puzzle reward with [`split`]; the simulated chain computes
//! everything. Amounts are microcredits.

/// The largest part of a block's reward the chain pays for one solution; a larger one is not paid at all
/// (upstream's `MAX_COINBASE_REWARD`, a safety bound that honest values do not reach).
pub const MAX_PART: u64 = 190_258_739;

/// A block's coinbase reward: what is left of the coinbase target bounds what its solutions earn.
/// `cumulative` is the cumulative proof target of the previous block; `anchor` the reward for a whole
/// coinbase target.
pub fn coinbase(anchor: u64, combined_target: u128, cumulative: u64, coinbase_target: u64) -> u64 {
    if coinbase_target == 0 {
        return 0;
    }
    let remaining = u128::from(coinbase_target.saturating_sub(cumulative));
    let reward = u128::from(anchor) * combined_target.min(remaining) / u128::from(coinbase_target);
    // At most `anchor`, since the counted targets are at most the coinbase target.
    u64::try_from(reward).unwrap_or(u64::MAX)
}

/// The provers' part of a block's coinbase reward: two thirds (`Ratify::PuzzleReward` in the block).
pub const fn puzzle(coinbase_reward: u64) -> u64 {
    coinbase_reward.saturating_mul(2) / 3
}

/// Splits a block's puzzle reward among its solutions, in proportion to their targets, in their order. What
/// rounding leaves over is paid to nobody.
pub fn split(puzzle_reward: u64, targets: &[u64]) -> Vec<u64> {
    let combined: u128 = targets.iter().map(|target| u128::from(*target)).sum();
    if combined == 0 {
        return vec![0; targets.len()];
    }
    let part = |target: &u64| {
        let exact = u128::from(puzzle_reward) * u128::from(*target) / combined;
        u64::try_from(exact).ok().filter(|reward| *reward <= MAX_PART).unwrap_or(0)
    };
    targets.iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parts_are_pro_rata_and_rounded_down() {
        assert_eq!(split(100, &[1, 2]), [33, 66]);
        assert_eq!(split(100, &[7]), [100]);
        assert_eq!(split(10, &[1, 1, 1, 1]), [2, 2, 2, 2]);
    }

    #[test]
    fn nothing_is_paid_for_nothing() {
        assert!(split(100, &[]).is_empty());
        assert_eq!(split(0, &[5, 6]), [0, 0]);
        assert_eq!(split(100, &[0, 0]), [0, 0]);
    }

    #[test]
    fn the_largest_values_do_not_overflow() {
        assert_eq!(split(MAX_PART, &[u64::MAX; 4]), [MAX_PART / 4; 4]);
        assert_eq!(split(MAX_PART, &[u64::MAX, 1]), [MAX_PART - 1, 0]);
        assert_eq!(coinbase(u64::MAX, u128::MAX, 0, u64::MAX), u64::MAX);
    }

    #[test]
    fn a_part_above_the_chains_bound_is_not_paid() {
        assert_eq!(split(MAX_PART, &[1]), [MAX_PART]);
        assert_eq!(split(MAX_PART + 1, &[1]), [0]);
        assert_eq!(split(u64::MAX, &[u64::MAX]), [0]);
    }

    #[test]
    fn the_remaining_coinbase_target_bounds_the_coinbase() {
        assert_eq!(coinbase(1_000, 250, 0, 1_000), 250);
        assert_eq!(coinbase(1_000, 250, 900, 1_000), 100);
        assert_eq!(coinbase(1_000, 250, 1_000, 1_000), 0);
        assert_eq!(coinbase(1_000, 250, 2_000, 1_000), 0);
        assert_eq!(coinbase(1_000, 5_000, 0, 1_000), 1_000);
        assert_eq!(coinbase(10, 1, 0, 3), 3);
        assert_eq!(coinbase(10, 1, 0, 0), 0);
    }

    #[test]
    fn provers_get_two_thirds() {
        assert_eq!(puzzle(190_258_739), 126_839_159);
        assert_eq!(puzzle(1), 0);
        assert_eq!(puzzle(0), 0);
    }

    proptest! {
        #[test]
        fn the_parts_never_exceed_the_whole(
            reward in 0..=MAX_PART,
            targets in proptest::collection::vec(any::<u64>(), 0..5),
        ) {
            let paid: u64 = split(reward, &targets).iter().sum();
            prop_assert!(paid <= reward);
            if targets.iter().any(|target| *target > 0) {
                prop_assert!(reward - paid < targets.len() as u64);
            }
        }
    }
}
