//! The process that is killed: stores shares from several threads, with finds, blocks and dumps in between,
//! and prints what was acknowledged. Each life uses other payout rules than the previous one.

use std::{path::PathBuf, thread};

use pool_core::{
    accounting::terms::{Fee, Rules, Scheme},
    types::{Address, BlockHash, EpochHash, Network, Solution, Worker},
};
use pool_plugin::{
    books::dump,
    ledger::{
        ReserveError, ShareLedger,
        records::{BlockOutcome, DumpMark, ShareKey, SolutionRecord, SolutionState},
    },
};

pub(crate) const DIR: &str = "POOL_CRASH_DIR";
pub(crate) const RUN: &str = "POOL_CRASH_RUN";

const THREADS: u64 = 4;
const SHARES_PER_BLOCK: u64 = 5;

/// Runs the child's part, if this process was started as a child.
pub(crate) fn run_if_child() -> bool {
    let (Ok(dir), Ok(run)) = (std::env::var(DIR), std::env::var(RUN)) else {
        return false;
    };
    live(PathBuf::from(dir), run.parse().unwrap());
    true
}

fn live(dir: PathBuf, run: u64) {
    let ledger = ShareLedger::open(&dir.join("db"), Network::Testnet).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    // Like the pool at its start: the rules first, then the missing dumps.
    runtime.block_on(ledger.set_rules(rules(run))).unwrap();
    let repaired = dump::write_missing(&ledger, &dir.join("shares"), Network::Testnet).unwrap();
    assert!(repaired.replaced.is_empty() && repaired.failed.is_empty(), "{repaired:?}");
    runtime.block_on(record(&ledger, repaired.marks));
    let threads: Vec<_> = (0..THREADS)
        .map(|number| {
            let (ledger, dir) = (ledger.clone(), dir.join("shares"));
            thread::spawn(move || store(&ledger, &dir, number, (run * THREADS + number) << 32))
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

fn store(ledger: &ShareLedger, shares: &std::path::Path, thread: u64, first_counter: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        for counter in first_counter.. {
            let key = key(counter);
            let reservation = ledger.reserve(key).unwrap();
            let worker = Worker { account: "ann".into(), name: thread.to_string() };
            let seq = ledger.append(reservation, worker, 10 + thread, 100, counter).await.unwrap();
            println!("share {seq} {counter}");
            // A replay, by the miner or a thief.
            assert_eq!(ledger.reserve(key).unwrap_err(), ReserveError::Duplicate);
            if thread == 0 && counter % SHARES_PER_BLOCK == SHARES_PER_BLOCK - 1 {
                land(ledger, shares, counter).await;
            }
        }
    });
}

fn rules(run: u64) -> Rules {
    let schemes = [Scheme::Prop, Scheme::Pplns { window: 1 }, Scheme::Solo];
    let fee = |basis_points| Fee { account: "pool".into(), basis_points };
    let fees = if run % 2 == 1 { vec![fee(100 + run as u32)] } else { Vec::new() };
    Rules { scheme: schemes[run as usize % schemes.len()], fees }
}

async fn record(ledger: &ShareLedger, marks: Vec<(u32, DumpMark)>) {
    for (height, mark) in marks {
        ledger.record_dump(height, mark).await.unwrap();
    }
}

/// A find of a counter, as found and as landed.
pub(crate) fn solution(counter: u64) -> Solution {
    Solution { epoch_hash: EpochHash([1; 32]), address: Address([5; 32]), counter, target: 1 << 50 }
}

pub(crate) fn key(counter: u64) -> ShareKey {
    ShareKey { epoch: 1, address: Address([5; 32]), counter }
}

/// A find and the block it lands in.
async fn land(ledger: &ShareLedger, shares: &std::path::Path, counter: u64) {
    let solution = solution(counter);
    let found = SolutionRecord {
        solution,
        epoch: 1,
        finder: Some(Worker { account: "ann".into(), name: "0".into() }),
        found_ms: counter,
        state: SolutionState::Found,
    };
    ledger.record_found(found).await.unwrap();
    println!("find {counter}");
    ledger.mark_released(solution.id()).await.unwrap();
    let height = ledger.scanned_height().unwrap().unwrap_or(400) + 1;
    let mut hash = [0xab; 32];
    hash[..4].copy_from_slice(&height.to_le_bytes());
    let outcome = BlockOutcome {
        height,
        hash: BlockHash(hash),
        timestamp: 1_700_000_000 + i64::from(height),
        // A window of some ten shares.
        proof_target: 100,
        landed: vec![(solution, 1_000_001)],
        aborted: Vec::new(),
        open_epoch: 1,
    };
    let round = ledger.apply_block(outcome).await.unwrap().unwrap();
    println!("block {height}");
    record(ledger, dump::write(shares, ledger, &round, Network::Testnet).unwrap().marks).await;
    println!("dump {height}");
}
