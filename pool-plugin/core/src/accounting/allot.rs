//! A block's reward in full: fees, the accounts' parts, and what is carried to the next block.

use std::collections::BTreeMap;

use crate::accounting::{
    split::split,
    terms::{Rules, Scheme, WHOLE_BASIS_POINTS},
};

/// What there is to share out. Amounts are microcredits.
#[derive(Clone, Debug, Default)]
pub struct Income<'a> {
    /// For each of our solutions in the block: the account that found it, if known, and its reward.
    pub solutions: Vec<(Option<&'a str>, u64)>,
    /// What the block before could not give to anyone.
    pub carried_in: u64,
    /// The work in the window, by account.
    pub credits: BTreeMap<&'a str, u128>,
}

/// Who gets what. Rewards and what is carried on add up to the income.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allotment<'a> {
    /// In the order of the rules.
    pub fees: Vec<u64>,
    /// By account: its part, and its fee if it takes one. Accounts that get nothing may be missing.
    pub rewards: BTreeMap<&'a str, u64>,
    pub carried_out: u64,
}

/// Shares out `income`. `None`: a sum does not fit its type, which no real income reaches.
///
/// What nobody has a claim to is carried to the next block: all of it if the window holds no work; under
/// SOLO, the rewards of solutions whose finder is unknown. A fee is taken when it is shared out, not before.
pub fn allot<'a>(rules: &'a Rules, income: &Income<'a>) -> Option<Allotment<'a>> {
    let rewards = income.solutions.iter().map(|(_, reward)| *reward);
    let whole = rewards.chain([income.carried_in]).try_fold(0u64, u64::checked_add)?;
    let (claims, unclaimed) = claims(rules.scheme, income)?;
    let claimed = claims.values().try_fold(0u128, |sum, claim| sum.checked_add(*claim))?;
    if claimed == 0 {
        let fees = vec![0; rules.fees.len()];
        return Some(Allotment { fees, rewards: BTreeMap::new(), carried_out: whole });
    }
    let shared = whole - unclaimed;
    let fees: Vec<u64> = rules.fees.iter().map(|fee| part_of(shared, fee.basis_points)).collect();
    // Each is rounded down and the rules take the whole at most.
    let net = shared - fees.iter().sum::<u64>();
    let weights: Vec<u128> = claims.values().copied().collect();
    let parts = split(net, &weights)?;
    let mut rewards: BTreeMap<&str, u64> = claims.keys().copied().zip(parts).collect();
    for (fee, amount) in rules.fees.iter().zip(&fees) {
        *rewards.entry(fee.account.as_str()).or_default() += amount;
    }
    Some(Allotment { fees, rewards, carried_out: unclaimed })
}

/// What measures each account's part, and the rewards that no account has a claim to.
fn claims<'a>(scheme: Scheme, income: &Income<'a>) -> Option<(BTreeMap<&'a str, u128>, u64)> {
    if scheme != Scheme::Solo {
        return Some((income.credits.clone(), 0));
    }
    let mut claims: BTreeMap<&str, u128> = BTreeMap::new();
    let mut unclaimed = 0u64;
    for (finder, reward) in &income.solutions {
        match finder {
            Some(account) => *claims.entry(account).or_default() += u128::from(*reward),
            None => unclaimed = unclaimed.checked_add(*reward)?,
        }
    }
    Some((claims, unclaimed))
}

