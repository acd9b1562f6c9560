//! How long honest miners wait for their answers, without and with other connections that send bogus counters
//! as fast as the pool takes them.

use std::{thread::sleep, time::Duration};

use anyhow::{Context, Result};
use clap::Parser;
use pool_simulator::helper::Helper;

/// Times the answers to honest miners during a flood of bogus counters
#[derive(Parser)]
struct Args {
    /// Honest miners
    #[arg(long, default_value_t = 200)]
    miners: usize,

    /// Shares a second of all honest miners together
    #[arg(long, default_value_t = 200)]
    shares: u64,

    /// Connections that flood
    #[arg(long, default_value_t = 20)]
    floods: usize,

    /// The cost of verifying a share, in microseconds of CPU
    #[arg(long, default_value_t = 400)]
    evaluate_micros: u64,

    /// How long calm and flood are measured, each
    #[arg(long, default_value_t = 15)]
    seconds: u64,

    /// Passed by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

const SHARE_TARGET: u64 = 1_000;

fn main() -> Result<()> {
    let args = Args::parse();
    let mut pool = Helper::start(
        env!("CARGO_BIN_EXE_pool-on-sim"),
        &[
            "--evaluate-micros".into(),
            args.evaluate_micros.to_string(),
            "--share-target".into(),
            SHARE_TARGET.to_string(),
        ],
    )?;
    let answer = pool.answer("listening")?;
    let (listen, _) = answer.split_once(' ').context("pool-on-sim does not say where it listens")?;
    let rate = args.shares * SHARE_TARGET / args.miners.max(1) as u64;
    let mut honest = crowd(listen, "honest", args.miners, rate)?;

    report(&mut honest, Duration::from_secs(3), false)?;
    let calm = report(&mut honest, Duration::from_secs(args.seconds), true)?;
    let mut flood = crowd(listen, "bogus", args.floods, 0)?;
    report(&mut honest, Duration::from_secs(3), false)?;
    let flooded = report(&mut honest, Duration::from_secs(args.seconds), true)?;
    report(&mut flood, Duration::ZERO, true)?;

    println!("flood.calm_p99_ms: {calm:.2}");
    println!("flood.p99_ms: {flooded:.2}");
    println!("flood.ratio: {:.2}", flooded / calm);
    Ok(())
}

fn crowd(pool: &str, behaviour: &str, miners: usize, rate: u64) -> Result<Helper> {
    let (miners, rate) = (miners.to_string(), rate.to_string());
    let args = ["--control", "--pool", pool, "--mix", behaviour, "--miners", &miners, "--rate", &rate];
    let mut crowd = Helper::start(env!("CARGO_BIN_EXE_simulate"), &args.map(String::from))?;
    crowd.ask("wait", "working")?;
    Ok(crowd)
}

/// The 99th percentile of the answer times since the last report, in milliseconds.
fn report(crowd: &mut Helper, after: Duration, show: bool) -> Result<f64> {
    sleep(after);
    let (line, p99) = crowd.report()?;
    if show {
        println!("{line}");
    }
    Ok(p99)
}
