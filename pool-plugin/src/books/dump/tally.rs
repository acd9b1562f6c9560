//! From shares to sums. Each level is added up on its own, so that the levels can be compared.

use std::collections::BTreeMap;

use pool_core::types::Worker;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) shares: u64,
    pub(super) credit: u128,
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
    pub(super) fn plus(self, other: Self) -> Result<Self, String> {
        let shares = self.shares.checked_add(other.shares);
        let credit = self.credit.checked_add(other.credit);
        match (shares, credit) {
            (Some(shares), Some(credit)) => Ok(Self { shares, credit }),
            _ => Err("a sum does not fit its type".to_owned()),
        }
    }
}

impl Tally {
    /// Adds a share with the assigned `target`.
    pub(super) fn add(&mut self, worker: &Worker, target: u64) -> Result<(), String> {
        let share = Sum { shares: 1, credit: target.into() };
        self.total = self.total.plus(share)?;
        // Names are copied for the first share of a worker only.
        if !self.accounts.contains_key(&worker.account) {
            self.accounts.insert(worker.account.clone(), AccountTally::default());
        }
        let Some(account) = self.accounts.get_mut(&worker.account) else {
            return Err("an account is missing".to_owned());
        };
        account.sum = account.sum.plus(share)?;
        if let Some(sum) = account.workers.get_mut(&worker.name) {
            *sum = sum.plus(share)?;
            return Ok(());
        }
        account.workers.insert(worker.name.clone(), share);
        Ok(())
    }
}
