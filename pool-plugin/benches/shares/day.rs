//! A day of shares: what it leaves on the disk, what compaction writes for it, and how long opening takes.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use pool_core::types::{BlockHash, Network};
use pool_plugin::ledger::{ShareLedger, records::BlockOutcome};
use tokio::task::JoinSet;

use crate::{load::store_share, ms, percentile};

/// Epochs of a day, with a block every three seconds.
const EPOCHS: u64 = 80;
const IN_FLIGHT: u64 = 2_048;

pub(crate) async fn run(dir: &Path, shares: u64) -> Vec<String> {
    let ledger = ShareLedger::open(dir, Network::Testnet).unwrap();
    let written_before = written_bytes();
    let started = Instant::now();
    let mut acks = Vec::new();
    for epoch in 0..EPOCHS {
        let numbers = epoch * shares / EPOCHS..(epoch + 1) * shares / EPOCHS;
        acks.extend(store_epoch(&ledger, epoch as u32, numbers).await);
        ledger.apply_block(last_block_of(epoch as u32)).await.unwrap();
        eprintln!("a day's load: {} of {EPOCHS} epochs, {} MiB", epoch + 1, size(dir) >> 20);
    }
    let (took, largest) = (started.elapsed(), size(dir));
    let written = written_bytes().saturating_sub(written_before);
    ledger.close().await;

    let opening = Instant::now();
    let ledger = ShareLedger::open(dir, Network::Testnet).unwrap();
    let open_ms = ms(opening.elapsed());
    assert_eq!(ledger.last_seq(), Ok(shares), "a share is missing");
    ledger.close().await;
    vec![
        format!("shares.day_shares: {shares}"),
        format!("shares.day_per_s: {:.0}", shares as f64 / took.as_secs_f64()),
        format!("shares.day_ack_p99_ms: {:.2}", ms(percentile(acks, 99))),
        format!("shares.bytes_per_share: {:.1}", size(dir) as f64 / shares as f64),
        format!("shares.largest_bytes_per_share: {:.1}", largest as f64 / shares as f64),
        format!("shares.written_bytes_per_share: {:.1}", written as f64 / shares as f64),
        format!("shares.open_ms: {open_ms:.0}"),
    ]
}

/// How long some of the shares waited; all of them would fill the memory.
async fn store_epoch(ledger: &ShareLedger, epoch: u32, numbers: std::ops::Range<u64>) -> Vec<Duration> {
    let next = Arc::new(AtomicU64::new(numbers.start));
    let mut miners = JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let (ledger, next, end) = (ledger.clone(), next.clone(), numbers.end);
        miners.spawn(async move {
            let mut acks = Vec::new();
            loop {
                let number = next.fetch_add(1, Relaxed);
                if number >= end {
                    return acks;
                }
                let sent = Instant::now();
                store_share(&ledger, epoch, number).await;
                if number % 64 == 0 {
                    acks.push(sent.elapsed());
                }
            }
        });
    }
    miners.join_all().await.concat()
}

fn last_block_of(epoch: u32) -> BlockOutcome {
    BlockOutcome {
        height: 360 * (epoch + 1),
        hash: BlockHash::default(),
        timestamp: 0,
        proof_target: 1_000,
        landed: Vec::new(),
        aborted: Vec::new(),
        open_epoch: epoch,
    }
}

fn size(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).unwrap();
    // A file may be removed during the count.
    entries.filter_map(|entry| entry.ok()?.metadata().ok()).map(|metadata| metadata.len()).sum()
}

/// What this process has sent to disks so far; 0 where the system does not report it.
fn written_bytes() -> u64 {
    let io = fs::read_to_string("/proc/self/io").unwrap_or_default();
    let line = io.lines().find_map(|line| line.strip_prefix("write_bytes: "));
    line.and_then(|number| number.parse().ok()).unwrap_or(0)
}
