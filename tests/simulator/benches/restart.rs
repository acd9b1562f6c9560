//! The cost of a restart of the pool for its miners: whether an acknowledged share is lost, how soon all are
//! back, and whether they all reconnect at once.

use std::{thread::sleep, time::Duration};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use pool_core::types::unix_ms;
use pool_simulator::{
    books,
    helper::{Helper, percentile},
};

/// Restarts a pool under its miners, once in order and once by a kill
#[derive(Parser)]
struct Args {
    /// Miners, which speak generic JSON
    #[arg(long, default_value_t = 5_000)]
    miners: usize,

    /// Shares a second of all miners together
    #[arg(long, default_value_t = 200)]
    shares: u64,

    /// How long they mine before, between and after the restarts
    #[arg(long, default_value_t = 10)]
    seconds: u64,

    /// Passed by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

const SHARE_TARGET: u64 = 1_000;

fn main() -> Result<()> {
    let args = Args::parse();
    let mining = Duration::from_secs(args.seconds);
    let folder = tempfile::tempdir()?;
    let (mut pool, listen) = start(folder.path(), "127.0.0.1:0")?;
    let rate = args.shares as f64 * SHARE_TARGET as f64 / args.miners.max(1) as f64;
    let mut crowd = Helper::start(
        env!("CARGO_BIN_EXE_simulate"),
        &["--control", "--generic", "--pool", &listen, "--miners", &args.miners.to_string()]
            .into_iter()
            .chain(["--rate", &rate.to_string()])
            .map(String::from)
            .collect::<Vec<_>>(),
    )?;
    crowd.ask("wait", "working")?;
    sleep(mining);

    let mut acknowledged = vec![];
    for (restart, in_order) in [("stop", true), ("kill", false)] {
        crowd.ask_numbers("starts", "starts")?;
        match in_order {
            true => pool.finish()?,
            false => drop(pool),
        }
        let back = unix_ms();
        (pool, _) = start(folder.path(), &listen)?;
        crowd.ask("wait", "working")?;
        let starts = crowd.ask_numbers("starts", "starts")?;
        ensure!(starts.len() >= args.miners, "{} of {} miners came back", starts.len(), args.miners);
        tell(restart, &starts, back);
        sleep(mining);
    }
    pool.finish()?;
    acknowledged.append(&mut crowd.ask_numbers("acknowledged", "acknowledged")?);
    let stored = books::stored(folder.path())?;
    let lost = acknowledged.iter().filter(|counter| !stored.contains(counter)).count();
    println!("restart.miners: {}", args.miners);
    println!("restart.acknowledged: {}", acknowledged.len());
    println!("restart.acknowledged_and_lost: {lost}");
    ensure!(lost == 0 && !acknowledged.is_empty(), "{lost} of {} shares are lost", acknowledged.len());
    Ok(())
}

fn start(data: &std::path::Path, listen: &str) -> Result<(Helper, String)> {
    let data = data.display().to_string();
    let target = SHARE_TARGET.to_string();
    let args = ["--data", &data, "--listen", listen, "--share-target", &target].map(String::from);
    let mut pool = Helper::start(env!("CARGO_BIN_EXE_pool-on-sim"), &args)?;
    let answer = pool.answer("listening")?;
    let (listen, _) = answer.split_once(' ').context("pool-on-sim does not say where it listens")?;
    Ok((pool, listen.to_owned()))
}

/// When miners were back at work, from the moment the old process had ended.
fn tell(restart: &str, starts: &[u64], back: u64) {
    let mut seconds: Vec<f64> = starts.iter().map(|start| start.saturating_sub(back) as f64 / 1e3).collect();
    seconds.sort_by(f64::total_cmp);
    let mut busiest = 0;
    for (first, second) in seconds.iter().enumerate() {
        let within = seconds.iter().skip(first).take_while(|other| **other < second + 1.0).count();
        busiest = busiest.max(within);
    }
    println!("restart.{restart}.back_p50_s: {:.1}", percentile(&seconds, 0.5));
    println!("restart.{restart}.back_max_s: {:.1}", percentile(&seconds, 1.0));
    println!("restart.{restart}.busiest_second: {busiest}");
}
