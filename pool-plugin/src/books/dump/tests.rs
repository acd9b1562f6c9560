//! What is written reads back, adds up, and shows every change.

use std::collections::BTreeSet;

use pool_core::{
    accounting::{
        terms::{Fee, Rules, Scheme, Terms},
        window::{Cut, reach},
    },
    types::{Address, BlockHash, EpochHash, Network, Solution, Worker},
};
use proptest::prelude::*;

use super::{
    build::build,
    check::{check, check_link},
    document::Document,
    file_name,
    gather::Gathered,
    read_summary,
    tally::Sum,
};
use crate::ledger::records::{Basis, DumpMark, Round, RoundSolution};

/// Makes a dump a false one.
type Lie = fn(&mut Document);

/// Account, worker, target.
type Shares = [(String, String, u64)];

fn solution(counter: u64, reward: u64, finder: Option<&str>) -> RoundSolution {
    let finder = finder.map(|account| Worker { account: account.to_owned(), name: "rig".to_owned() });
    let solution =
        Solution { epoch_hash: EpochHash([2; 32]), address: Address([3; 32]), counter, target: 1 << 40 };
    RoundSolution { solution, reward, finder }
}

fn round(first_seq: u64, last_seq: u64, scheme: Option<Scheme>) -> Round {
    let fees = vec![Fee { account: "fee".to_owned(), basis_points: 150 }];
    let terms = |scheme| Terms { rules: Rules { scheme, fees }, since_seq: 1, reach_seq: 1 };
    Round {
        height: 5,
        hash: BlockHash([1; 32]),
        timestamp: 6,
        epoch: 0,
        epoch_hash: EpochHash([2; 32]),
        address: Address([3; 32]),
        solutions: vec![solution(1, 1_000_003, Some("a")), solution(2, 77, None)],
        first_seq,
        last_seq,
        basis: scheme.map(|scheme| Basis { terms: terms(scheme), proof_target: 500 }),
    }
}

/// Like `gather`, from memory: `shares` are numbered from 1.
fn gathered(shares: &Shares, round: &Round) -> Gathered {
    let whole = pool_core::accounting::window::Reach { first_seq: round.first_seq, work: None };
    let reach =
        round.basis.as_ref().map_or(whole, |basis| reach(&basis.terms, round.first_seq, basis.proof_target));
    let mut gathered = Gathered { window_first_seq: round.last_seq + 1, ..Gathered::default() };
    let mut cut = Some(Cut::new(&reach));
    for ((account, worker, target), seq) in shares.iter().zip(1..).collect::<Vec<_>>().into_iter().rev() {
        if seq >= round.first_seq {
            let sum = Sum { shares: 1, credit: u128::from(*target) };
            gathered.round = gathered.round.plus(sum).unwrap();
        }
        let counts = cut.as_mut().filter(|_| seq >= reach.first_seq).and_then(|cut| cut.take(*target));
        let Some(credit) = counts else {
            cut = None;
            continue;
        };
        let worker = Worker { account: account.clone(), name: worker.clone() };
        gathered.window.add(&worker, credit).unwrap();
        (gathered.window_first_seq, gathered.first_credit) = (seq, credit);
    }
    gathered
}

fn document(shares: &Shares, scheme: Option<Scheme>) -> Document {
    let last_seq = u64::try_from(shares.len()).unwrap();
    let round = round(1 + last_seq / 2, last_seq, scheme);
    build(&round, Network::Testnet, gathered(shares, &round), None).unwrap()
}

fn schemes() -> impl Strategy<Value = Option<Scheme>> {
    prop_oneof![
        Just(None),
        Just(Some(Scheme::Prop)),
        Just(Some(Scheme::Solo)),
        (1..4u32).prop_map(|window| Some(Scheme::Pplns { window })),
    ]
}

fn shares() -> impl Strategy<Value = Vec<(String, String, u64)>> {
    prop::collection::vec(("[ab]", "[xyz]?", 1..300u64), 0..40)
}

