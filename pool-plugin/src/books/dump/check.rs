//! Whether a dump is consistent: sums, window, split, and its link to the previous one. Each error is a
//! sentence.

use std::collections::BTreeMap;

use pool_core::accounting::{
    allot::{Income, allot},
    terms::{Fee, Rules, Scheme, WHOLE_BASIS_POINTS},
};

use crate::books::dump::{
    document::{AccountEntry, Document, SCHEMA_VERSION, SchemeEntry, Settlement},
    tally::Sum,
};

/// Everything that the dump alone can show.
pub(super) fn check(document: &Document) -> Result<(), String> {
    check_sums(document)?;
    let given = (&document.settlement, &document.link);
    match (document.schema_version, given) {
        (SCHEMA_VERSION, (Some(settlement), Some(link))) => {
            if link.previous.is_none() && settlement.carried_in > 0 {
                return Err("there was nothing to carry in".to_owned());
            }
            check_window(document, settlement)?;
            check_rewards(document, settlement)
        }
        (SCHEMA_VERSION, _) => Err("it lacks members that its schema version requires".to_owned()),
        (_, (None, None)) => Ok(()),
        _ => Err("it has members that its schema version does not know".to_owned()),
    }
}

/// Whether `after` is the dump of our next block after that of `before`.
pub(super) fn check_link(before: &Document, after: &Document) -> Result<(), String> {
    if after.network != before.network {
        return Err("it is of another network than the dump before".to_owned());
    }
    if after.schema_version < before.schema_version {
        return Err("it is of an older schema than the dump before".to_owned());
    }
    let (Some(settlement), Some(link)) = (&after.settlement, &after.link) else {
        return Ok(());
    };
    let last_seq = before.settlement.as_ref().map_or(before.window.last_seq, |before| before.round.last_seq);
    if Some(settlement.round.first_seq) != last_seq.checked_add(1) {
        return Err(format!(
            "its round does not begin after share {last_seq}, where that of the dump before ends: is one \
             missing in between?"
        ));
    }
    if link.previous != before.link.as_ref().map(|link| link.digest.clone()) {
        return Err("it does not follow the dump before: is one missing in between?".to_owned());
    }
    if settlement.carried_in != before.settlement.as_ref().map_or(0, |before| before.carried_out) {
        return Err("what the dump before carried on is missing".to_owned());
    }
    match &before.settlement {
        Some(earlier) if !is_by_the_same_terms(earlier, settlement) => {
            Err("its terms differ from those of the dump before, but claim the same start".to_owned())
        }
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

fn check_sums(document: &Document) -> Result<(), String> {
    let mut total = Sum::default();
    for account in &document.accounts {
        let of_account = Sum { shares: account.shares, credit: account.credit };
        let mut of_workers = Sum::default();
        for worker in &account.workers {
            of_workers = of_workers.plus(Sum { shares: worker.shares, credit: worker.credit })?;
        }
        if of_workers != of_account {
            return Err(mismatch("the workers of an account", of_workers, "the account", of_account));
        }
        if !account.workers.is_sorted_by(|one, other| one.worker < other.worker) {
            return Err("the workers of an account are not in order, or one is repeated".to_owned());
        }
        total = total.plus(of_account)?;
    }
    if !document.accounts.is_sorted_by(|one, other| one.account < other.account) {
        return Err("the accounts are not in order, or one is repeated".to_owned());
    }
    let stated = Sum { shares: document.total_shares, credit: document.total_credit };
    if total != stated {
        return Err(mismatch("the accounts", total, "the total", stated));
    }
    let window = &document.window;
    if window.count != document.total_shares || !is_length(window.first_seq, window.last_seq, window.count) {
        return Err(format!(
            "the window spans {} shares from {} to {}, {} were counted",
            window.count, window.first_seq, window.last_seq, document.total_shares
        ));
    }
    if window.first_credit.is_some_and(|first| u128::from(first) > document.total_credit) {
        return Err("the first share counts for more than all".to_owned());
    }
    let rewards = document.solutions.iter().map(|solution| solution.reward);
    if rewards.clone().try_fold(0u64, u64::checked_add) != Some(document.total_reward) {
        return Err("the solutions' rewards do not add up to the total".to_owned());
    }
    Ok(())
}

fn is_length(first_seq: u64, last_seq: u64, count: u64) -> bool {
    last_seq.checked_add(1).and_then(|end| end.checked_sub(first_seq)) == Some(count)
}

fn check_window(document: &Document, settlement: &Settlement) -> Result<(), String> {
    let (window, round) = (&document.window, &settlement.round);
    if round.last_seq != window.last_seq || !is_length(round.first_seq, round.last_seq, round.count) {
        return Err("the round does not have the length it states".to_owned());
    }
    let Scheme::Pplns { window: length } = scheme(&settlement.scheme)? else {
        if round.first_seq == window.first_seq && round.credit == document.total_credit {
            return Ok(());
        }
        return Err("the window is not the round".to_owned());
    };
    let work = u128::from(length) * u128::from(settlement.proof_target);
    let reach_seq = settlement.scheme.reach_seq.unwrap_or(0);
    if window.first_seq < reach_seq || document.total_credit > work {
        return Err("the window reaches too far".to_owned());
    }
    if document.total_credit < work && window.first_seq != reach_seq {
        return Err("the window is too short".to_owned());
    }
    Ok(())
}

fn check_rewards(document: &Document, settlement: &Settlement) -> Result<(), String> {
    let fees = settlement.fees.iter();
    let rules = Rules {
        scheme: scheme(&settlement.scheme)?,
        fees: fees.map(|fee| Fee { account: fee.account.clone(), basis_points: fee.basis_points }).collect(),
    };
    let points: u64 = rules.fees.iter().map(|fee| u64::from(fee.basis_points)).sum();
    if points > u64::from(WHOLE_BASIS_POINTS) {
        return Err("the fees are more than the whole".to_owned());
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
    let allotment = allot(&rules, &income).ok_or("a sum of the rewards does not fit its type")?;
    if !settlement.fees.iter().map(|fee| fee.amount).eq(allotment.fees.iter().copied()) {
        return Err("the fees are not as their basis points say".to_owned());
    }
    if settlement.carried_out != allotment.carried_out {
        return Err(format!("{} is to be carried on", allotment.carried_out));
    }
    let mut expected: BTreeMap<&str, u64> = allotment.rewards;
    for AccountEntry { account, reward, .. } in &document.accounts {
        let expected = expected.remove(account.as_str()).unwrap_or(0);
        if *reward != Some(expected) {
            return Err(format!("the reward of '{}' should be {expected}", account.escape_debug()));
        }
    }
    match expected.iter().find(|(_, reward)| **reward > 0) {
        Some((account, reward)) => Err(format!("{reward} for '{}' are missing", account.escape_debug())),
        None => Ok(()),
    }
}

fn scheme(entry: &SchemeEntry) -> Result<Scheme, String> {
    match (entry.name.as_str(), entry.window, entry.reach_seq) {
        ("prop", None, None) => Ok(Scheme::Prop),
        ("solo", None, None) => Ok(Scheme::Solo),
        ("pplns", Some(window), Some(_)) => Ok(Scheme::Pplns { window }),
        _ => Err(format!("the scheme '{}' is unknown or lacks a number", entry.name.escape_debug())),
    }
}

fn mismatch(one: &str, one_sum: Sum, other: &str, other_sum: Sum) -> String {
    format!(
        "{one} have {} shares and credit {}, {other} {} and {}",
        one_sum.shares, one_sum.credit, other_sum.shares, other_sum.credit
    )
}
