//! Whether a dump is consistent: sums, window, split, and its link to the previous one.

use std::collections::BTreeMap;

use pool_core::accounting::{
    allot::{Income, allot},
    terms::{Fee, Rules, Scheme, WHOLE_BASIS_POINTS},
};

use crate::books::dump::{
    InvalidDump,
    document::{AccountEntry, Document, SCHEMA_VERSION, SchemeEntry, Settlement, Window},
    tally::Sum,
};

/// Everything that the dump alone can show.
pub(super) fn check(document: &Document) -> Result<(), InvalidDump> {
    check_sums(document)?;
    let given = (&document.settlement, &document.link);
    match (document.schema_version, given) {
        (SCHEMA_VERSION, (Some(settlement), Some(link))) => {
            if link.previous.is_none() && settlement.carried_in > 0 {
                return Err(InvalidDump::CarriedIn);
            }
            check_window(document, settlement)?;
            check_rewards(document, settlement)
        }
        (SCHEMA_VERSION, _) => Err(InvalidDump::MissingMembers),
        (_, (None, None)) => Ok(()),
        _ => Err(InvalidDump::UnknownMembers),
    }
}

/// Whether `after` is the dump of our next block after that of `before`.
pub(super) fn check_link(before: &Document, after: &Document) -> Result<(), InvalidDump> {
    if after.network != before.network {
        return Err(InvalidDump::OtherNetwork);
    }
    if after.schema_version < before.schema_version {
        return Err(InvalidDump::OlderSchema);
    }
    let (Some(settlement), Some(link)) = (&after.settlement, &after.link) else {
        return Ok(());
    };
    let last_seq = before.settlement.as_ref().map_or(before.window.last_seq, |before| before.round.last_seq);
    if Some(settlement.round.first_seq) != last_seq.checked_add(1) {
        return Err(InvalidDump::RoundStart { last_seq });
    }
    if link.previous != before.link.as_ref().map(|link| link.digest.clone()) {
        return Err(InvalidDump::Previous);
    }
    if settlement.carried_in != before.settlement.as_ref().map_or(0, |before| before.carried_out) {
        return Err(InvalidDump::CarriedOn);
    }
    match &before.settlement {
        Some(earlier) if !is_by_the_same_terms(earlier, settlement) => Err(InvalidDump::Terms),
        _ => Ok(()),
    }
}

/// Whether `after` pays by the same terms as `before`, unless its terms are newer. A window is shorter once
/// old shares have been retired.
fn is_by_the_same_terms(before: &Settlement, after: &Settlement) -> bool {
    let (old, new) = (&before.scheme, &after.scheme);
    // Terms without a share under them may have been replaced.
    if old.since_seq != new.since_seq || old.since_seq > before.round.last_seq {
        return true;
    }
    let fees = |of: &Settlement| -> Vec<_> {
        of.fees.iter().map(|fee| (fee.account.clone(), fee.basis_points)).collect()
    };
    (&old.name, old.window) == (&new.name, new.window)
        && old.reach_seq <= new.reach_seq
        && fees(before) == fees(after)
}

fn check_sums(document: &Document) -> Result<(), InvalidDump> {
    let mut total = Sum::default();
    for account in &document.accounts {
        let of_account = Sum { shares: account.shares, credit: account.credit };
        let mut of_workers = Sum::default();
        for worker in &account.workers {
            of_workers = of_workers.plus(Sum { shares: worker.shares, credit: worker.credit })?;
        }
        if of_workers != of_account {
            return Err(InvalidDump::WorkersSum { workers: of_workers, account: of_account });
        }
        if !account.workers.is_sorted_by(|one, other| one.worker < other.worker) {
            return Err(InvalidDump::WorkersOrder);
        }
        total = total.plus(of_account)?;
    }
    if !document.accounts.is_sorted_by(|one, other| one.account < other.account) {
        return Err(InvalidDump::AccountsOrder);
    }
    let stated = Sum { shares: document.total_shares, credit: document.total_credit };
    if total != stated {
        return Err(InvalidDump::AccountsSum { accounts: total, total: stated });
    }
    let window = &document.window;
    if window.count != document.total_shares || !is_length(window.first_seq, window.last_seq, window.count) {
        let Window { count, first_seq, last_seq, .. } = *window;
        return Err(InvalidDump::WindowLength { count, first_seq, last_seq, counted: document.total_shares });
    }
    if window.first_credit.is_some_and(|first| u128::from(first) > document.total_credit) {
        return Err(InvalidDump::FirstCredit);
    }
    let rewards = document.solutions.iter().map(|solution| solution.reward);
    if rewards.clone().try_fold(0u64, u64::checked_add) != Some(document.total_reward) {
        return Err(InvalidDump::TotalReward);
    }
    Ok(())
}

