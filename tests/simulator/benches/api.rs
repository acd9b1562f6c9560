//! The cost of the HTTP API while many miners mine: how long a scrape and the pool's page take, and how much
//! longer jobs and answers to shares take than without readers. `docs/api.md` has figures.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use clap::Parser;
use pool_simulator::{
    helper::{Helper, percentile},
    readers::{Listener, Reader},
};

/// Times the API, and how much its readers delay miners
#[derive(Parser)]
struct Args {
    /// Miners, each with an account and a worker of its own
    #[arg(long, default_value_t = 10_000)]
    miners: usize,

    /// Shares a second of all miners together
    #[arg(long, default_value_t = 200)]
    shares: u64,

    /// Rounds; each has a half with readers and one without
    #[arg(long, default_value_t = 12)]
    rounds: usize,

    /// How long shares are timed in each half
    #[arg(long, default_value_t = 5)]
    seconds: u64,

    /// Scrapes of the metrics a second
    #[arg(long, default_value_t = 1.0)]
    scrapes: f64,

    /// Requests for the pool's page a second
    #[arg(long, default_value_t = 20.0)]
    pools: f64,

    /// Readers of the other pages, two requests a second each
    #[arg(long, default_value_t = 10)]
    readers: usize,

    /// Listeners to live events
    #[arg(long, default_value_t = 50)]
    listeners: usize,

    /// Passed by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

const SHARE_TARGET: u64 = 1_000;
/// The pause after the readers of a half have come or gone.
const SETTLE: Duration = Duration::from_secs(1);
/// How long miners pause around a push, so that their own work does not affect it.
const STILL: Duration = Duration::from_millis(1_500);
const PAGES: [&str; 10] = [
    "/api/v1/health",
    "/api/v1/history",
    "/api/v1/accounts",
    "/api/v1/workers?limit=500",
    "/api/v1/blocks",
    "/api/v1/solutions",
    "/api/v1/rounds",
    "/api/v1/budget",
    "/total",
    "/",
];

fn main() -> Result<()> {
    let args = Args::parse();
    let folder = tempfile::tempdir()?;
    let config = folder.path().join("pool.toml");
    // All readers come from one address.
    std::fs::write(&config, "[api]\nrequests_per_minute = 1_000_000\n")?;
    let (config, target) = (config.display().to_string(), SHARE_TARGET.to_string());
    let options = ["--api", "127.0.0.1:0", "--config", &config, "--share-target", &target].map(String::from);
    let mut pool = Helper::start(env!("CARGO_BIN_EXE_pool-on-sim"), &options)?;
    let answer = pool.answer("listening")?;
    let (listen, _) = answer.split_once(' ').context("pool-on-sim does not say where it listens")?;
    let api = pool.answer("api")?;
    let mut miners = crowd(listen, &args)?;

    let mut measured = Measured::default();
    // The first half warms up.
    half(&mut pool, &mut miners, &args)?;
    for round in 0..args.rounds {
        for with_readers in [round % 2 == 0, round % 2 != 0] {
            let readers = with_readers.then(|| Readers::start(&api, &args)).transpose()?;
            let (ack, push) = half(&mut pool, &mut miners, &args)?;
            let company = if with_readers { "readers" } else { "nobody" };
            println!("round {round} with {company}: ack p99 {ack:.2} ms, push p99 {push:.2} ms");
            let half = if with_readers { &mut measured.with } else { &mut measured.without };
            half.acks.push(ack);
            half.pushes.push(push);
            if let Some(readers) = readers {
                readers.stop(&mut measured)?;
            }
        }
    }
    measured.tell(&args);
    Ok(())
}

fn crowd(pool: &str, args: &Args) -> Result<Helper> {
    let rate = args.shares as f64 * SHARE_TARGET as f64 / args.miners.max(1) as f64;
    let (miners, rate) = (args.miners.to_string(), rate.to_string());
    let options = ["--control", "--pool", pool, "--miners", &miners, "--rate", &rate].map(String::from);
    let mut crowd = Helper::start(env!("CARGO_BIN_EXE_simulate"), &options)?;
    crowd.ask("wait", "working")?;
    Ok(crowd)
}

/// The 99th percentiles of the answers to shares and of a push, in milliseconds.
fn half(pool: &mut Helper, miners: &mut Helper, args: &Args) -> Result<(f64, f64)> {
    sleep(SETTLE);
    miners.report()?;
    sleep(Duration::from_secs(args.seconds));
    let (_, ack) = miners.report()?;
    miners.ask(&format!("still {}", STILL.as_millis()), "still")?;
    let answer = pool.ask("epoch", "epoch")?;
    let (_, hook) = answer.split_once(' ').context("pool-on-sim does not say when")?;
    let latencies = miners.arrivals(hook.parse()?, args.miners)?;
    Ok((ack, percentile(&latencies, 0.99)))
}

/// All readers of a half.
struct Readers {
    since: Instant,
    scraper: Reader,
    pool: Reader,
    others: Vec<Reader>,
    listeners: Vec<Listener>,
}

impl Readers {
    fn start(api: &str, args: &Args) -> Result<Self> {
        let every = |per_second: f64| Duration::from_secs_f64(1.0 / per_second.max(0.01));
        let mut pages = PAGES;
        let others = |_| {
            // Each begins with a different page.
            pages.rotate_left(1);
            Reader::start(api, &pages, every(2.0))
        };
        Ok(Self {
            since: Instant::now(),
            scraper: Reader::start(api, &["/metrics"], every(args.scrapes)),
            pool: Reader::start(api, &["/api/v1/pool"], every(args.pools)),
            others: (0..args.readers).map(others).collect(),
            listeners: (0..args.listeners).map(|_| Listener::start(api)).collect::<Result<_>>()?,
        })
    }

