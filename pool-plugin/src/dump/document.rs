//! The fields of a dump. `docs/share-dump.md` explains them; the two change together.

use serde::Serialize;

use crate::{
    chain::Network,
    dump::{
        tally::{Sum, Tally},
        text::escape_for_display,
    },
    ledger::records::{Round, RoundSolution, Worker},
};

/// The version of the dump's fields.
pub const SCHEMA_VERSION: u32 = 1;

/// Numbers that may exceed 2^53 are decimal strings: many JSON readers would round them.
fn decimal<S: serde::Serializer>(value: &impl ToString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&value.to_string())
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Document {
    schema_version: u32,
    network: &'static str,
    height: u32,
    hash: String,
    timestamp: i64,
    epoch: u32,
    epoch_hash: String,
    pool_address: String,
    #[serde(serialize_with = "decimal")]
    total_reward: u128,
    solutions: Vec<SolutionEntry>,
    window: Window,
    total_shares: u64,
    #[serde(serialize_with = "decimal")]
    total_credit: u128,
    accounts: Vec<AccountEntry>,
}

#[derive(Clone, Debug, Serialize)]
struct SolutionEntry {
    id: String,
    address: String,
    #[serde(serialize_with = "decimal")]
    counter: u64,
    #[serde(serialize_with = "decimal")]
    target: u64,
    #[serde(serialize_with = "decimal")]
    reward: u64,
    finder: Option<FinderEntry>,
}

#[derive(Clone, Debug, Serialize)]
struct FinderEntry {
    account: String,
    worker: String,
}

#[derive(Clone, Debug, Serialize)]
struct Window {
    first_seq: u64,
    last_seq: u64,
    count: u64,
}

#[derive(Clone, Debug, Serialize)]
struct AccountEntry {
    account: String,
    shares: u64,
    #[serde(serialize_with = "decimal")]
    credit: u128,
    workers: Vec<WorkerEntry>,
}

#[derive(Clone, Debug, Serialize)]
struct WorkerEntry {
    worker: String,
    shares: u64,
    #[serde(serialize_with = "decimal")]
    credit: u128,
}

impl Document {
    pub(super) fn new(round: &Round, network: Network, tally: Tally) -> Result<Self, String> {
        let total_reward = round.solutions.iter().map(|landed| u128::from(landed.reward)).sum();
        Ok(Self {
            schema_version: SCHEMA_VERSION,
            network: network.name(),
            height: round.height,
            hash: round.hash.to_string(),
            timestamp: round.timestamp,
            epoch: round.epoch,
            epoch_hash: round.epoch_hash.to_string(),
            pool_address: round.address.to_string(),
            total_reward,
            solutions: round.solutions.iter().map(SolutionEntry::from).collect(),
            window: Window {
                first_seq: round.first_seq,
                last_seq: round.last_seq,
                count: window_length(round)?,
            },
            total_shares: tally.total.shares,
            total_credit: tally.total.credit,
            accounts: accounts_of(tally),
        })
    }

    /// Whether the sums of the workers are those of the accounts, and these the total and the window.
    pub(super) fn check(&self) -> Result<(), String> {
        let mut total = Sum::default();
        for account in &self.accounts {
            let mut of_workers = Sum::default();
            for worker in &account.workers {
                of_workers = of_workers.plus(Sum { shares: worker.shares, credit: worker.credit })?;
            }
            let of_account = Sum { shares: account.shares, credit: account.credit };
            if of_workers != of_account {
                return Err(mismatch("the workers of an account", of_workers, "the account", of_account));
            }
            total = total.plus(of_account)?;
        }
        let stated = Sum { shares: self.total_shares, credit: self.total_credit };
        if total != stated {
            return Err(mismatch("the accounts", total, "the shares", stated));
        }
        if self.window.count != self.total_shares {
            return Err(format!(
                "the window spans {} shares, {} were counted",
                self.window.count, self.total_shares
            ));
        }
        Ok(())
    }

    pub(super) fn to_json(&self) -> Result<Vec<u8>, String> {
        let json = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        let mut text = escape_for_display(&json);
        text.push('\n');
        Ok(text.into_bytes())
    }
}

