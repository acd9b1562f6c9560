//! `kill -9` at any moment: no acknowledged share is lost, none is stored twice.

#![allow(clippy::unwrap_used)]

mod ledger_support;

use std::{
    collections::{BTreeMap, HashSet},
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    thread,
};

use ledger_support::{all_shares, append_for, block, key, open, worker};
use pool_plugin::ledger::{ReserveError, ShareLedger};
use tempfile::tempdir;

const CHILD_DIR: &str = "POOL_LEDGER_CRASH_TEST_DIR";
const CHILD_RUN: &str = "POOL_LEDGER_CRASH_TEST_RUN";
const WORKERS: u64 = 4;
/// How many acknowledgements each run is allowed before it is killed.
const KILL_AFTER: [usize; 10] = [0, 1, 350, 17, 90, 3, 211, 40, 7, 128];

/// Not a test of its own: the process that is killed. Stores shares from several threads, and blocks in
/// between, and prints what was acknowledged.
#[test]
fn child_that_is_killed() {
    let (Ok(dir), Ok(run)) = (std::env::var(CHILD_DIR), std::env::var(CHILD_RUN)) else {
        return;
    };
    let run: u64 = run.parse().unwrap();
    let ledger = open(Path::new(&dir));
    let threads: Vec<_> = (0..WORKERS)
        .map(|number| {
            let ledger = ledger.clone();
            thread::spawn(move || store_shares(&ledger, number, (run * WORKERS + number) << 32))
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

fn store_shares(ledger: &ShareLedger, number: u64, first_counter: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        for counter in first_counter.. {
            let seq =
                append_for(ledger, key(1, counter), worker("ann", &number.to_string()), 10 + number).await;
            println!("ack {} {counter}", seq.unwrap());
            // A replay, by the miner or a thief.
            assert_eq!(ledger.reserve(key(1, counter)).unwrap_err(), ReserveError::Duplicate);
            if number == 0 && counter % 5 == 4 {
                let height = ledger.scanned_height().unwrap().unwrap_or(400) + 1;
                ledger.apply_block(block(height, &[counter])).await.unwrap();
                println!("block {height}");
            }
        }
    });
}

/// Runs the child until it has acknowledged `kill_after` shares. Returns what it said: number → counter,
/// and the last block.
fn run_and_kill(dir: &Path, run: usize, kill_after: usize) -> (BTreeMap<u64, u64>, u32) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_that_is_killed", "--nocapture", "--test-threads=1"])
        .env(CHILD_DIR, dir)
        .env(CHILD_RUN, run.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut acknowledged = BTreeMap::new();
    let mut last_block = 0;
    let mut killed = false;
    loop {
        if !killed && acknowledged.len() >= kill_after {
            child.kill().unwrap();
            killed = true;
        }
        // What it had printed before it died counts: a miner may have been told.
        let mut line = String::new();
        if output.read_line(&mut line).unwrap() == 0 {
            break;
        }
        let Some(whole) = line.strip_suffix('\n') else {
            break;
        };
        // The test harness starts the line with the name of the test.
        let words: Vec<&str> = whole.split(' ').collect();
        if let Some(at) = words.iter().position(|word| *word == "ack") {
            acknowledged.insert(words[at + 1].parse().unwrap(), words[at + 2].parse().unwrap());
        } else if let Some(at) = words.iter().position(|word| *word == "block") {
            last_block = words[at + 1].parse().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(killed, "the child ended by itself after {} shares", acknowledged.len());
    (acknowledged, last_block)
}

#[test]
fn no_acknowledged_share_is_lost_and_none_stored_twice() {
    let dir = tempdir().unwrap();
    let mut acknowledged = BTreeMap::new();
    for (run, kill_after) in KILL_AFTER.into_iter().enumerate() {
        let (new, last_block) = run_and_kill(dir.path(), run, kill_after);
        for (seq, counter) in new {
            assert_eq!(acknowledged.insert(seq, counter), None, "share number {seq} was given out twice");
        }
        check(dir.path(), &acknowledged, last_block);
    }
    assert!(acknowledged.len() >= KILL_AFTER.iter().sum());
}

fn check(dir: &Path, acknowledged: &BTreeMap<u64, u64>, last_block: u32) {
    let ledger = open(dir);
    let shares = all_shares(&ledger);
    let seqs: Vec<u64> = shares.iter().map(|(seq, _)| *seq).collect();
    let expected: Vec<u64> = (1..=ledger.last_seq().unwrap()).collect();
    assert_eq!(seqs, expected, "the numbers have a gap");

    let keys: HashSet<_> = shares.iter().map(|(_, share)| share.key).collect();
    assert_eq!(keys.len(), shares.len(), "a share is stored twice");
    let stored: BTreeMap<u64, u64> = shares.iter().map(|(seq, share)| (*seq, share.key.counter)).collect();
    for (seq, counter) in acknowledged {
        assert_eq!(stored.get(seq), Some(counter), "acknowledged share {seq} is lost");
        assert_eq!(ledger.reserve(key(1, *counter)).unwrap_err(), ReserveError::Duplicate);
    }

    let credit: u128 = shares.iter().map(|(_, share)| u128::from(share.target)).sum();
    assert_eq!(ledger.totals().unwrap().iter().map(|total| total.credit).sum::<u128>(), credit);

    let rounds = ledger.rounds().unwrap();
    let mut next = 1;
    for round in &rounds {
        assert_eq!(round.first_seq, next, "the windows do not follow one another");
        next = round.last_seq + 1;
        pool_plugin::dump::render(&ledger, round, ledger.network()).unwrap();
    }
    let highest = rounds.last().map_or(0, |round| round.height);
    assert!(highest >= last_block, "acknowledged block {last_block} is lost");
}
