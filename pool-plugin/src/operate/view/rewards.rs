//! What the share dumps paid to each account, kept up to date as dumps are written.
//!
//! The sums cover all dumps; single payments are kept for the latest ones only, within a bound.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    path::Path,
};

use parking_lot::RwLock;
use pool_core::accounting::luck::effort_permille;

use crate::{
    books::dump::{DumpSummary, SummaryError, file_name, is_published, read_summary},
    ledger::{ReadError, ShareLedger, records::Round},
};

/// Rewards that are kept one by one, over all accounts: some 30 MB.
const MOST_REWARDS: usize = 1_000_000;
/// Rounds that are read at a time.
const AT_A_TIME: usize = 64;
/// The luck covers this many of the last blocks.
const LUCK_BLOCKS: usize = 100;

/// The dumps so far.
#[derive(Clone, Debug, Default)]
pub(super) struct RewardBook {
    /// The last dump that is in the sums.
    height: u32,
    sums: HashMap<String, u128>,
    latest: VecDeque<Paid>,
    kept: usize,
    blocks: u64,
}

/// A dump.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Paid {
    pub(super) height: u32,
    pub(super) time: i64,
    pub(super) file: String,
    pub(super) digest: Option<String>,
    pub(super) summary: Summary,
    pub(super) rewards: BTreeMap<String, u64>,
}

/// A dump without its accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Summary {
    /// The round's, not that of the window it pays for.
    pub(super) shares: Option<u64>,
    pub(super) work: Option<u128>,
    pub(super) effort_permille: Option<u64>,
    pub(super) proof_target: Option<u64>,
    pub(super) solutions: usize,
}

impl RewardBook {
    /// Adds the dumps written since the last call, a few at a time: sums of less than all dumps up to a block would
    /// be wrong. `Some`: all later dumps wait for one that should be there.
    pub(super) fn follow(
        book: &RwLock<Self>,
        ledger: &ShareLedger,
        shares_dir: &Path,
    ) -> Result<Option<SummaryError>, ReadError> {
        let height = book.read().height;
        for round in &ledger.rounds_above(height, AT_A_TIME)? {
            // Read before the lock is taken.
            match read_summary(shares_dir, round) {
                Ok(summary) => book.write().take(Paid::new(round, summary)),
                Err(SummaryError::Missing { .. }) if !is_published(ledger, round)? => return Ok(None),
                Err(error) => return Ok(Some(error)),
            }
        }
        Ok(None)
    }

    fn take(&mut self, paid: Paid) {
        self.height = paid.height;
        self.blocks += 1;
        for (account, reward) in &paid.rewards {
            let sum = self.sums.entry(account.clone()).or_default();
            *sum = sum.saturating_add(u128::from(*reward));
        }
        self.kept += paid.rewards.len().max(1);
        self.latest.push_back(paid);
        while self.kept > MOST_REWARDS {
            let Some(oldest) = self.latest.pop_front() else { break };
            self.kept -= oldest.rewards.len().max(1);
        }
    }

    /// How many dumps are in the sums.
    pub(super) fn blocks(&self) -> u64 {
        self.blocks
    }

    pub(super) fn sum(&self, account: &str) -> u128 {
        self.sums.get(account).copied().unwrap_or(0)
    }

    pub(super) fn sums(&self) -> impl Iterator<Item = (&String, &u128)> {
        self.sums.iter()
    }

    /// What was paid to an account below `height`, the latest first.
    pub(super) fn of<'a>(
        &'a self,
        account: &'a str,
        below: u32,
    ) -> impl Iterator<Item = (&'a Paid, u64)> + 'a {
        let older = self.latest.iter().rev().skip_while(move |paid| paid.height >= below);
        older.filter_map(move |paid| Some((paid, *paid.rewards.get(account)?)))
    }

    pub(super) fn at(&self, height: u32) -> Option<&Paid> {
        let index = self.latest.binary_search_by_key(&height, |paid| paid.height).ok()?;
        self.latest.get(index)
    }

    /// The effort of the last blocks together, in thousandths, and their number.
    pub(super) fn luck(&self) -> (usize, Option<u64>) {
        let last = self.latest.iter().rev().take(LUCK_BLOCKS);
        let (mut blocks, mut work, mut expected) = (0, 0u128, 0u128);
        for Summary { work: of, proof_target, solutions, .. } in last.map(|paid| paid.summary) {
            let (Some(of), Some(proof_target)) = (of, proof_target) else { continue };
            blocks += 1;
            work = work.saturating_add(of);
            expected = expected.saturating_add(u128::from(proof_target).saturating_mul(solutions as u128));
        }
        let permille = work.saturating_mul(1_000).checked_div(expected);
        (blocks, permille.map(|permille| u64::try_from(permille).unwrap_or(u64::MAX)))
    }
}

impl Paid {
    pub(super) fn new(round: &Round, dump: DumpSummary) -> Self {
        let DumpSummary { proof_target, round: sum, digest, accounts } = dump;
        let solutions = round.solutions.len();
        let effort =
            sum.zip(proof_target).and_then(|(sum, target)| effort_permille(sum.credit, target, solutions));
        let rewards = accounts.into_iter().filter_map(|paid| Some((paid.account, paid.reward?)));
        Self {
            height: round.height,
            time: round.timestamp,
            file: file_name(round),
            digest,
            summary: Summary {
                shares: sum.map(|sum| sum.count),
                work: sum.map(|sum| sum.credit),
                effort_permille: effort,
                proof_target,
                solutions,
            },
            rewards: rewards.filter(|(_, reward)| *reward > 0).collect(),
        }
    }

    pub(super) fn without_rewards(&self) -> Self {
        let Self { height, time, ref file, ref digest, summary, .. } = *self;
        Self { height, time, file: file.clone(), digest: digest.clone(), summary, rewards: BTreeMap::new() }
    }
}

#[cfg(test)]
mod tests;
