//! The speed of the disk, and that of the ledger on it.

use std::{
    fs::File,
    io::Write,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use pool_core::types::{Address, Worker};
use pool_plugin::ledger::{ShareLedger, records::ShareKey};
use tokio::{runtime::Runtime, task::JoinSet};

/// As many as a medium-sized pool has.
const WORKERS: u64 = 500;
/// Submissions that wait for their answer when the ledger gets all it can take.
const IN_FLIGHT: u64 = 4_096;
const SATURATED_EPOCH: u32 = 1_000;
/// About what a group commit writes at the rate of the measurement.
const SYNC_BYTES: usize = 4096;

/// A share as miners send it: accounts are addresses, counters are random.
pub(crate) async fn store_share(ledger: &ShareLedger, epoch: u32, number: u64) {
    let counter = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let key = ShareKey { epoch, address: Address([7; 32]), counter };
    let reservation = ledger.reserve(key).unwrap();
    let owner = counter % WORKERS;
    let worker = Worker { account: format!("aleo1{owner:058}"), name: format!("rig-{owner}") };
    let (target, time_ms) = (100_000, 1_700_000_000_000 + number);
    ledger.append(reservation, worker, target, target + counter % target, time_ms).await.unwrap();
}

/// How long it takes to append to a file and sync it, one after the other for `time`.
pub(crate) fn syncs_in_a_row(dir: &Path, time: Duration) -> Vec<Duration> {
    let mut file = File::create(dir.join("syncs")).unwrap();
    let (started, mut taken) = (Instant::now(), Vec::new());
    while started.elapsed() < time {
        let one = Instant::now();
        append_and_sync(&mut file);
        taken.push(one.elapsed());
    }
    taken
}

/// How long each sync takes from the moment it was due, counted like [`acks_at`]: a pause of the machine
/// delays all syncs that fall into it, where consecutive syncs would count it once.
pub(crate) fn syncs_at(dir: &Path, rate: u64, time: Duration) -> Vec<Duration> {
    let mut file = File::create(dir.join("syncs")).unwrap();
    let started = Instant::now();
    let sync = |number| {
        wait_until(started, due(number, rate));
        append_and_sync(&mut file);
        started.elapsed().saturating_sub(due(number, rate))
    };
    (0..count(rate, time)).map(sync).collect()
}

/// How long each share waits for its answer, from the moment it was due: shares come at their rate whether or
/// not earlier ones are answered. Each `turn` has its own shares.
///
/// This thread sends them, since the runtime's timer would delay them to the next millisecond.
pub(crate) fn acks_at(
    runtime: &Runtime,
    ledger: &ShareLedger,
    rate: u64,
    time: Duration,
    turn: u32,
) -> Vec<Duration> {
    let started = Instant::now();
    let mut waiting = JoinSet::new();
    for number in 0..count(rate, time) {
        wait_until(started, due(number, rate));
        let ledger = ledger.clone();
        let answered = async move {
            store_share(&ledger, 1 + turn, number).await;
            started.elapsed().saturating_sub(due(number, rate))
        };
        waiting.spawn_on(answered, runtime.handle());
    }
    runtime.block_on(waiting.join_all())
}

fn append_and_sync(file: &mut File) {
    file.write_all(&[7; SYNC_BYTES]).unwrap();
    file.sync_data().unwrap();
}

fn wait_until(started: Instant, due: Duration) {
    thread::sleep(due.saturating_sub(started.elapsed()));
}

fn count(rate: u64, time: Duration) -> u64 {
    (rate as f64 * time.as_secs_f64()) as u64
}

fn due(number: u64, rate: u64) -> Duration {
    Duration::from_secs_f64(number as f64 / rate as f64)
}

/// Durable shares a second at full load.
pub(crate) async fn saturate(ledger: &ShareLedger, time: Duration) -> f64 {
    let (next, started) = (Arc::new(AtomicU64::new(0)), Instant::now());
    let mut miners = JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let (ledger, next) = (ledger.clone(), next.clone());
        miners.spawn(async move {
            while started.elapsed() < time {
                store_share(&ledger, SATURATED_EPOCH, next.fetch_add(1, Relaxed)).await;
            }
        });
    }
    miners.join_all().await;
    next.load(Relaxed) as f64 / started.elapsed().as_secs_f64()
}