/// Rounded down, in the miners' favour.
fn part_of(amount: u64, basis_points: u32) -> u64 {
    let exact = u128::from(amount) * u128::from(basis_points) / u128::from(WHOLE_BASIS_POINTS);
    u64::try_from(exact).unwrap_or(amount)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::accounting::terms::Fee;

    const PPLNS: Scheme = Scheme::Pplns { window: 1 };

    fn rules(scheme: Scheme, fees: &[(&str, u32)]) -> Rules {
        let fee = |(account, basis_points): &(&str, u32)| Fee {
            account: (*account).to_owned(),
            basis_points: *basis_points,
        };
        Rules { scheme, fees: fees.iter().map(fee).collect() }
    }

    fn income<'a>(
        solutions: &[(Option<&'a str>, u64)],
        carried_in: u64,
        credits: &[(&'a str, u128)],
    ) -> Income<'a> {
        Income { solutions: solutions.to_vec(), carried_in, credits: credits.iter().copied().collect() }
    }

    fn rewards<'a>(allotment: &Allotment<'a>) -> Vec<(&'a str, u64)> {
        allotment.rewards.iter().map(|(account, reward)| (*account, *reward)).collect()
    }

    #[test]
    fn work_is_paid_in_proportion_after_the_fees() {
        let rules = rules(Scheme::Prop, &[("pool", 100), ("ann", 50)]);
        let income = income(&[(Some("bob"), 999), (None, 1)], 1_000, &[("ann", 1), ("bob", 3)]);
        let allotment = allot(&rules, &income).unwrap();
        assert_eq!(allotment.fees, [20, 10]);
        // 1970 in quarters: 492.5 and 1477.5; the tie goes to ann, who is also given a fee.
        assert_eq!(rewards(&allotment), [("ann", 503), ("bob", 1_477), ("pool", 20)]);
        assert_eq!(allotment.carried_out, 0);
    }

    #[test]
    fn a_window_without_work_carries_all_of_it_untouched() {
        for scheme in [Scheme::Prop, PPLNS] {
            let rules = rules(scheme, &[("pool", 10_000)]);
            let allotment = allot(&rules, &income(&[(Some("ann"), 7)], 5, &[])).unwrap();
            assert_eq!((allotment.carried_out, allotment.fees.as_slice()), (12, [0].as_slice()));
            assert!(allotment.rewards.is_empty());
        }
    }

    #[test]
    fn solo_pays_the_finders_and_carries_what_nobody_found() {
        let rules = rules(Scheme::Solo, &[("pool", 1_000)]);
        let found = income(&[(Some("ann"), 100), (Some("bob"), 50), (Some("ann"), 30)], 0, &[("eve", 9)]);
        let allotment = allot(&rules, &found).unwrap();
        assert_eq!(rewards(&allotment), [("ann", 117), ("bob", 45), ("pool", 18)]);

        let half = allot(&rules, &income(&[(Some("ann"), 100), (None, 50)], 0, &[])).unwrap();
        assert_eq!((rewards(&half), half.carried_out), (vec![("ann", 90), ("pool", 10)], 50));
        let none = allot(&rules, &income(&[(None, 50)], 50, &[("eve", 9)])).unwrap();
        assert_eq!((none.rewards.len(), none.carried_out), (0, 100));
        // The next finder has it, since somebody must.
        let next = allot(&rules, &income(&[(Some("bob"), 10)], 100, &[])).unwrap();
        assert_eq!(rewards(&next), [("bob", 99), ("pool", 11)]);
    }

    #[test]
    fn the_whole_may_be_a_fee_and_nothing_may_be_the_whole() {
        let rules = rules(PPLNS, &[("a", 9_999), ("b", 1)]);
        let all = allot(&rules, &income(&[(None, 20_000)], 0, &[("m", 1)])).unwrap();
        assert_eq!(rewards(&all), [("a", 19_998), ("b", 2), ("m", 0)]);
        let nothing = allot(&rules, &income(&[(None, 0)], 0, &[("m", 1)])).unwrap();
        assert_eq!(rewards(&nothing), [("a", 0), ("b", 0), ("m", 0)]);
        assert_eq!(allot(&rules, &income(&[(None, u64::MAX)], 1, &[("m", 1)])), None);
    }

    proptest! {
        #[test]
        fn what_comes_in_goes_out_to_the_microcredit(
            scheme in prop_oneof![Just(Scheme::Prop), Just(PPLNS), Just(Scheme::Solo)],
            found in prop::collection::vec((prop::option::of(0..4usize), 0..1u64 << 40), 0..5),
            carried_in in 0..1u64 << 40,
            credits in prop::collection::vec(0..1u128 << 90, 0..6),
            points in prop::collection::vec(1..3_333u32, 0..3),
        ) {
            const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
            let fees: Vec<(&str, u32)> = NAMES.into_iter().zip(points).collect();
            let rules = rules(scheme, &fees);
            let solutions: Vec<(Option<&str>, u64)> =
                found.iter().map(|(who, reward)| (who.map(|who| NAMES[who]), *reward)).collect();
            let credits: Vec<(&str, u128)> = NAMES.into_iter().zip(credits).collect();
            let income = income(&solutions, carried_in, &credits);
            let allotment = allot(&rules, &income).unwrap();
            let out: u64 = allotment.rewards.values().sum::<u64>() + allotment.carried_out;
            let into: u64 = solutions.iter().map(|(_, reward)| reward).sum::<u64>() + carried_in;
            prop_assert_eq!(out, into);
        }
    }
}