fn is_length(first_seq: u64, last_seq: u64, count: u64) -> bool {
    last_seq.checked_add(1).and_then(|end| end.checked_sub(first_seq)) == Some(count)
}

fn check_window(document: &Document, settlement: &Settlement) -> Result<(), InvalidDump> {
    let (window, round) = (&document.window, &settlement.round);
    if round.last_seq != window.last_seq || !is_length(round.first_seq, round.last_seq, round.count) {
        return Err(InvalidDump::RoundLength);
    }
    let Scheme::Pplns { window: length } = scheme(&settlement.scheme)? else {
        if round.first_seq == window.first_seq && round.credit == document.total_credit {
            return Ok(());
        }
        return Err(InvalidDump::WindowNotRound);
    };
    let work = u128::from(length) * u128::from(settlement.proof_target);
    let reach_seq = settlement.scheme.reach_seq.unwrap_or(0);
    if window.first_seq < reach_seq || document.total_credit > work {
        return Err(InvalidDump::WindowTooLong);
    }
    if document.total_credit < work && window.first_seq != reach_seq {
        return Err(InvalidDump::WindowTooShort);
    }
    Ok(())
}

fn check_rewards(document: &Document, settlement: &Settlement) -> Result<(), InvalidDump> {
    let fees = settlement.fees.iter();
    let rules = Rules {
        scheme: scheme(&settlement.scheme)?,
        fees: fees.map(|fee| Fee { account: fee.account.clone(), basis_points: fee.basis_points }).collect(),
    };
    let points: u64 = rules.fees.iter().map(|fee| u64::from(fee.basis_points)).sum();
    if points > u64::from(WHOLE_BASIS_POINTS) {
        return Err(InvalidDump::FeesTooHigh);
    }
    let income = Income {
        solutions: document
            .solutions
            .iter()
            .map(|landed| (landed.finder.as_ref().map(|finder| finder.account.as_str()), landed.reward))
            .collect(),
        carried_in: settlement.carried_in,
        credits: document.accounts.iter().map(|entry| (entry.account.as_str(), entry.credit)).collect(),
    };
    let allotment = allot(&rules, &income).ok_or(InvalidDump::RewardsTooLarge)?;
    if !settlement.fees.iter().map(|fee| fee.amount).eq(allotment.fees.iter().copied()) {
        return Err(InvalidDump::Fees);
    }
    if settlement.carried_out != allotment.carried_out {
        return Err(InvalidDump::CarriedOut { expected: allotment.carried_out });
    }
    let mut expected: BTreeMap<&str, u64> = allotment.rewards;
    for AccountEntry { account, reward, .. } in &document.accounts {
        let expected = expected.remove(account.as_str()).unwrap_or(0);
        if *reward != Some(expected) {
            return Err(InvalidDump::Reward { account: account.clone(), expected });
        }
    }
    match expected.iter().find(|(_, reward)| **reward > 0) {
        Some((account, reward)) => {
            Err(InvalidDump::MissingReward { account: (*account).to_owned(), reward: *reward })
        }
        None => Ok(()),
    }
}

pub(super) fn scheme(entry: &SchemeEntry) -> Result<Scheme, InvalidDump> {
    match (entry.name.as_str(), entry.window, entry.reach_seq) {
        ("prop", None, None) => Ok(Scheme::Prop),
        ("solo", None, None) => Ok(Scheme::Solo),
        ("pplns", Some(window), Some(_)) => Ok(Scheme::Pplns { window }),
        _ => Err(InvalidDump::Scheme(entry.name.clone())),
    }
}
