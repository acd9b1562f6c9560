//! The share ledger alone, with the puzzle left out: how many shares a second become durable, how long a
//! miner waits for its answer beside what one sync of the same disk takes, and what a day of shares leaves.
//!
//! Arguments: `--seconds N` of each measurement (default 10), `--day N` shares of the day (10,000,000; 0: no
//! day), `--dir DIR` on the disk to measure (cargo's target folder).
#![allow(clippy::unwrap_used)]

mod day;
mod load;

use std::{path::PathBuf, time::Duration};

use pool_plugin::{chain::Network, ledger::ShareLedger};

/// Of measuring syncs and acknowledgements.
const TURNS: u32 = 5;

fn main() {
    let seconds = Duration::from_secs(argument("--seconds").map_or(10, |text| text.parse().unwrap()));
    let day: u64 = argument("--day").map_or(10_000_000, |text| text.replace('_', "").parse().unwrap());
    let dir = argument("--dir").map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    let folder = tempfile::tempdir_in(dir).unwrap();
    // As the pool's own runtime.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();

    let mut figures = Vec::new();
    runtime.block_on(async {
        let ledger = ShareLedger::open(&folder.path().join("load"), Network::Testnet).unwrap();
        // In turn, so that what else the disk does falls on both.
        let (mut syncs, mut acks) = (Vec::new(), Vec::new());
        for turn in 0..TURNS {
            syncs.extend(load::syncs(folder.path(), seconds / 2 / TURNS));
            acks.extend(load::acks_at(&ledger, 5_000, seconds / TURNS, turn).await);
        }
        eprintln!("{} syncs and {} acknowledgements measured", syncs.len(), acks.len());
        let per_s = load::saturate(&ledger, seconds).await;
        ledger.close().await;

        let (ack_p99, sync_p99) = (percentile(acks.clone(), 99), percentile(syncs.clone(), 99));
        figures.push(format!("shares.per_s: {per_s:.0}"));
        figures.push(format!("shares.ack_p50_ms: {:.2}", ms(percentile(acks, 50))));
        figures.push(format!("shares.ack_p99_ms: {:.2}", ms(ack_p99)));
        figures.push(format!("shares.fsync_p50_ms: {:.2}", ms(percentile(syncs, 50))));
        figures.push(format!("shares.fsync_p99_ms: {:.2}", ms(sync_p99)));
        figures.push(format!("shares.ack_over_fsync: {:.2}", ms(ack_p99) / ms(sync_p99)));
        if day > 0 {
            figures.extend(day::run(&folder.path().join("day"), day).await);
        }
    });
    figures.iter().for_each(|figure| println!("{figure}"));
}

fn argument(name: &str) -> Option<String> {
    std::env::args().skip_while(|argument| argument != name).nth(1)
}

fn percentile(mut all: Vec<Duration>, percent: usize) -> Duration {
    all.sort_unstable();
    all[(all.len() * percent / 100).min(all.len() - 1)]
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
