//! From a round and its shares to the fields of its dump.

use std::collections::BTreeMap;

use pool_core::{
    accounting::{
        allot::{Allotment, Income, allot},
        terms::{Fee, Scheme, Terms},
    },
    types::{Network, Worker},
};

use crate::{
    books::dump::{
        InvalidDump,
        document::{
            AccountEntry, Document, FIRST_SCHEMA_VERSION, FeeEntry, FinderEntry, Link, RoundEntry,
            SCHEMA_VERSION, SchemeEntry, Settlement, SolutionEntry, Window, WorkerEntry,
        },
        gather::Gathered,
        tally::{AccountTally, Sum, Tally},
    },
    ledger::records::{Basis, DumpMark, Round, RoundSolution},
};

/// The dump of `round`. `before`: the mark of the previous dump, if it has one.
pub(super) fn build(
    round: &Round,
    network: Network,
    gathered: Gathered,
    before: Option<&DumpMark>,
) -> Result<Document, InvalidDump> {
    let rewards = round.solutions.iter().map(|landed| landed.reward);
    let total_reward =
        rewards.clone().try_fold(0u64, u64::checked_add).ok_or(InvalidDump::TotalRewardTooLarge)?;
    let Gathered { window_first_seq, first_credit, window: tally, round: sum } = gathered;
    let has_terms = round.basis.is_some();
    let round_length = length(round.first_seq, round.last_seq)?;
    let window = Window {
        first_seq: window_first_seq,
        last_seq: round.last_seq,
        count: length(window_first_seq, round.last_seq)?,
        first_credit: has_terms.then_some(first_credit),
    };
    let (total_shares, total_credit) = (tally.total.shares, tally.total.credit);
    let (settlement, accounts, link) = match &round.basis {
        None => (None, accounts_of(tally, None), None),
        Some(basis) => {
            let carried_in = before.map_or(0, |mark| mark.carried_out);
            let income = Income {
                solutions: round.solutions.iter().map(|landed| (account_of(landed), landed.reward)).collect(),
                carried_in,
                credits: tally
                    .accounts
                    .iter()
                    .map(|(name, account)| (name.as_str(), account.sum.credit))
                    .collect(),
            };
            let allotment = allot(&basis.terms.rules, &income).ok_or(InvalidDump::RewardsTooLarge)?;
            let entry = RoundEntry {
                first_seq: round.first_seq,
                last_seq: round.last_seq,
                count: round_length,
                credit: sum.credit,
            };
            let settlement = settlement(basis, &allotment, carried_in, entry);
            let rewards: BTreeMap<String, u64> =
                allotment.rewards.iter().map(|(name, reward)| ((*name).to_owned(), *reward)).collect();
            // The digest is set once everything else is.
            let link = Link { previous: before.map(|mark| hex::encode(mark.digest)), digest: String::new() };
            (Some(settlement), accounts_of(tally, Some(rewards)), Some(link))
        }
    };
    let mut document = Document {
        schema_version: if has_terms { SCHEMA_VERSION } else { FIRST_SCHEMA_VERSION },
        network: network.name().to_owned(),
        height: round.height,
        hash: round.hash.to_string(),
        timestamp: round.timestamp,
        epoch: round.epoch,
        epoch_hash: round.epoch_hash.to_string(),
        pool_address: round.address.to_string(),
        total_reward,
        solutions: round.solutions.iter().map(SolutionEntry::from).collect(),
        settlement,
        window,
        total_shares,
        total_credit,
        accounts,
        link,
    };
    document.sign()?;
    Ok(document)
}

fn settlement(basis: &Basis, allotment: &Allotment<'_>, carried_in: u64, round: RoundEntry) -> Settlement {
    let fee_entry = |(fee, amount): (&Fee, &u64)| FeeEntry {
        account: fee.account.clone(),
        basis_points: fee.basis_points,
        amount: *amount,
    };
    Settlement {
        proof_target: basis.proof_target,
        scheme: SchemeEntry::from(&basis.terms),
        fees: basis.terms.rules.fees.iter().zip(&allotment.fees).map(fee_entry).collect(),
        carried_in,
        carried_out: allotment.carried_out,
        round,
    }
}

/// By account, bytewise: those with work in the window, and those with a reward.
fn accounts_of(tally: Tally, rewards: Option<BTreeMap<String, u64>>) -> Vec<AccountEntry> {
    let has_terms = rewards.is_some();
    let mut rewards = rewards.unwrap_or_default();
    let mut accounts = tally.accounts;
    for name in rewards.keys() {
        if !accounts.contains_key(name) {
            accounts.insert(name.clone(), AccountTally::default());
        }
    }
    let worker_entry =
        |(worker, sum): (String, Sum)| WorkerEntry { worker, shares: sum.shares, credit: sum.credit };
    accounts
        .into_iter()
        .map(|(account, tally)| AccountEntry {
            shares: tally.sum.shares,
            credit: tally.sum.credit,
            reward: has_terms.then(|| rewards.remove(&account).unwrap_or(0)),
            workers: tally.workers.into_iter().map(worker_entry).collect(),
            account,
        })
        .collect()
}

fn account_of(landed: &RoundSolution) -> Option<&str> {
    landed.finder.as_ref().map(|finder| finder.account.as_str())
}

/// 0 for an empty window, which ends one before it begins.
fn length(first_seq: u64, last_seq: u64) -> Result<u64, InvalidDump> {
    let length = last_seq.checked_add(1).and_then(|end| end.checked_sub(first_seq));
    length.ok_or(InvalidDump::WindowReversed { first_seq, last_seq })
}

impl From<&Terms> for SchemeEntry {
    fn from(terms: &Terms) -> Self {
        let window = match terms.rules.scheme {
            Scheme::Pplns { window } => Some(window),
            Scheme::Prop | Scheme::Solo => None,
        };
        Self {
            name: terms.rules.scheme.name().to_owned(),
            window,
            reach_seq: window.map(|_| terms.reach_seq),
            since_seq: terms.since_seq,
        }
    }
}

impl From<&RoundSolution> for SolutionEntry {
    fn from(landed: &RoundSolution) -> Self {
        let solution = &landed.solution;
        Self {
            id: solution.id().to_string(),
            address: solution.address.to_string(),
            counter: solution.counter,
            target: solution.target,
            reward: landed.reward,
            finder: landed.finder.as_ref().map(FinderEntry::from),
        }
    }
}

impl From<&Worker> for FinderEntry {
    fn from(finder: &Worker) -> Self {
        Self { account: finder.account.clone(), worker: finder.name.clone() }
    }
}
