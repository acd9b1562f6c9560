//! The real pool (sockets, threads, database) on a simulated chain with the simulator's puzzle, which costs
//! nothing. Ends with its standard input; `epoch` on it starts the next epoch.

use std::{
    io::{BufRead, BufReader, Write, stdin},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    sync::Arc,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use pool_api::{Api, Exposition};
use pool_core::{
    chain::{Chain, sim::SimChain},
    evaluator::{EvaluateError, Evaluator},
    types::{Address, BLOCKS_PER_EPOCH, EpochHash},
};
use pool_plugin::operate::{
    config::{PoolArgs, Source},
    pool::Pool,
    reload::hangup,
};
use pool_simulator::puzzle;

/// The real pool on a simulated chain. Prints where it listens. Commands on standard input: `epoch` starts
/// the next epoch and answers its number and the time of the block that contains its hash, in nanoseconds
/// since 1970. The end of standard input stops the pool
#[derive(Parser)]
#[command(name = "pool-on-sim")]
struct Args {
    /// Where miners connect
    #[arg(long, default_value = "127.0.0.1:0", value_name = "IP:PORT")]
    listen: SocketAddr,

    /// The pool's folder [default: a new one, removed at the end]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Expected attempts per share
    #[arg(long, default_value_t = 1_000)]
    share_target: u64,

    /// The chain's proof target
    #[arg(long, default_value_t = 1_000_000_000_000)]
    proof_target: u64,

    /// Seconds between blocks [default: blocks come with `epoch` only]
    #[arg(long, value_name = "S")]
    block_seconds: Option<u64>,

    /// The cost of verifying a share, in microseconds of CPU
    #[arg(long, default_value_t = 0, value_name = "US")]
    evaluate_micros: u64,

    /// Threads that check shares
    #[arg(long, default_value_t = 1)]
    verify_threads: usize,

    /// Where the HTTP API listens, if at all; its address is printed on a line of its own
    #[arg(long, default_value = "off", value_name = "IP:PORT|off")]
    api: String,

    /// Solutions per epoch that the stake allows
    #[arg(long, value_name = "N")]
    limit: Option<u64>,

    /// Miners served at once
    #[arg(long, default_value_t = 19_000)]
    max_connections: usize,

    /// A configuration file of the pool's, read again at SIGHUP; the other flags win over it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

const OURS: Address = Address([7; 32]);

struct CheapPuzzle {
    cost: Duration,
}

impl Evaluator for CheapPuzzle {
    fn prepare(&self, _: &EpochHash) {}

    fn target(&self, epoch_hash: &EpochHash, _: &Address, counter: u64) -> Result<u64, EvaluateError> {
        let until = Instant::now() + self.cost;
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        Ok(puzzle::target(&epoch_hash.0, counter))
    }
}

fn main() -> Result<()> {
    let args = Args::parse();
    let sim = SimChain::new();
    sim.connect_validator(1);
    sim.set_proof_target(args.proof_target);
    sim.set_coinbase_target(args.proof_target.saturating_mul(4));
    let temporary = tempfile::tempdir().context("cannot make a folder")?;
    let data = args.data.clone().unwrap_or_else(|| temporary.path().into());
    if let Some(limit) = args.limit {
        sim.set_limit(OURS, limit);
    }
    // Before the pool: its parts take their handles from it.
    let exposition = if args.api == "off" { None } else { Some(Exposition::install()?) };
    let pool = open(&args, data, &sim)?;
    let rest = TcpListener::bind("127.0.0.1:0").context("cannot listen")?;
    println!("listening {} rest {}", pool.local_addr(), rest.local_addr()?);

    let api = match exposition {
        Some(exposition) => Api::open(pool.view(), pool.admin_handle(), exposition)?,
        None => None,
    };
    if let Some(api) = &api {
        println!("api {}", api.local_addr());
    }
    let _api = api.map(Api::start).transpose()?;

    let chain = sim.clone();
    thread::spawn(move || serve_rest(&rest, &chain));
    if let Some(seconds) = args.block_seconds {
        let chain = sim.clone();
        thread::spawn(move || {
            loop {
                thread::sleep(Duration::from_secs(seconds));
                chain.produce_block();
            }
        });
    }
    let (stop, chain) = (pool.stop_handle(), sim.clone());
    thread::spawn(move || {
        if let Err(reason) = run_commands(&chain) {
            eprintln!("pool-on-sim: {reason:#}");
        }
        stop.stop();
    });
    pool.run(async move { Some(Ok(sim as Arc<dyn Chain>)) })
}

fn open(args: &Args, data: PathBuf, sim: &SimChain) -> Result<Pool> {
    let keys = [
        ("listen", args.listen.to_string()),
        ("api.listen", args.api.clone()),
        ("fixed_share_target", args.share_target.to_string()),
        ("verify_threads", args.verify_threads.to_string()),
        ("max_connections", args.max_connections.to_string()),
    ];
    let flags = PoolArgs {
        pool_config: args.config.clone(),
        keys: keys.into_iter().collect(),
        ..PoolArgs::default()
    };
    let source = Source {
        args: flags,
        node_address: Some(OURS),
        default_data: data,
        cores: thread::available_parallelism().map_or(1, usize::from),
        check_address: Box::new(|_| Ok(())),
    };
    // Before other threads exist.
    let hangup = hangup::hold().context("cannot hold SIGHUP")?;
    let puzzle = Arc::new(CheapPuzzle { cost: Duration::from_micros(args.evaluate_micros) });
    Ok(Pool::open(source.load()?, sim.network(), puzzle)?.reloading(source, Some(hangup)))
}

fn run_commands(sim: &SimChain) -> Result<()> {
    for line in stdin().lock().lines() {
        match line?.as_str() {
            "epoch" => next_epoch(sim)?,
            other => bail!("'{other}' is not a command: use epoch"),
        }
    }
    Ok(())
}

/// Advances to the last block of the epoch, which contains the next one's hash; waits a moment, like a chain,
/// and makes the first of the next.
fn next_epoch(sim: &SimChain) -> Result<()> {
    let epoch = sim.tip() / BLOCKS_PER_EPOCH + 1;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
    sim.jump_to(epoch * BLOCKS_PER_EPOCH - 1);
    thread::sleep(Duration::from_millis(200));
    sim.produce_block();
    println!("epoch {epoch} {now}");
    Ok(())
}

/// Serves like a node over HTTP: answers any request with the height and the epoch to mine, as JSON.
fn serve_rest(listener: &TcpListener, sim: &Arc<SimChain>) {
    for stream in listener.incoming().flatten() {
        let sim = sim.clone();
        // A connection that fails is its client's problem.
        thread::spawn(move || answer(stream, &sim).ok());
    }
}

fn answer(stream: TcpStream, sim: &SimChain) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
        }
        let puzzle = sim.puzzle()?;
        let mined = puzzle.mined_epoch();
        let body = format!(
            r#"{{"height":{},"epoch":{},"epoch_hash":"{}"}}"#,
            puzzle.height, mined.number, mined.hash
        );
        write!(
            reader.get_mut(),
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )?;
    }
}