proptest! {
    #[test]
    fn what_is_built_is_right_and_reads_back(shares in shares(), scheme in schemes()) {
        let document = document(&shares, scheme);
        prop_assert_eq!(check(&document), Ok(()));
        let bytes = document.to_json().unwrap();
        let read = Document::read(&bytes).unwrap();
        prop_assert_eq!(check(&read), Ok(()));
        prop_assert_eq!(read.to_json().unwrap(), bytes);
    }

    /// The reader of summaries has its own list of fields: none may be lost on the way.
    #[test]
    fn a_summary_has_what_the_dump_has(shares in shares(), scheme in schemes()) {
        let document = document(&shares, scheme);
        let dir = tempfile::tempdir().unwrap();
        let round = round(1, 1, None);
        std::fs::write(dir.path().join(file_name(&round)), document.to_json().unwrap()).unwrap();
        let summary = read_summary(dir.path(), &round).unwrap();
        let settlement = document.settlement.as_ref();
        prop_assert_eq!(summary.proof_target, settlement.map(|settlement| settlement.proof_target));
        prop_assert_eq!(
            summary.round.map(|sum| (sum.count, sum.credit)),
            settlement.map(|settlement| (settlement.round.count, settlement.round.credit))
        );
        prop_assert_eq!(summary.digest, document.link.map(|link| link.digest));
        let rewards = document.accounts.into_iter().map(|entry| (entry.account, entry.reward));
        let read = summary.accounts.into_iter().map(|paid| (paid.account, paid.reward));
        prop_assert_eq!(read.collect::<Vec<_>>(), rewards.collect::<Vec<_>>());
    }

    #[test]
    fn the_window_is_what_the_scheme_says(shares in shares(), window in 1..4u32) {
        let all: u128 = shares.iter().map(|(.., target)| u128::from(*target)).sum();
        let pplns = document(&shares, Some(Scheme::Pplns { window }));
        prop_assert_eq!(pplns.total_credit, all.min(500 * u128::from(window)));
        let prop = document(&shares, Some(Scheme::Prop));
        let of_round = prop.settlement.map(|settlement| settlement.round.credit);
        prop_assert_eq!(of_round, Some(prop.total_credit));
    }

    #[test]
    fn rewards_and_what_is_carried_are_the_income(shares in shares(), scheme in schemes()) {
        let document = document(&shares, scheme);
        let rewards: u64 = document.accounts.iter().filter_map(|account| account.reward).sum();
        if let Some(settlement) = &document.settlement {
            prop_assert_eq!(rewards + settlement.carried_out, 1_000_080);
        }
    }
}

/// Every number and text of a dump, by its path.
fn leaves(value: &serde_json::Value, path: &str, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                leaves(item, &format!("{path}/{index}"), found);
            }
        }
        serde_json::Value::Object(members) => {
            for (key, member) in members {
                leaves(member, &format!("{path}/{key}"), found);
            }
        }
        _ => found.push(path.to_owned()),
    }
}

fn sample() -> Vec<(String, String, u64)> {
    let share = |account: &str, worker: &str, target| (account.to_owned(), worker.to_owned(), target);
    vec![share("a", "x", 100), share("b", "", 400), share("a", "y", 900), share("b", "z", 300)]
}

#[test]
fn the_digest_shows_every_change() {
    for scheme in [Scheme::Prop, Scheme::Solo, Scheme::Pplns { window: 2 }] {
        let bytes = document(&sample(), Some(scheme)).to_json().unwrap();
        let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let mut paths = vec![];
        leaves(&value, "", &mut paths);
        assert!(paths.len() > 40, "{}", paths.len());
        for path in paths {
            let mut changed = value.clone();
            let leaf = changed.pointer_mut(&path).unwrap();
            *leaf = match leaf {
                serde_json::Value::Number(number) => (number.as_u64().unwrap() + 1).into(),
                serde_json::Value::String(text) if text.parse::<u64>().is_ok() => format!("1{text}").into(),
                serde_json::Value::String(text) => format!("{text}x").into(),
                _ => "something".into(),
            };
            let read = Document::read(&serde_json::to_vec(&changed).unwrap());
            assert!(read.is_err(), "{path}");
        }
    }
}

