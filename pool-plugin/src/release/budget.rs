//! What a pool address may land, as a text for operators.

use std::fmt;

use pool_core::{
    chain::{Chain, ChainError, Stake},
    requirement::{Change, Requirement},
    types::{Address, BLOCKS_PER_EPOCH},
};

const MICROCREDITS_PER_CREDIT: u64 = 1_000_000;

/// An address's budget in the current epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    pub stake: Stake,
    pub requirement: Requirement,
    /// Blocks left in which solutions of this epoch can land.
    pub blocks_left: u32,
}

impl Budget {
    pub fn read(chain: &dyn Chain, address: &Address) -> Result<Self, ChainError> {
        let height = chain.puzzle()?.height;
        let time = chain.block(height)?.map_or(0, |block| block.timestamp);
        Ok(Self {
            stake: chain.stake(address)?,
            requirement: Requirement::at(chain.network(), time),
            blocks_left: BLOCKS_PER_EPOCH - height % BLOCKS_PER_EPOCH,
        })
    }

    /// How many solutions per epoch the stake allows now. `None`: any number, or the ledger's own count
    /// differs from this one, and is right.
    fn limit(&self) -> Option<u64> {
        let Stake { bonded, landed, left } = self.stake;
        let limit = bonded / self.requirement.now?;
        (left == limit.saturating_sub(landed)).then_some(limit)
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Stake { bonded, landed, left } = self.stake;
        let credits = |microcredits: u64| pool_core::types::grouped(microcredits / MICROCREDITS_PER_CREDIT);
        write!(f, "{} landed this epoch, ", pool_core::types::counted(landed, "solution"))?;
        if left == u64::MAX {
            f.write_str("any number may follow")?;
        } else {
            write!(f, "{} may follow", pool_core::types::grouped(left))?;
        }
        write!(
            f,
            " in {}; {} credits bonded",
            pool_core::types::counted(self.blocks_left, "block"),
            credits(bonded)
        )?;
        if let (Some(limit), Some(now)) = (self.limit(), self.requirement.now) {
            write!(f, ", which lands {limit} an epoch at {} each", credits(now))?;
        }
        if let Some(Change { after, microcredits }) = self.requirement.next {
            let lands = bonded / microcredits;
            write!(f, "; after {after} it lands {lands} at {} each", credits(microcredits))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use pool_core::{chain::sim::SimChain, types::Network};

    use super::*;

    const OURS: Address = Address([7; 32]);

    #[test]
    fn a_budget_is_read_from_the_chain_and_told_in_one_line() {
        let chain = SimChain::new();
        chain.set_limit(OURS, 3);
        chain.produce_block_with(&[chain.solution(OURS, 1, 200)], &[]);
        let budget = Budget::read(&*chain, &OURS).unwrap();
        assert_eq!(
            budget.to_string(),
            "1 solution landed this epoch, 2 may follow in 359 blocks; 37,500 credits bonded, which lands 3 an \
             epoch at 12,500 each; after 2027-01-31 it lands 2 at 15,000 each"
        );
    }

    #[test]
    fn the_ledger_is_right_when_it_counts_otherwise() {
        let stake = Stake { bonded: 5_000_000_000_000, landed: 1, left: 1 };
        let requirement = Requirement::at(Network::Mainnet, i64::MAX);
        let text = Budget { stake, requirement, blocks_left: 10 }.to_string();
        assert!(text.contains("which lands 2 an epoch"), "{text}");
        let stake = Stake { left: 7, ..stake };
        let text = Budget { stake, requirement, blocks_left: 10 }.to_string();
        assert!(text.contains("7 may follow") && !text.contains("which lands"), "{text}");
    }

    #[test]
    fn a_chain_without_a_limit_says_so() {
        let chain = SimChain::new();
        let text = Budget::read(&*chain, &OURS).unwrap().to_string();
        assert!(
            text.starts_with("0 solutions landed this epoch, any number may follow in 360 blocks"),
            "{text}"
        );
    }
}
