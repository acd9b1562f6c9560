//! `scripts/run`: four validators, a node with the pool in it and a reference miner, on loopback, offline.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::sleep,
    time::Duration,
};

use anyhow::{Result, bail};
use clap::Parser;
use pool_core::types::counted;
use pool_tests::{
    devnet::Devnet,
    miner,
    pool_node::{PoolNode, STAKED_ADDRESS, read_json},
    process::Process,
};
use serde_json::Value;
use signal_hook::consts::{SIGINT, SIGTERM};

/// The miners of `--demo`, and their attempts a second. The last one's name would run as a script in a
/// careless page.
const DEMO: [(&str, u32); 5] = [
    ("alice.rig-1", 2),
    ("alice.rig-2", 1),
    ("bob.tower", 1),
    ("carol.laptop", 1),
    ("mallory.<img src=x onerror=alert(1)>", 1),
];

/// Runs a whole pool on an embedded devnet: four validators, a node with the pool in it and one reference
/// miner, all on this machine and offline. Ctrl-C stops everything.
#[derive(Parser)]
struct Arguments {
    /// Stop after the first share dump
    #[arg(long)]
    once: bool,

    /// Several miners of different accounts and speeds instead of one: a lively dashboard
    #[arg(long, conflicts_with = "rate")]
    demo: bool,

    /// Where ledgers, logs and share dumps go; must not exist yet [default: a new folder in the system's
    /// temporary folder]
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,

    /// Attempts per second of the miner; on the devnet one in eight solves the puzzle
    #[arg(long, default_value_t = 2, value_name = "N")]
    rate: u32,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, stop.clone())?;
    }
    let folder = match &arguments.folder {
        Some(folder) if folder.exists() => bail!("{} exists already: name a new folder", folder.display()),
        Some(folder) => folder.clone(),
        None => tempfile::Builder::new().prefix("aleo-pool-devnet-").tempdir()?.keep(),
    };
    run(&arguments, &std::path::absolute(folder)?, &stop)
}

fn run(arguments: &Arguments, folder: &std::path::Path, stop: &AtomicBool) -> Result<()> {
    println!("devnet folder: {} (ledgers, logs, share dumps)", folder.display());
    println!("starting four validators");
    let mut devnet = Devnet::start(folder, &[])?;
    println!("waiting until they find each other and make a block: about ten seconds, at most three minutes");
    devnet.wait_for_blocks(stop)?;
    println!("the validators make blocks; starting the node with the pool in it, which syncs first");
    let mut pool = PoolNode::start(&devnet, 0, &[&format!("--pool-address={STAKED_ADDRESS}")])?;
    println!("miners connect to {}; the node's log is {}", pool.stratum, pool.process.log.display());
    let mut miners = start_miners(arguments, &devnet, &pool)?;
    println!("dashboard: http://{}/", pool.api);
    println!("waiting for a block with a solution of ours; it gives the first share dump");

    let (mut height, mut announced) = (0, 0);
    while !stop.load(Relaxed) {
        devnet.check_alive()?;
        pool.process.check_alive()?;
        miners.iter_mut().try_for_each(Process::check_alive)?;
        if let Ok(latest) = pool.rest.height()
            && latest > height
        {
            height = latest;
            println!("block {height}");
        }
        let dumps = pool.dumps()?;
        for path in &dumps[announced..] {
            announce(announced == 0, path)?;
            announced += 1;
        }
        if arguments.once && announced > 0 {
            break;
        }
        sleep(Duration::from_millis(300));
    }
    println!("stopping");
    for mut miner in miners {
        miner.stop()?;
    }
    pool.process.stop()?;
    devnet.stop();
    println!("stopped; {announced} share dumps are in {}", pool.data.join("shares").display());
    Ok(())
}

fn start_miners(arguments: &Arguments, devnet: &Devnet, pool: &PoolNode) -> Result<Vec<Process>> {
    let alone = format!("{STAKED_ADDRESS}.cpu-1");
    let chosen = if arguments.demo { DEMO.to_vec() } else { vec![(alone.as_str(), arguments.rate)] };
    let started = chosen.into_iter().map(|(login, rate)| {
        let miner = miner::start(devnet, pool.stratum, login, rate)?;
        let log = miner.log.display();
        println!("a reference miner tries {rate} counters a second as {login}; its log is {log}");
        Ok(miner)
    });
    started.collect()
}

/// One line per dump.
fn announce(first: bool, path: &std::path::Path) -> Result<()> {
    let dump = read_json(path)?;
    let solutions = dump["solutions"].as_array().map_or(0, Vec::len);
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if first {
        println!("first share dump: {}", path.display());
    }
    println!(
        "block {} has {solutions} of our solutions: {} microcredits for {}",
        dump["height"],
        text(&dump["total_reward"]),
        counted(dump["window"]["count"].as_u64().unwrap_or_default(), "share"),
    );
    Ok(())
}