#[test]
fn the_documentation_has_every_field() {
    let document = document(&sample(), Some(Scheme::Pplns { window: 2 }));
    let mut paths = vec![];
    leaves(&serde_json::to_value(&document).unwrap(), "", &mut paths);
    let is_field = |name: &&str| name.starts_with(|c: char| c.is_ascii_lowercase());
    let fields: BTreeSet<&str> = paths.iter().flat_map(|path| path.split('/')).filter(is_field).collect();
    let text = include_str!("../../../../docs/share-dump.md");
    let rows = text.lines().skip_while(|line| !line.starts_with("| field |")).skip(2);
    let rows: Vec<&str> = rows.take_while(|line| line.starts_with('|')).collect();
    let names = |text: &'static str| {
        let quoted = text.split('`').skip(1).step_by(2);
        quoted.flat_map(|path| path.split(|c: char| !c.is_ascii_lowercase() && c != '_')).filter(is_field)
    };
    // The second column explains what is inside.
    let mentioned: BTreeSet<&str> = rows.iter().flat_map(|row| names(row)).collect();
    assert_eq!(fields.difference(&mentioned).collect::<Vec<_>>(), Vec::<&&str>::new(), "not documented");
    let first = rows.iter().filter_map(|row| row.split(" | ").next());
    let documented: BTreeSet<&str> = first.flat_map(names).collect();
    assert_eq!(documented.difference(&fields).collect::<Vec<_>>(), Vec::<&&str>::new(), "not in a dump");
}

/// Anyone who makes a false dump can also compute its digest: the sums and the split must show it.
#[test]
fn a_signed_lie_about_money_is_noticed() {
    for scheme in [Scheme::Prop, Scheme::Solo, Scheme::Pplns { window: 2 }] {
        let honest = document(&sample(), Some(scheme));
        let lies: [(&str, Lie); 12] = [
            ("a microcredit to the second account", |lie| {
                lie.accounts[1].reward = lie.accounts[1].reward.map(|reward| reward + 1)
            }),
            ("two rewards exchanged", |lie| {
                let first = lie.accounts[0].reward;
                lie.accounts[0].reward = lie.accounts[1].reward;
                lie.accounts[1].reward = first;
            }),
            ("no reward at all", |lie| lie.accounts[0].reward = None),
            ("an account left out", |lie| drop(lie.accounts.pop())),
            ("credit", |lie| lie.total_credit += 1),
            ("shares", |lie| lie.window.count += 1),
            ("a fee", |lie| lie.settlement.as_mut().unwrap().fees[0].amount += 1),
            ("carried out", |lie| lie.settlement.as_mut().unwrap().carried_out += 1),
            ("carried in", |lie| lie.settlement.as_mut().unwrap().carried_in += 1),
            ("the round", |lie| lie.settlement.as_mut().unwrap().round.first_seq -= 1),
            ("the reward", |lie| lie.total_reward += 1),
            ("an unknown scheme", |lie| lie.settlement.as_mut().unwrap().scheme.name.push('x')),
        ];
        for (what, tell) in lies {
            let mut lie = honest.clone();
            tell(&mut lie);
            lie.sign().unwrap();
            let read = Document::read(&lie.to_json().unwrap()).unwrap();
            assert!(check(&read).is_err(), "{what}, {scheme}");
        }
    }
}