    fn stop(self, measured: &mut Measured) -> Result<()> {
        let (scrapes, pools) = (self.scraper.stop()?, self.pool.stop()?);
        let others: Vec<Vec<f64>> = self.others.into_iter().map(Reader::stop).collect::<Result<_>>()?;
        for listener in self.listeners {
            listener.stop()?;
        }
        measured.requests += scrapes.len() + pools.len() + others.iter().map(Vec::len).sum::<usize>();
        measured.read_for += self.since.elapsed();
        measured.scrapes.extend(scrapes);
        measured.pools.extend(pools);
        Ok(())
    }
}

/// The 99th percentile of every half, in milliseconds.
#[derive(Default)]
struct Halves {
    acks: Vec<f64>,
    pushes: Vec<f64>,
}

#[derive(Default)]
struct Measured {
    with: Halves,
    without: Halves,
    /// In milliseconds.
    scrapes: Vec<f64>,
    pools: Vec<f64>,
    requests: usize,
    read_for: Duration,
}

impl Measured {
    fn tell(mut self, args: &Args) {
        println!("api.workers: {}", args.miners);
        println!("api.listeners: {}", args.listeners);
        println!("api.requests_per_s: {:.1}", self.requests as f64 / self.read_for.as_secs_f64().max(1e-9));
        println!("api.scrape_ms: {:.2}", at(&mut self.scrapes, 0.5));
        println!("api.scrape_p99_ms: {:.2}", at(&mut self.scrapes, 0.99));
        println!("api.pool_p50_ms: {:.2}", at(&mut self.pools, 0.5));
        println!("api.pool_p99_ms: {:.2}", at(&mut self.pools, 0.99));
        compare("push", &mut self.with.pushes, &mut self.without.pushes);
        compare("ack", &mut self.with.acks, &mut self.without.acks);
    }
}

/// The medians with and without readers, and the spread of the halves without: the upper quartile over the
/// median.
fn compare(what: &str, with: &mut [f64], without: &mut [f64]) {
    let (with, median) = (at(with, 0.5), at(without, 0.5));
    println!("api.{what}_p99_ms: {with:.2}");
    println!("api.{what}_alone_p99_ms: {median:.2}");
    println!("api.{what}_ratio: {:.2}", with / median);
    println!("api.{what}_noise: {:.2}", at(without, 0.75) / median);
}

fn at(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    percentile(values, share)
}