fn accounts_of(tally: Tally) -> Vec<AccountEntry> {
    let worker_entry =
        |(worker, sum): (String, Sum)| WorkerEntry { worker, shares: sum.shares, credit: sum.credit };
    tally
        .accounts
        .into_iter()
        .map(|(account, tally)| AccountEntry {
            account,
            shares: tally.sum.shares,
            credit: tally.sum.credit,
            workers: tally.workers.into_iter().map(worker_entry).collect(),
        })
        .collect()
}

/// 0 for an empty window, which ends one before it begins.
fn window_length(round: &Round) -> Result<u64, String> {
    let end = round.last_seq.checked_add(1);
    let length = end.and_then(|end| end.checked_sub(round.first_seq));
    length.ok_or_else(|| {
        format!("the window from share {} to share {} is none", round.first_seq, round.last_seq)
    })
}

fn mismatch(one: &str, one_sum: Sum, other: &str, other_sum: Sum) -> String {
    format!(
        "{one} have {} shares and credit {}, {other} {} and {}",
        one_sum.shares, one_sum.credit, other_sum.shares, other_sum.credit
    )
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
        Self { account: finder.account.clone(), worker: finder.worker.clone() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::types::{Address, BlockHash, EpochHash};

    fn round(first_seq: u64, last_seq: u64) -> Round {
        Round {
            height: 5,
            hash: BlockHash([1; 32]),
            timestamp: 6,
            epoch: 0,
            epoch_hash: EpochHash([2; 32]),
            address: Address([3; 32]),
            solutions: Vec::new(),
            first_seq,
            last_seq,
        }
    }

    fn tally(shares: &[(String, String, u64)]) -> Tally {
        let mut tally = Tally::default();
        for (account, worker, target) in shares {
            let worker = Worker { account: account.clone(), worker: worker.clone() };
            tally.add(&worker, *target).unwrap();
        }
        tally
    }

    fn document(shares: &[(String, String, u64)]) -> Document {
        let last_seq = shares.len().try_into().unwrap();
        Document::new(&round(1, last_seq), Network::Testnet, tally(shares)).unwrap()
    }

    proptest! {
        #[test]
        fn sums_add_up_and_follow_no_order(
            shares in prop::collection::vec(("[ab]", "[xyz]?", any::<u64>()), 0..40),
        ) {
            let one = document(&shares);
            prop_assert_eq!(one.check(), Ok(()));
            let credit: u128 = shares.iter().map(|(_, _, target)| u128::from(*target)).sum();
            prop_assert_eq!(one.total_credit, credit);
            let mut turned = shares.clone();
            turned.reverse();
            prop_assert_eq!(one.to_json(), document(&turned).to_json());
        }

        #[test]
        fn a_wrong_number_is_noticed(
            shares in prop::collection::vec(("[ab]", "[xyz]?", 1..1000u64), 1..40),
            place in 0..5usize,
        ) {
            let mut document = document(&shares);
            match place {
                0 => document.total_credit += 1,
                1 => document.total_shares += 1,
                2 => document.accounts[0].credit += 1,
                3 => document.accounts[0].workers[0].shares += 1,
                _ => document.window.count += 1,
            }
            prop_assert!(document.check().is_err());
        }
    }

    #[test]
    fn an_empty_window_has_no_shares_and_a_reversed_one_is_refused() {
        let empty = Document::new(&round(8, 7), Network::Testnet, Tally::default()).unwrap();
        assert_eq!((empty.window.count, empty.check()), (0, Ok(())));
        assert!(Document::new(&round(8, 6), Network::Testnet, Tally::default()).is_err());
    }

    #[test]
    fn accounts_and_workers_are_in_byte_order() {
        let share = |account: &str, worker: &str| (account.to_owned(), worker.to_owned(), 1);
        let document =
            document(&[share("b", "1"), share("B", "2"), share("b", ""), share("ä", "1"), share("b", "10")]);
        let accounts: Vec<&str> = document.accounts.iter().map(|entry| entry.account.as_str()).collect();
        assert_eq!(accounts, ["B", "b", "ä"]);
        let workers: Vec<&str> =
            document.accounts[1].workers.iter().map(|entry| entry.worker.as_str()).collect();
        assert_eq!(workers, ["", "1", "10"]);
    }
}
