//! `scripts/bench lag` and `scripts/bench epochs`: how far the pool's miners are behind the network, and what
//! they lose by it at a change of epoch.
//!
//! On a real devnet, all on this machine, so that all times are from one clock: of blocks from the nodes'
//! logs, of jobs from the miners' kernel. `docs/architecture.md` says where the time goes.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    path::Path,
    sync::atomic::AtomicBool,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use clap::{Args, Parser, Subcommand};
use pool_simulator::helper::percentile;
use pool_tests::{
    api::Api,
    blocks::{self, Times},
    crowd::ConnectionLimits,
    devnet::Devnet,
    landings::{self, Batches, Landing},
    miner,
    pool_node::{PoolNode, STAKED_ADDRESS},
    process::Process,
    turn::{self, BLOCKS_PER_EPOCH, Late, Turn},
};
use serde_json::Value;

/// Some blocks after the first epoch's end, so that the job and the last solutions have arrived.
const PAST_THE_TURN: u64 = BLOCKS_PER_EPOCH + 5;

/// A block comes about every two and a half seconds; on a busy machine later.
const BLOCK_PATIENCE: Duration = Duration::from_secs(120);

/// What the pool logs when its node has caught up, and when it no longer follows.
const FOLLOWS: &str = "the node follows the network";
const ALARM: &str = "the node no longer follows the network";

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    mode: Mode,
}

#[derive(Subcommand)]
enum Mode {
    /// From a block at the first validator to our ledger and to a job at the last miner; from a solution's release
    /// to its block
    Lag(LagArguments),
    /// The share of work on the old epoch that is too late to land, at a change of epoch; `lag` prints it too
    Epochs(EpochsArguments),
}

#[derive(Args)]
struct LagArguments {
    /// The last block. A new job comes at a change of epoch, at block 360: a run that ends earlier has no
    /// figures of jobs
    #[arg(long, default_value_t = PAST_THE_TURN, value_name = "HEIGHT")]
    blocks: u64,

    /// Miners that wait for jobs
    #[arg(long, default_value_t = 1_000, value_name = "N")]
    miners: usize,

    /// Attempts a second of the miner whose solutions are followed; one in eight is a solution
    #[arg(long, default_value_t = 1, value_name = "N")]
    rate: u32,
}

#[derive(Args)]
struct EpochsArguments {
    /// Miners that wait for jobs
    #[arg(long, default_value_t = 1_000, value_name = "N")]
    miners: usize,
}

/// What runs. Fields are dropped in this order.
struct Run {
    miner: Option<Process>,
    crowd: ConnectionLimits,
    pool: PoolNode,
    devnet: Devnet,
    /// The first block that is measured.
    first: u64,
    health_changes: u32,
}

/// The result of a run: when blocks were where, and when the new epoch's job was at each miner.
struct Seen {
    network: Times,
    ledger: Times,
    arrivals: Vec<f64>,
    landings: Vec<Landing>,
    alarms: usize,
    health_changes: u32,
}

fn main() -> Result<()> {
    let folder = tempfile::Builder::new().prefix("aleo-pool-lag-").tempdir()?;
    match Arguments::parse().mode {
        Mode::Lag(LagArguments { blocks, miners, rate }) => {
            let seen = observe(folder.path(), blocks, miners, Some(rate))?;
            print_lag(&seen);
            // Of the same turn, with a miner that finds solutions besides.
            if blocks >= PAST_THE_TURN {
                print_epochs(&seen)?;
            }
        }
        Mode::Epochs(EpochsArguments { miners }) => {
            print_epochs(&observe(folder.path(), PAST_THE_TURN, miners, None)?)?;
        }
    }
    Ok(())
}

fn observe(folder: &Path, blocks: u64, miners: usize, rate: Option<u32>) -> Result<Seen> {
    let mut run = Run::start(folder, miners, rate)?;
    run.until(blocks)?;
    run.finish()
}

