//! `scripts/bench verify`: shares a second of the running pool with all cores, and what that does to its node.
//!
//! On a real devnet, all on this machine. Quiet times and floods of valid shares alternate, so that both see
//! the same machine. The measure of block import is how long after the first validator the pool's node has a
//! block in its ledger, both from their logs: it includes everything that delays a block on its way, and the
//! validators suffer from the flood's load like the node.

use std::{
    collections::BTreeMap,
    sync::atomic::AtomicBool,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use pool_tests::{
    blocks,
    devnet::Devnet,
    flood::{self, Supply},
    pool_node::{PoolNode, STAKED_ADDRESS},
    process::tail,
};

/// Under this target a counter is not a solution on the devnet.
const DEVNET_PROOF_TARGET: u64 = 8;

/// Shares a second of the running pool, and the import of blocks under that load.
#[derive(Parser)]
struct Arguments {
    /// One short quiet time and one short flood
    #[arg(long)]
    quick: bool,

    /// Times that each is repeated
    #[arg(long, default_value_t = 4, value_name = "N")]
    rounds: u32,

    /// Seconds of each
    #[arg(long, default_value_t = 30, value_name = "N")]
    seconds: u64,

    /// Connections of the flood
    #[arg(long, default_value_t = 8, value_name = "N")]
    connections: usize,
}

/// The blocks and shares of the quiet times, or of the floods.
#[derive(Default)]
struct Side {
    heights: Vec<u64>,
    accepted: u64,
    seconds: f64,
}

impl Side {
    /// Notes what the pool's node imports while `work` runs.
    fn during(&mut self, pool: &PoolNode, work: impl FnOnce() -> Result<u64>) -> Result<()> {
        let (first, start) = (tip(pool), Instant::now());
        self.accepted += work()?;
        self.seconds += start.elapsed().as_secs_f64();
        self.heights.extend(first + 1..=tip(pool));
        Ok(())
    }

    /// The lags of this side's blocks, in milliseconds.
    fn lags(&self, lags: &BTreeMap<u64, f64>) -> Vec<f64> {
        self.heights.iter().filter_map(|height| lags.get(height)).map(|lag| 1e3 * lag).collect()
    }
}

/// The height of the node's ledger, without asking the node.
fn tip(pool: &PoolNode) -> u64 {
    blocks::times(&pool.process.output()).keys().next_back().copied().unwrap_or(0)
}

fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn main() -> Result<()> {
    let mut arguments = Arguments::parse();
    if arguments.quick {
        (arguments.rounds, arguments.seconds) = (1, 8);
    }
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let window = Duration::from_secs(arguments.seconds);
    let folder = tempfile::Builder::new().prefix("aleo-pool-verify-").tempdir()?;
    eprintln!("starting a devnet");
    let mut devnet = Devnet::start(folder.path(), &[])?;
    devnet.wait_for_blocks(&AtomicBool::new(false))?;
    let address = format!("--pool-address={STAKED_ADDRESS}");
    let threads = format!("--pool-verify-threads={cores}");
    let mut pool = PoolNode::start(&devnet, 0, &[&address, "--pool-share-target=1", &threads])?;
    let stratum = pool.wait_for_work("waiting.test")?;
    let (_, epoch_hash) = stratum.job.clone().context("there is no job")?;
    let pool_address = stratum.pool_address.clone();
    drop(stratum);

    let mining = window * arguments.rounds;
    eprintln!("mining shares for the floods, {mining:?}");
    let supply = Supply::mine(&epoch_hash, &pool_address, DEVNET_PROOF_TARGET, mining)?;
    ensure!(!supply.is_empty(), "no share was found");
    eprintln!("{} shares", supply.len());

    let (mut quiet, mut flooded) = (Side::default(), Side::default());
    for round in 1..=arguments.rounds {
        quiet.during(&pool, || {
            thread::sleep(window);
            Ok(0)
        })?;
        flooded
            .during(&pool, || flood::run(pool.stratum, arguments.connections, &supply, window))
            .with_context(|| format!("the pool said:\n{}", tail(&pool.process.output(), 20)))?;
        eprintln!("round {round} of {}: {} shares in all", arguments.rounds, flooded.accepted);
        pool.process.check_alive()?;
    }

    let validators: Vec<_> =
        devnet.validators.iter().map(|validator| blocks::times(&validator.output())).collect();
    let imported = blocks::times(&pool.process.output());
    let lags = blocks::lags(&imported, &validators);
    let intervals = |side: &Side| {
        median(
            side.heights
                .iter()
                .filter_map(|height| Some(imported.get(height)? - imported.get(&(height - 1))?)),
        )
    };
    let (idle, loaded) = (quiet.lags(&lags), flooded.lags(&lags));
    let (even, odd): (Vec<_>, Vec<_>) = idle.iter().enumerate().partition(|(index, _)| index % 2 == 0);
    let of = |half: Vec<(usize, &f64)>| median(half.into_iter().map(|(_, lag)| *lag));

    println!("verify.cores: {cores}");
    println!("verify.connections: {}", arguments.connections);
    println!("verify.shares: {}", flooded.accepted);
    println!("verify.blocks_idle: {}", idle.len());
    println!("verify.blocks_loaded: {}", loaded.len());
    println!("verify.block_interval_s_idle: {:.2}", intervals(&quiet));
    println!("verify.block_interval_s_loaded: {:.2}", intervals(&flooded));
    println!("verify.import_ms_idle: {:.0}", median(idle.iter().copied()));
    println!("verify.import_ms_loaded: {:.0}", median(loaded.iter().copied()));
    println!("verify.import_ratio_of_idle_halves: {:.2}", of(even) / of(odd));
    println!("verify.import_ratio: {:.2}", median(loaded) / median(idle));
    println!("verify.shares_per_s: {:.0}", flooded.accepted as f64 / flooded.seconds);
    pool.process.stop()?;
    devnet.stop();
    Ok(())
}
