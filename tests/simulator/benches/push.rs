//! How long a new epoch takes to reach every miner, and the memory of a connection; for comparison, the same
//! through a bridge that polls the node's REST API once a second. `docs/stratum.md` says what is measured.

use std::{
    io::Write,
    net::{TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use clap::Parser;
use pool_simulator::helper::{Helper, percentile};

/// How long miners pause around a push: longer than the bridge may take to learn of it.
const STILL: Duration = Duration::from_millis(2_500);

/// Times the push of a job to many miners
#[derive(Parser)]
struct Args {
    /// Connections to the pool, and as many to the bridge
    #[arg(long, default_value_t = 10_000)]
    miners: usize,

    /// Epochs
    #[arg(long, default_value_t = 20)]
    epochs: usize,

    /// Without the bridge
    #[arg(long)]
    alone: bool,

    /// Passed by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

/// As long as a job with its target.
const JOB_BYTES: usize = 270;

/// A server and its miners.
struct Side {
    server: Helper,
    crowd: Helper,
    latencies: Vec<f64>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let mut pool = Helper::start(env!("CARGO_BIN_EXE_pool-on-sim"), &[])?;
    let answer = pool.answer("listening")?;
    let (listen, rest) = answer.split_once(" rest ").context("pool-on-sim does not say where it listens")?;

    // The first epoch's work once, so that what is made only for the first miner is not counted.
    drop(crowd(listen, 1)?);
    let before = pool.resident()?;
    let ours = crowd(listen, args.miners)?;
    thread::sleep(Duration::from_secs(2));
    let grown = pool.resident()?.saturating_sub(before);
    let mut ours = Side { server: pool, crowd: ours, latencies: vec![] };
    let mut theirs = if args.alone { None } else { Some(bridge(rest, args.miners)?) };

    let mut cpu = Duration::ZERO;
    for epoch in 1..=args.epochs {
        // The bridge polls at a random moment of its second.
        thread::sleep(Duration::from_secs(1).mul_f64(rand::random()));
        ours.crowd.ask(&format!("still {}", STILL.as_millis()), "still")?;
        if let Some(theirs) = &mut theirs {
            theirs.crowd.ask(&format!("still {}", STILL.as_millis()), "still")?;
        }
        let cpu_before = ours.server.cpu()?;
        let answer = ours.server.ask("epoch", "epoch")?;
        let (_, hook) = answer.split_once(' ').context("pool-on-sim does not say when")?;
        let hook: u64 = hook.parse()?;
        ours.gather(hook, args.miners)?;
        cpu += ours.server.cpu()?.saturating_sub(cpu_before);
        if let Some(theirs) = &mut theirs {
            theirs.gather(hook, args.miners)?;
        }
        let last = ours.latencies.get((epoch - 1) * args.miners..).unwrap_or_default();
        println!("epoch {epoch}: the last of {} miners after {:.1} ms", last.len(), percentile(last, 1.0));
    }

    let floor = floor(args.miners)?;
    let (p50, p99, max) = ours.figures();
    println!("push.connections: {}", args.miners);
    println!("push.p50_ms: {p50:.2}");
    println!("push.p99_ms: {p99:.2}");
    println!("push.max_ms: {max:.2}");
    let pushes = (args.epochs * args.miners).max(1);
    println!("push.cpu_us_per_push: {:.2}", cpu.as_secs_f64() * 1e6 / pushes as f64);
    println!("push.floor_ms: {floor:.2}");
    println!("push.over_floor: {:.2}", p99 / floor);
    println!("push.bytes_per_connection: {}", grown / args.miners.max(1) as u64);
    if let Some(theirs) = &mut theirs {
        let (rest_p50, rest_p99, _) = theirs.figures();
        println!("push.rest_p50_ms: {rest_p50:.2}");
        println!("push.rest_p99_ms: {rest_p99:.2}");
        println!("push.rest_ratio: {:.1}", rest_p99 / p99);
    }
    Ok(())
}

fn crowd(pool: &str, miners: usize) -> Result<Helper> {
    let args = ["--control", "--rate", "0", "--pool", pool, "--miners", &miners.to_string()];
    let mut crowd = Helper::start(env!("CARGO_BIN_EXE_simulate"), &args.map(String::from))?;
    crowd.ask("wait", "working")?;
    Ok(crowd)
}

fn bridge(rest: &str, miners: usize) -> Result<Side> {
    let mut server = Helper::start(env!("CARGO_BIN_EXE_polling-bridge"), &["--rest".into(), rest.into()])?;
    let listen = server.answer("listening")?;
    Ok(Side { crowd: crowd(&listen, miners)?, server, latencies: vec![] })
}

/// How long two threads take that only write a job's bytes to as many sockets, in milliseconds.
fn floor(miners: usize) -> Result<f64> {
    let listener = TcpListener::bind("127.0.0.1:0").context("cannot listen")?;
    let (listen, count) = (listener.local_addr()?.to_string(), miners.to_string());
    let args = ["--control", "--mix", "silent", "--pool", &listen, "--miners", &count];
    let mut crowd = Helper::start(env!("CARGO_BIN_EXE_simulate"), &args.map(String::from))?;
    let mut streams: Vec<TcpStream> = listener.incoming().take(miners).collect::<Result<_, _>>()?;
    streams.iter().try_for_each(|stream| stream.set_nodelay(true))?;
    let half = streams.len().div_ceil(2).max(1);
    let mut times = vec![];
    for _ in 0..5 {
        crowd.ask("still 1000", "still")?;
        let begun = Instant::now();
        thread::scope(|scope| {
            for streams in streams.chunks_mut(half) {
                scope
                    .spawn(|| streams.iter_mut().try_for_each(|stream| stream.write_all(&[b' '; JOB_BYTES])));
            }
        });
        times.push(begun.elapsed().as_secs_f64() * 1e3);
        // Nothing has arrived that a miner would mistake for a job.
        crowd.answer("arrivals")?;
    }
    times.sort_by(f64::total_cmp);
    Ok(percentile(&times, 0.5))
}

impl Side {
    /// Adds each miner's time from `hook` (nanoseconds since 1970) to the arrival of its job, in milliseconds.
    fn gather(&mut self, hook: u64, miners: usize) -> Result<()> {
        self.latencies.append(&mut self.crowd.arrivals(hook, miners)?);
        Ok(())
    }

    /// The median, the 99th percentile and the greatest, over all epochs.
    fn figures(&mut self) -> (f64, f64, f64) {
        self.latencies.sort_by(f64::total_cmp);
        let at = |share| percentile(&self.latencies, share);
        (at(0.5), at(0.99), at(1.0))
    }
}
