//! n-stratum's layouts: from records to fields and values. Pure.

use std::collections::BTreeMap;

use pool_core::types::Worker;
use serde::Serialize;

use crate::{
    activity::{Activity, Login, News},
    books::{Block, Share, Solution},
    names::{between_slashes, puid, worker_id},
};

/// The block version of snarkVM; there is only one.
const BLOCK_VERSION: u32 = 1;

/// The position of the server's copy, stored with the copied data. Empty texts: nothing was copied yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Cursor {
    /// The number of the last share.
    pub(super) share: String,
    /// Shows whether the ledger still has that share under this number.
    pub(super) mark: String,
    /// The height of the last block.
    pub(super) block: String,
    pub(super) block_hash: String,
    /// The last [`News`]: the pool's run and a running number.
    pub(super) news: String,
    /// How many times the ledger was restored from a backup; empty for none.
    pub(super) life: String,
}

/// What is written at once.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Portion {
    /// The expected cursor; if it differs, nothing is written.
    pub(super) expected: Cursor,
    pub(super) reached: Cursor,
    /// `initWorker`: field, value.
    logins: Vec<(String, String)>,
    /// `workers:reject:current`: field, addition.
    refused: Vec<(String, String)>,
    /// `workers:accept:current`: field, addition.
    accepted: Vec<(String, String)>,
    /// `workers:lastShare`: field, IP or nothing, the rest of the value.
    last_shares: Vec<(String, String, String)>,
    /// `successSolution:current`: field, value.
    solutions: Vec<(String, String)>,
}

impl Portion {
    /// An empty portion. `cursor` is what the server has, `from` where the books continue.
    pub(super) fn after(cursor: &Cursor, from: &Cursor) -> Self {
        Self {
            expected: cursor.clone(),
            reached: from.clone(),
            logins: vec![],
            refused: vec![],
            accepted: vec![],
            last_shares: vec![],
            solutions: vec![],
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.expected == self.reached
    }

    /// `number` must be new for each `news`, and the same when they are retried.
    pub(super) fn add_news(&mut self, number: String, news: &News) {
        self.logins = news.logins.iter().map(login).collect();
        self.refused =
            news.refused.iter().map(|(worker, sum)| (worker_field(worker), sum.to_string())).collect();
        self.reached.news = number;
    }

    /// `shares` follow the cursor.
    pub(super) fn add_shares(&mut self, shares: &[Share], activity: &Activity) {
        let mut workers: BTreeMap<&Worker, (u128, u64)> = BTreeMap::new();
        for share in shares {
            let (sum, time_ms) = workers.entry(&share.worker).or_default();
            *sum += u128::from(share.target);
            *time_ms = share.time_ms;
        }
        for (worker, (sum, time_ms)) in workers {
            let ip = activity.address_of(worker).map(|ip| ip.to_string()).unwrap_or_default();
            let rest = format!("{}/{}", time_ms / 1000, between_slashes(&worker.name));
            self.accepted.push((worker_field(worker), sum.to_string()));
            self.last_shares.push((worker_field(worker), ip, rest));
        }
        if let Some(last) = shares.last() {
            self.reached.share = last.seq.to_string();
            self.reached.mark.clone_from(&last.mark);
        }
    }

    /// `blocks` follow the cursor.
    pub(super) fn add_blocks(&mut self, blocks: &[Block]) {
        for block in blocks {
            self.solutions.extend(block.solutions.iter().map(|landed| solution(block, landed)));
        }
        if let Some(last) = blocks.last() {
            self.reached.block = last.height.to_string();
            self.reached.block_hash.clone_from(&last.hash);
        }
    }

    pub(super) fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }
}

/// `{puid}:{worker_id}`.
fn worker_field(worker: &Worker) -> String {
    format!("{}:{}", puid(&worker.account), worker_id(&worker.name))
}

/// `{puid}` → `{worker_id}/{worker_name}/{peer_addr}`.
fn login(login: &Login) -> (String, String) {
    let Login { worker, peer } = login;
    let value = format!("{}/{}/{peer}", worker_id(&worker.name), between_slashes(&worker.name));
    (puid(&worker.account).to_owned(), value)
}

