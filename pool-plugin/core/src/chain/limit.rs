//! What an address may land in the next epoch.

use super::{Chain, ChainError, Stake};
use crate::{requirement::Requirement, types::Address};

/// How many solutions `address` may land in the epoch after the current one, by the stake it has now.
///
/// The ledger only says what is left of the current epoch. In the next epoch nothing has landed yet, so its
/// limit is the sum of what is left now and what has landed. An address that has nothing left may have landed
/// more than its stake would allow today (the requirement has risen, or stake was taken out): then the stake
/// is read as well.
pub fn limit_of_next_epoch(chain: &dyn Chain, address: &Address) -> Result<u64, ChainError> {
    let Stake { bonded, landed, left } = chain.stake(address)?;
    if left > 0 {
        return Ok(left.saturating_add(landed));
    }
    let height = chain.puzzle()?.height;
    let time = chain.block(height)?.map_or(0, |block| block.timestamp);
    let of_stake = Requirement::at(chain.network(), time).now.and_then(|now| bonded.checked_div(now));
    Ok(of_stake.map_or(landed, |limit| limit.min(landed)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::sim::SimChain;

    const OURS: Address = Address([7; 32]);

    #[test]
    fn what_has_landed_in_this_epoch_may_land_again_in_the_next() {
        let sim = SimChain::new();
        assert_eq!(limit_of_next_epoch(&*sim, &OURS), Ok(u64::MAX), "no limit");
        sim.set_limit(OURS, 3);
        for counter in 1..=3 {
            assert_eq!(limit_of_next_epoch(&*sim, &OURS), Ok(3));
            sim.produce_block_with(&[sim.solution(OURS, counter, 200)], &[]);
        }
        assert_eq!(sim.solutions_left(&OURS), Ok(0));
        assert_eq!(limit_of_next_epoch(&*sim, &OURS), Ok(3));
    }

    #[test]
    fn stake_that_was_taken_out_lands_nothing() {
        let sim = SimChain::new();
        sim.set_limit(OURS, 3);
        sim.produce_block_with(&[sim.solution(OURS, 1, 200), sim.solution(OURS, 2, 200)], &[]);
        sim.set_limit(OURS, 1);
        assert_eq!(limit_of_next_epoch(&*sim, &OURS), Ok(1));
        sim.set_limit(OURS, 0);
        assert_eq!(limit_of_next_epoch(&*sim, &OURS), Ok(0));
    }
}
