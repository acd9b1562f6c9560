//! From shares to sums. Each level is added up on its own, so that the levels can be compared.

use std::collections::BTreeMap;

use pool_core::types::Worker;

/// A sum that its type cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sum does not fit its type")]
pub struct SumTooLarge;

/// Shares, and their credit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    pub shares: u64,
    pub credit: u128,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct AccountTally {
    pub(super) sum: Sum,
    /// By worker, bytewise.
    pub(super) workers: BTreeMap<String, Sum>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) total: Sum,
    /// By account, bytewise.
    pub(super) accounts: BTreeMap<String, AccountTally>,
}

impl Sum {
    pub(super) fn plus(self, other: Self) -> Result<Self, SumTooLarge> {
        let shares = self.shares.checked_add(other.shares);
        let credit = self.credit.checked_add(other.credit);
        match (shares, credit) {
            (Some(shares), Some(credit)) => Ok(Self { shares, credit }),
            _ => Err(SumTooLarge),
        }
    }
}

impl AccountTally {
    fn add(&mut self, worker: &str, share: Sum) -> Result<(), SumTooLarge> {
        self.sum = self.sum.plus(share)?;
        match self.workers.get_mut(worker) {
            Some(sum) => *sum = sum.plus(share)?,
            None => _ = self.workers.insert(worker.to_owned(), share),
        }
        Ok(())
    }
}

impl Tally {
    /// Adds a share with the assigned `target`.
    pub(super) fn add(&mut self, worker: &Worker, target: u64) -> Result<(), SumTooLarge> {
        let share = Sum { shares: 1, credit: target.into() };
        self.total = self.total.plus(share)?;
        // Names are copied for the first share of a worker only.
        match self.accounts.get_mut(&worker.account) {
            Some(account) => account.add(&worker.name, share),
            None => self.accounts.entry(worker.account.clone()).or_default().add(&worker.name, share),
        }
    }
}