impl Run {
    fn start(folder: &Path, miners: usize, rate: Option<u32>) -> Result<Self> {
        eprintln!("starting a devnet");
        let mut devnet = Devnet::start(folder, &[])?;
        devnet.wait_for_blocks(&AtomicBool::new(false))?;
        let address = format!("--pool-address={STAKED_ADDRESS}");
        let mut pool = PoolNode::start(&devnet, 0, &[&address, "--pool-fixed-share-target=2"])?;
        pool.wait_for_work("waiting.test")?;
        let crowd = ConnectionLimits::log_in(pool.stratum, miners)?;
        let start_miner = |rate| miner::start(&devnet, pool.stratum, "alice.rig-1", rate);
        let miner = rate.map(start_miner).transpose()?;
        let first = pool.rest.height()? + 1;
        eprintln!("{miners} miners have work; measuring from block {first} on");
        Ok(Self { miner, crowd, pool, devnet, first, health_changes: 0 })
    }

    /// Waits until the node has block `last`, and watches its health.
    fn until(&mut self, last: u64) -> Result<()> {
        let api = Api::new(self.pool.api);
        let (mut height, mut since, mut green) = (0, Instant::now(), true);
        while height < last {
            thread::sleep(Duration::from_secs(1));
            self.devnet.check_alive()?;
            self.pool.process.check_alive()?;
            let is_green = api.level("chain")?.is_some_and(|level| level == "green");
            self.health_changes += u32::from(green && !is_green);
            green = is_green;
            let latest = self.pool.rest.height()?;
            if latest > height {
                (height, since) = (latest, Instant::now());
                if height.is_multiple_of(50) {
                    eprintln!("block {height} of {last}");
                }
            }
            ensure!(
                since.elapsed() < BLOCK_PATIENCE,
                "no block within {BLOCK_PATIENCE:?} after block {height}"
            );
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Seen> {
        let arrivals = self.crowd.arrivals()?;
        let log = self.pool.process.output();
        let logs: Vec<String> = self.devnet.validators.iter().map(Process::output).collect();
        let measured = |log: &str| {
            let mut times = blocks::times(log);
            times.split_off(&self.first)
        };
        let network = blocks::first_of(&logs.iter().map(|log| measured(log)).collect::<Vec<_>>());
        let landings = self.landings(&log, &logs, &network)?;
        let seen = Seen {
            ledger: measured(&log),
            network,
            arrivals,
            landings,
            alarms: alarms(&log),
            health_changes: self.health_changes,
        };
        if let Some(miner) = &mut self.miner {
            miner.stop()?;
        }
        self.pool.process.stop()?;
        self.devnet.stop();
        Ok(seen)
    }

    fn landings(&self, log: &str, logs: &[String], network: &Times) -> Result<Vec<Landing>> {
        let (releases, batches) = (landings::releases(log), Batches::of(logs));
        let mut blocks: HashMap<u64, Value> = HashMap::new();
        let mut landings = vec![];
        for solution in Api::new(self.pool.api).solutions()? {
            let Some(height) = solution["height"].as_u64() else { continue };
            if let Entry::Vacant(entry) = blocks.entry(height) {
                entry.insert(self.pool.rest.block(height)?);
            }
            let block = blocks.get(&height).context("the block was just read")?;
            landings.extend(Landing::of(&solution, block, &releases, &batches, network));
        }
        Ok(landings)
    }
}

/// Warnings of the pool that its node does not follow the chain, after it first did.
fn alarms(log: &str) -> usize {
    let lines = log.lines().skip_while(|line| !line.contains(FOLLOWS));
    lines.filter(|line| line.contains(ALARM)).count()
}

fn print_lag(seen: &Seen) {
    let by_height = blocks::lags(&seen.ledger, std::slice::from_ref(&seen.network));
    let ours: HashSet<u64> = seen.landings.iter().map(|landing| landing.height).collect();
    let of = |wanted: &dyn Fn(&u64) -> bool| {
        sorted(by_height.iter().filter(|(height, _)| wanted(height)).map(|(_, lag)| 1e3 * lag))
    };
    let lags = of(&|_| true);
    println!("lag.blocks: {}", lags.len());
    println!("lag.block_interval_s: {:.2}", turn::interval(&seen.network).unwrap_or(f64::NAN));
    println!("lag.ledger_ms: {:.0}", mean(&lags));
    println!("lag.ledger_ms_p50: {:.0}", percentile(&lags, 0.5));
    println!("lag.ledger_ms_p99: {:.0}", percentile(&lags, 0.99));
    println!("lag.ledger_ms_max: {:.0}", percentile(&lags, 1.0));
    println!("lag.ledger_ms_p50_with_ours: {:.0}", percentile(&of(&|height| ours.contains(height)), 0.5));
    println!("lag.ledger_ms_p50_without: {:.0}", percentile(&of(&|height| !ours.contains(height)), 0.5));
    println!("lag.alarms: {}", seen.alarms);
    println!("lag.health_changes: {}", seen.health_changes);
    print_landings(&seen.landings);
    match Turn::of(&seen.network, &seen.ledger, &seen.arrivals) {
        None => eprintln!("the epoch did not change: there are no figures of jobs"),
        Some(turn) => {
            println!("lag.miners: {}", seen.arrivals.len());
            println!("lag.job_trigger: {}", turn.trigger);
            println!("lag.job_push_ms: {:.0}", 1e3 * turn.push);
            println!("lag.job_first_ms: {:.0}", 1e3 * turn.first);
            println!("lag.job_last_ms: {:.0}", 1e3 * turn.last);
            println!("lag.job_ms: {:.0}", 1e3 * turn.mean);
        }
    }
}

fn print_landings(landings: &[Landing]) {
    let all = |of: &dyn Fn(&Landing) -> Option<f64>| sorted(landings.iter().filter_map(of));
    let median = |of: &dyn Fn(&Landing) -> Option<f64>| percentile(&all(of), 0.5);
    let total = all(&|one| Some(one.landed - one.released));
    let share = |wanted: &dyn Fn(u64) -> bool| {
        let count = landings.iter().filter(|one| wanted(one.blocks)).count();
        count as f64 / landings.len().max(1) as f64
    };
    println!("lag.landed: {}", landings.len());
    println!("lag.landed_in_1_block: {:.2}", share(&|blocks| blocks <= 1));
    println!("lag.landed_in_2_blocks: {:.2}", share(&|blocks| blocks == 2));
    println!("lag.landed_later: {:.2}", share(&|blocks| blocks > 2));
    println!("lag.found_to_release_ms: {:.0}", median(&|one| Some(1e3 * (one.released - one.found))));
    println!("lag.release_to_batch: {:.2}", median(&|one| Some(one.batched? - one.released)));
    println!("lag.batch_to_certificate: {:.2}", median(&|one| Some(one.certified? - one.batched?)));
    println!("lag.certificate_to_block: {:.2}", median(&|one| Some(one.landed - one.certified?)));
    println!("lag.release_to_block_p90: {:.2}", percentile(&total, 0.9));
    println!("lag.release_to_block_blocks: {:.0}", median(&|one| Some(one.blocks as f64)));
    println!("lag.release_to_block: {:.2}", percentile(&total, 0.5));
}

fn print_epochs(seen: &Seen) -> Result<()> {
    let turn =
        Turn::of(&seen.network, &seen.ledger, &seen.arrivals).context("no miner got the new epoch's job")?;
    let late = Late::of(&turn, &seen.network, &seen.ledger, &seen.arrivals)
        .context("the blocks around the change of epoch are missing in the logs")?;
    println!("epochs.miners: {}", seen.arrivals.len());
    println!("epochs.length_s: {:.0}", late.length);
    println!("epochs.job_trigger: {}", turn.trigger);
    println!("epochs.push_ms: {:.0}", 1e3 * turn.push);
    println!("epochs.late_before: {:.6}", late.before);
    println!("epochs.late_after: {:.6}", late.after);
    println!("epochs.late_ratio: {:.3}", late.after / late.before);
    Ok(())
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
