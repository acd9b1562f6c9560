//! What must be true after a crash.

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    path::Path,
};

use pool_core::types::Network;
use pool_plugin::{
    books::dump,
    ledger::{ReserveError, ShareLedger},
};

use super::child::{key, solution};

/// The result at some points.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) points: u64,
    /// Shares, finds, blocks and dumps that were acknowledged, and those of them that are lost.
    pub(crate) acknowledged: u64,
    pub(crate) lost: u64,
    /// Shares stored or numbered twice.
    pub(crate) twice: u64,
    /// Everything that is wrong, including lost and duplicate shares.
    pub(crate) complaints: Vec<String>,
}

impl Verdict {
    pub(crate) fn add(&mut self, other: Self) {
        self.points += other.points;
        self.acknowledged += other.acknowledged;
        self.lost += other.lost;
        self.twice += other.twice;
        self.complaints.extend(other.complaints);
    }
}

/// What was acknowledged on one database, over all its crashes.
#[derive(Default)]
pub(crate) struct Books {
    /// Number → counter.
    shares: BTreeMap<u64, u64>,
    finds: HashSet<u64>,
    blocks: HashSet<u32>,
    dumped: HashSet<u32>,
    /// The first version of each dump.
    dumps: BTreeMap<String, Vec<u8>>,
    new: u64,
    numbered_twice: u64,
}

impl Books {
    /// Reads a line of the child's output.
    pub(crate) fn read_line(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        // A test harness may start the line with the name of the test.
        let Some(at) = words.iter().position(|word| ["share", "find", "block", "dump"].contains(word)) else {
            return;
        };
        match words[at..] {
            ["share", seq, counter] => {
                let earlier = self.shares.insert(seq.parse().unwrap(), counter.parse().unwrap());
                self.numbered_twice += u64::from(earlier.is_some());
            }
            ["find", counter] => {
                self.finds.insert(counter.parse().unwrap());
            }
            ["block", height] => {
                self.blocks.insert(height.parse().unwrap());
            }
            ["dump", height] => {
                self.dumped.insert(height.parse().unwrap());
            }
            _ => return,
        }
        self.new += 1;
    }

    /// Opens what the crash left and compares it with the acknowledgements.
    pub(crate) fn check(&mut self, data: &Path, at: &str) -> Verdict {
        let mut verdict = Verdict { points: 1, acknowledged: self.new, ..Verdict::default() };
        self.new = 0;
        let mut complain = |what: String| verdict.complaints.push(format!("{at}: {what}"));
        let ledger = match ShareLedger::open(&data.join("db"), Network::Testnet) {
            Ok(ledger) => ledger,
            Err(error) => {
                complain(error.to_string());
                verdict.lost += (self.shares.len() + self.blocks.len()) as u64;
                return verdict;
            }
        };
        let shares: Vec<_> = ledger.shares(1, u64::MAX).map(|row| row.unwrap()).collect();
        let seqs: Vec<u64> = shares.iter().map(|(seq, _)| *seq).collect();
        if seqs != (1..=shares.len() as u64).collect::<Vec<_>>() {
            complain("the numbers have a gap".to_owned());
        }
        let keys: HashSet<_> = shares.iter().map(|(_, share)| share.key).collect();
        let twice = (shares.len() - keys.len()) as u64 + std::mem::take(&mut self.numbered_twice);
        if twice > 0 {
            complain(format!("{twice} shares are stored twice"));
        }
        let stored: BTreeMap<u64, u64> =
            shares.iter().map(|(seq, share)| (*seq, share.key.counter)).collect();
        let mut lost = 0;
        for (seq, counter) in &self.shares {
            if stored.get(seq) != Some(counter) {
                lost += 1;
                complain(format!("acknowledged share {seq} is lost"));
            } else if ledger.reserve(key(*counter)).err() != Some(ReserveError::Duplicate) {
                complain(format!("share {seq} could be stored again"));
            }
        }
        let credit: u128 = shares.iter().map(|(_, share)| u128::from(share.target)).sum();
        if ledger.totals().unwrap().iter().map(|total| total.credit).sum::<u128>() != credit {
            complain("the totals are not the sum of the shares".to_owned());
        }
        for counter in &self.finds {
            if ledger.solution(solution(*counter).id()).unwrap().is_none() {
                lost += 1;
                complain(format!("acknowledged find {counter} is lost"));
            }
        }
        for height in self.blocks.iter().filter(|height| ledger.round(**height).unwrap().is_none()) {
            lost += 1;
            complain(format!("acknowledged block {height} is lost"));
        }
        lost += self.check_dumps(&ledger, &data.join("shares"), &mut complain);
        check_chain(&ledger, data, &mut complain);
        (verdict.lost, verdict.twice) = (lost, twice);
        verdict
    }

    /// Returns how many acknowledged dumps are lost.
    fn check_dumps(&mut self, ledger: &ShareLedger, dir: &Path, complain: &mut impl FnMut(String)) -> u64 {
        let (mut lost, mut next_seq) = (0, 1);
        for round in ledger.rounds().unwrap() {
            if round.first_seq != next_seq {
                complain(format!("the window of block {} does not follow the one before", round.height));
            }
            next_seq = round.last_seq + 1;
            let name = dump::file_name(&round);
            let rebuilt = dump::render(ledger, &round, Network::Testnet).unwrap();
            match fs::read(dir.join(&name)) {
                Ok(found) if found == rebuilt => {}
                Ok(_) => complain(format!("{name} differs from the database")),
                Err(error) if self.dumped.contains(&round.height) => {
                    lost += 1;
                    complain(format!("the dump {name} is lost: {error}"));
                }
                // The next start writes it.
                Err(_) => {}
            }
            let first_seen = self.dumps.entry(name.clone()).or_insert_with(|| rebuilt.clone());
            if *first_seen != rebuilt {
                complain(format!("{name} is rebuilt with other bytes than before"));
            }
        }
        lost
    }
}

/// Compares all dumps with themselves, one another and the database: sums, digests, links.
fn check_chain(ledger: &ShareLedger, data: &Path, complain: &mut impl FnMut(String)) {
    let dir = data.join("shares");
    let rounds = ledger.rounds().unwrap();
    for round in &rounds {
        if ledger.dump_mark(round.height).unwrap().is_some() && !dir.join(dump::file_name(round)).exists() {
            complain(format!("the dump of block {} is recorded and missing", round.height));
        }
    }
    let files: Vec<_> =
        rounds.iter().map(|round| dir.join(dump::file_name(round))).filter(|path| path.exists()).collect();
    if files.is_empty() {
        return;
    }
    let mut said = Vec::new();
    let summary = dump::verify::run(&files, Some(data), None, &mut said).unwrap();
    if summary.right != files.len() {
        complain(String::from_utf8_lossy(&said).into_owned());
    }
}
