//! The share ledger alone, without the puzzle: how many shares a second become durable, how long a miner
//! waits for its answer compared with one sync of the same disk, and what a day of shares leaves.
//!
//! Answers and syncs are compared on one clock: each is timed from the moment it was due, in turns of a
//! second, and the ratio is the median of the turns. On a shared machine the processor or the disk is
//! unavailable for milliseconds at a time. Anything sent at a fixed rate meets these pauses as often as they
//! are long; consecutive syncs meet each of them once, and their p99 does not show them. That ratio is
//! printed as well.
//!
//! Arguments: `--seconds N` of each measurement (default 11), `--day N` shares of the day (10,000,000; 0: no
//! day), `--dir DIR` on the disk to measure (cargo's target folder).
#![allow(clippy::unwrap_used)]

mod day;
mod load;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use pool_core::types::Network;
use pool_plugin::ledger::ShareLedger;
use tokio::runtime::{Builder, Runtime};

/// For measuring syncs and acknowledgements.
const TURNS: u32 = 11;
const SHARES_PER_S: u64 = 5_000;
/// Few enough that none waits for the previous one.
const SYNCS_PER_S: u64 = 1_000;

fn main() {
    let seconds = Duration::from_secs(argument("--seconds").map_or(11, |text| text.parse().unwrap()));
    let day: u64 = argument("--day").map_or(10_000_000, |text| text.replace('_', "").parse().unwrap());
    let dir = argument("--dir").map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    let folder = tempfile::tempdir_in(dir).unwrap();

    let ledger = ShareLedger::open(&folder.path().join("load"), Network::Testnet).unwrap();
    let mut figures = answers_beside_syncs(&ledger, folder.path(), seconds);
    let runtime = runtime(2);
    let per_s = runtime.block_on(load::saturate(&ledger, seconds));
    runtime.block_on(ledger.close());
    figures.push(format!("shares.per_s: {per_s:.0}"));
    if day > 0 {
        figures.extend(runtime.block_on(day::run(&folder.path().join("day"), day)));
    }
    figures.iter().for_each(|figure| println!("{figure}"));
}

/// In turn, so that other load on the machine affects all of them.
fn answers_beside_syncs(ledger: &ShareLedger, dir: &Path, seconds: Duration) -> Vec<String> {
    // One thread takes the answers while this one sends: the ledger's writer has a core, as in a pool with
    // miners.
    let runtime = runtime(1);
    let (mut acks, mut syncs, mut in_a_row) = (Vec::new(), Vec::new(), Vec::new());
    let (mut over_syncs, mut over_in_a_row) = (Vec::new(), Vec::new());
    for turn in 0..TURNS {
        in_a_row.push(load::syncs_in_a_row(dir, seconds / TURNS));
        syncs.push(load::syncs_at(dir, SYNCS_PER_S, seconds / TURNS));
        acks.push(load::acks_at(&runtime, ledger, SHARES_PER_S, seconds / TURNS, turn));
        let p99_of_last = |turns: &[Vec<Duration>]| ms(percentile(turns.last().unwrap().clone(), 99));
        over_syncs.push(p99_of_last(&acks) / p99_of_last(&syncs));
        over_in_a_row.push(p99_of_last(&acks) / p99_of_last(&in_a_row));
        eprintln!(
            "turn {} of {TURNS}: p99 of {:.2} ms for answers, {:.2} ms for syncs, {:.2} ms for syncs in a row",
            turn + 1,
            p99_of_last(&acks),
            p99_of_last(&syncs),
            p99_of_last(&in_a_row)
        );
    }
    let of_all = |turns: &[Vec<Duration>], percent| ms(percentile(turns.concat(), percent));
    vec![
        format!("shares.ack_p50_ms: {:.2}", of_all(&acks, 50)),
        format!("shares.ack_p99_ms: {:.2}", of_all(&acks, 99)),
        format!("shares.fsync_p50_ms: {:.2}", of_all(&syncs, 50)),
        format!("shares.fsync_p99_ms: {:.2}", of_all(&syncs, 99)),
        format!("shares.fsync_in_a_row_p99_ms: {:.2}", of_all(&in_a_row, 99)),
        format!("shares.ack_over_fsync: {:.2}", median(over_syncs)),
        format!("shares.ack_over_fsync_in_a_row: {:.2}", median(over_in_a_row)),
    ]
}

fn runtime(threads: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(threads).enable_all().build().unwrap()
}

fn argument(name: &str) -> Option<String> {
    std::env::args().skip_while(|argument| argument != name).nth(1)
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_unstable_by(f64::total_cmp);
    all[all.len() / 2]
}

fn percentile(mut all: Vec<Duration>, percent: usize) -> Duration {
    all.sort_unstable();
    all[(all.len() * percent / 100).min(all.len() - 1)]
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