/// `{height}:{solution_id}:{counter}` → `{puid}/{worker_id}/{worker_name}/{job_id}/{prover_target}/
/// {mini_prover_target}/{nonce}/{prev_hash}/{version}/{reward}/{timestamp}`.
fn solution(block: &Block, landed: &Solution) -> (String, String) {
    let field = format!("{}:{}:{}", block.height, landed.id, landed.counter);
    let finder = landed.finder.clone().unwrap_or_default();
    let value = [
        puid(&finder.account).to_owned(),
        worker_id(&finder.name).to_string(),
        between_slashes(&finder.name),
        block.job_id.clone(),
        landed.target.to_string(),
        block.proof_target.to_string(),
        landed.counter.to_string(),
        block.previous_hash.clone(),
        BLOCK_VERSION.to_string(),
        landed.reward.to_string(),
        block.timestamp.to_string(),
    ];
    (field, value.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIG: u64 = 101_876_105_718_389_444;

    fn worker(account: &str, name: &str) -> Worker {
        Worker { account: account.into(), name: name.into() }
    }

    fn after(cursor: Cursor) -> Portion {
        Portion::after(&cursor, &cursor)
    }

    fn share(seq: u64, name: &str, target: u64) -> Share {
        Share {
            seq,
            worker: worker("ann", name),
            target,
            time_ms: 1_700_000_000_000 + 1_500 * seq,
            mark: format!("m{seq}"),
        }
    }

    #[test]
    fn a_portion_adds_up_its_shares_by_worker() {
        let activity = Activity::default();
        activity.accepted(&worker("ann", "rig1"), [10, 0, 0, 7].into());
        let mut portion = after(Cursor { share: "6".into(), ..Cursor::default() });
        portion
            .add_shares(&[share(7, "rig1", 100), share(8, "a/b", u64::MAX), share(9, "rig1", 50)], &activity);
        let slashed = worker_id("a/b");
        let accepted =
            [(format!("ann:{slashed}"), u64::MAX.to_string()), (format!("ann:{RIG}"), "150".into())];
        assert_eq!(portion.accepted, accepted);
        let last = [
            (format!("ann:{slashed}"), String::new(), "1700000012/a_b".into()),
            (format!("ann:{RIG}"), "10.0.0.7".into(), "1700000013/rig1".into()),
        ];
        assert_eq!(portion.last_shares, last);
        assert_eq!((portion.expected.share.as_str(), portion.reached.share.as_str()), ("6", "9"));
        assert_eq!(portion.reached.mark, "m9");
        assert!(!portion.is_empty());
    }

    #[test]
    fn news_become_logins_and_refusals() {
        let news = News {
            logins: vec![Login { worker: worker("ann", "rig1"), peer: ([10, 0, 0, 7], 4000).into() }],
            refused: vec![(worker("ann", "rig1"), 30)],
        };
        let mut portion = after(Cursor::default());
        assert!(portion.is_empty());
        portion.add_news("run:1".into(), &news);
        assert_eq!(portion.logins, [("ann".to_owned(), format!("{RIG}/rig1/10.0.0.7:4000"))]);
        assert_eq!(portion.refused, [(format!("ann:{RIG}"), "30".to_owned())]);
        assert!(!portion.is_empty());
    }

    #[test]
    fn a_solution_has_eleven_parts() {
        let landed = Solution {
            id: "solution1x".into(),
            counter: 77,
            target: 5_000,
            reward: 1_234,
            finder: Some(worker("ann", "rig1")),
        };
        let block = Block {
            height: 12,
            hash: "ab1this".into(),
            previous_hash: "ab1before".into(),
            timestamp: 1_700_000_000,
            proof_target: 4_000,
            size: 900,
            job_id: "03000000".into(),
            solutions: vec![landed.clone(), Solution { finder: None, counter: 78, ..landed }],
        };
        let mut portion = after(Cursor::default());
        portion.add_blocks(&[block]);
        let value = format!("ann/{RIG}/rig1/03000000/5000/4000/77/ab1before/1/1234/1700000000");
        assert_eq!(portion.solutions[0], ("12:solution1x:77".to_owned(), value));
        let nobody = format!("/{}//03000000/5000/4000/78/ab1before/1/1234/1700000000", worker_id(""));
        assert_eq!(portion.solutions[1], ("12:solution1x:78".to_owned(), nobody));
        assert_eq!((portion.reached.block.as_str(), portion.reached.block_hash.as_str()), ("12", "ab1this"));
    }
}