#[test]
fn dumps_form_a_chain() {
    let first = document(&sample(), Some(Scheme::Prop));
    let mark = |document: &Document| {
        let mut digest = [0; 32];
        hex::decode_to_slice(&document.link.as_ref().unwrap().digest, &mut digest).unwrap();
        let carried_out = document.settlement.as_ref().unwrap().carried_out;
        DumpMark { digest, carried_out, window_first_seq: document.window.first_seq }
    };
    let next = |round: &Round, before: &DumpMark| {
        build(
            round,
            Network::Testnet,
            Gathered { window_first_seq: round.last_seq + 1, ..Gathered::default() },
            Some(before),
        )
        .unwrap()
    };
    // No share came in between: everything is carried on, twice.
    let second = next(&round(5, 4, Some(Scheme::Prop)), &mark(&first));
    let third = next(&round(5, 4, Some(Scheme::Prop)), &mark(&second));
    assert_eq!(third.settlement.as_ref().unwrap().carried_out, 2 * 1_000_080);
    for (before, after) in [(&first, &second), (&second, &third)] {
        assert_eq!((check(after), check_link(before, after)), (Ok(()), Ok(())));
    }
    assert!(check_link(&first, &third).is_err(), "one is missing");
    assert!(check_link(&second, &second).is_err());
    let late = next(&round(6, 5, Some(Scheme::Prop)), &mark(&first));
    assert!(check_link(&first, &late).unwrap_err().to_string().contains("share 4"));
    let mut hidden = second.clone();
    hidden.settlement.as_mut().unwrap().carried_in = 1;
    assert!(check_link(&first, &hidden).is_err(), "the first carried nothing");

    let mut old = second.clone();
    (old.schema_version, old.settlement, old.link) = (1, None, None);
    assert!(check_link(&first, &old).unwrap_err().to_string().contains("older schema"));
    let mut other = second.clone();
    other.settlement.as_mut().unwrap().scheme.name = "solo".to_owned();
    assert!(check_link(&first, &other).unwrap_err().to_string().contains("claim the same start"));
    other.settlement.as_mut().unwrap().scheme.since_seq = 5;
    assert_eq!(check_link(&first, &other), Ok(()), "newer terms may be others");
    let mut given = first.clone();
    given.settlement.as_mut().unwrap().carried_in = 1;
    assert!(check(&given).unwrap_err().to_string().contains("nothing to carry in"));
    let mut swollen = first;
    swollen.window.first_credit = Some(u64::MAX);
    assert!(check(&swollen).unwrap_err().to_string().contains("more than all"));
}

#[test]
fn only_known_versions_are_read() {
    let value = |version: serde_json::Value| serde_json::json!({"schema_version": version}).to_string();
    for version in [0.into(), 3.into(), "2".into(), serde_json::Value::Null] {
        let error = Document::read(value(version).as_bytes()).unwrap_err().to_string();
        assert!(error.contains("this program knows up to 2"), "{error}");
    }
    assert!(Document::read(value(2.into()).as_bytes()).unwrap_err().to_string().contains("not a share dump"));
    assert!(Document::read(b"nonsense").unwrap_err().to_string().contains("not a share dump"));
}

#[test]
fn accounts_and_workers_are_in_byte_order() {
    let share = |account: &str, worker: &str| (account.to_owned(), worker.to_owned(), 1);
    let shares = [share("b", "1"), share("B", "2"), share("b", ""), share("ä", "1"), share("b", "10")];
    let round = round(1, 5, None);
    let document = build(&round, Network::Testnet, gathered(&shares, &round), None).unwrap();
    let accounts: Vec<&str> = document.accounts.iter().map(|entry| entry.account.as_str()).collect();
    assert_eq!(accounts, ["B", "b", "ä"]);
    let workers: Vec<&str> = document.accounts[1].workers.iter().map(|entry| entry.worker.as_str()).collect();
    assert_eq!(workers, ["", "1", "10"]);
}

#[test]
fn a_reversed_window_is_refused() {
    let round = round(8, 6, None);
    assert!(build(&round, Network::Testnet, gathered(&[], &round), None).is_err());
}
