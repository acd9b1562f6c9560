//! What a pool address may land.

use pool_core::{chain::Stake, requirement::Change, types::Address};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Decimal;
use crate::release::budget::Budget;

/// An address's budget in the current epoch. Amounts are microcredits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BudgetView {
    pub address: String,
    /// What is bonded to the address
    pub stake: Decimal,
    /// The stake that the chain requires for each solution of an epoch; missing while there is no limit
    pub requirement: Option<Decimal>,
    /// The next requirement
    pub next: Option<NextRequirement>,
    /// Solutions per epoch that the stake allows; missing: any number
    pub limit: Option<u64>,
    /// Solutions in blocks of this epoch
    pub landed: u64,
    /// Solutions that may still land in this epoch; missing: any number
    pub left: Option<u64>,
    /// Blocks left in which solutions of this epoch can land
    pub blocks_left: u32,
    /// The same in one sentence
    pub text: String,
}

/// A requirement that is not in force yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NextRequirement {
    /// The day (UTC) after which it applies
    pub after: String,
    pub requirement: Decimal,
    /// Solutions per epoch that the current stake will allow then
    pub limit: u64,
}

impl BudgetView {
    pub fn new(address: &Address, budget: &Budget) -> Self {
        let Stake { bonded, landed, left } = budget.stake;
        let next = budget.requirement.next.map(|Change { after, microcredits }| NextRequirement {
            after: after.to_owned(),
            requirement: microcredits.into(),
            limit: bonded / microcredits.max(1),
        });
        Self {
            address: address.to_string(),
            stake: bonded.into(),
            requirement: budget.requirement.now.map(Into::into),
            next,
            limit: (left != u64::MAX).then(|| landed.saturating_add(left)),
            landed,
            left: (left != u64::MAX).then_some(left),
            blocks_left: budget.blocks_left,
            text: budget.to_string(),
        }
    }
}
