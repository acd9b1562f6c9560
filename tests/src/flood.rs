//! A flood of valid shares, to test the pool under load.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use aleo_epoch_puzzle::EpochEvaluator;
use anyhow::{Context, Result, anyhow, ensure};
use pool_core::types::Address;
use serde_json::{Value, json};

use crate::stratum::Stratum;

/// Shares of one connection that wait for their answer.
const IN_FLIGHT: usize = 64;

/// Counters that are shares and not solutions, found in advance.
pub struct Supply {
    counters: Vec<u64>,
    next: AtomicUsize,
}

impl Supply {
    /// Mines for some time on all cores: counters whose target is below `proof_target`, so that the flood has
    /// only shares and no solutions.
    pub fn mine(epoch_hash: &str, address: &str, proof_target: u64, time: Duration) -> Result<Self> {
        let epoch_hash = <[u8; 32]>::try_from(hex::decode(epoch_hash)?)
            .map_err(|bytes| anyhow!("an epoch hash of {} bytes", bytes.len()))?;
        let address: Address = address.parse().context("the pool's address")?;
        let evaluator = EpochEvaluator::new(epoch_hash)?;
        let end = Instant::now() + time;
        let threads = thread::available_parallelism().map_or(1, usize::from) as u64;
        let counters = thread::scope(|scope| -> Result<Vec<u64>> {
            let (evaluator, address) = (&evaluator, &address);
            let spawn =
                |thread| scope.spawn(move || mine(evaluator, address, thread << 32, proof_target, end));
            let mining: Vec<_> = (0..threads).map(spawn).collect();
            let mut counters = Vec::new();
            for thread in mining {
                counters.extend(thread.join().map_err(|_| anyhow!("a mining thread panicked"))?);
            }
            Ok(counters)
        })?;
        Ok(Self { counters, next: AtomicUsize::new(0) })
    }

    pub fn len(&self) -> usize {
        self.counters.len()
    }

    pub fn is_empty(&self) -> bool {
        self.counters.is_empty()
    }

    fn take(&self) -> Option<u64> {
        self.counters.get(self.next.fetch_add(1, Relaxed)).copied()
    }
}

fn mine(
    evaluator: &EpochEvaluator,
    address: &Address,
    first: u64,
    proof_target: u64,
    end: Instant,
) -> Vec<u64> {
    let mut counters = Vec::new();
    let mut scratch = evaluator.scratch();
    evaluator.evaluate_many(&mut scratch, &address.0, first.., |counter, target| {
        if target.is_ok_and(|target| target < proof_target) {
            counters.push(counter);
        }
        Instant::now() < end
    });
    counters
}

/// Submits shares on this many connections for some time, as fast as they are answered. Returns how many were
/// accepted; a refused share is an error.
pub fn run(pool: SocketAddr, connections: usize, supply: &Supply, time: Duration) -> Result<u64> {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let stop = &stop;
        let spawn = |number| scope.spawn(move || flood(pool, number, supply, stop));
        let flooding: Vec<_> = (0..connections).map(spawn).collect();
        thread::sleep(time);
        stop.store(true, Relaxed);
        let mut accepted = 0;
        for thread in flooding {
            accepted += thread.join().map_err(|_| anyhow!("a flooding thread panicked"))??;
        }
        Ok(accepted)
    })
}

/// One connection's part.
fn flood(pool: SocketAddr, number: usize, supply: &Supply, stop: &AtomicBool) -> Result<u64> {
    // The target stays: the shares were mined for this one.
    let mut stratum = Stratum::login_with(pool, &format!("flood.rig-{number}"), "d=1")?.with_work()?;
    let (job, _) = stratum.job.clone().context("there is no job")?;
    let (mut in_flight, mut accepted) = (0, 0);
    loop {
        while in_flight < IN_FLIGHT && !stop.load(Relaxed) {
            let counter = supply.take().context("all shares are spent: flood for a shorter time")?;
            stratum.send("mining.submit", json!([stratum.login, job, counter.to_string()]))?;
            in_flight += 1;
        }
        if in_flight == 0 {
            return Ok(accepted);
        }
        let line = stratum.read_line()?;
        if line.get("method").is_some() {
            continue;
        }
        ensure!(line["result"] == Value::Bool(true), "a share was refused: {line}");
        in_flight -= 1;
        accepted += 1;
    }
}
