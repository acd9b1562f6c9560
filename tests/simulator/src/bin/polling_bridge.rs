//! Like a pool outside of the node: polls the node's REST API for the latest epoch once a second and sends it
//! to its miners when it has changed. Nothing else: no shares are verified and nothing is stored, so that
//! only its polling slows it down.

use std::{
    net::SocketAddr,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use clap::Parser;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// A bridge between a node's REST API, asked once a second, and miners
#[derive(Parser)]
#[command(name = "polling-bridge")]
struct Args {
    /// The REST API of `pool-on-sim`
    #[arg(long, value_name = "IP:PORT")]
    rest: SocketAddr,

    /// Milliseconds between questions
    #[arg(long, default_value_t = 1_000)]
    every: u64,
}

/// The lines of the latest job, the same for every miner.
type Job = Option<Arc<[u8]>>;

fn main() -> Result<()> {
    let args = Args::parse();
    let (sender, jobs) = watch::channel(None);
    thread::spawn(move || poll(args.rest, Duration::from_millis(args.every), &sender));
    // As many threads as the pool has for its sessions.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("cannot listen")?;
        println!("listening {}", listener.local_addr()?);
        // Miners need not end first: the bench kills this process.
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(serve(stream, jobs.clone()));
        }
    })
}

fn poll(rest: SocketAddr, every: Duration, jobs: &watch::Sender<Job>) {
    let agent = ureq::Agent::new_with_defaults();
    let mut next = Instant::now();
    let mut known = None;
    loop {
        let answer = agent.get(format!("http://{rest}/testnet/epoch/latest")).call();
        let text = answer.and_then(|mut answer| answer.body_mut().read_to_string()).unwrap_or_default();
        let latest = serde_json::from_str::<Value>(&text).ok();
        if latest.is_some() && latest.as_ref().map(epoch_hash) != known.as_ref().map(epoch_hash) {
            jobs.send_replace(latest.as_ref().map(job));
            known = latest;
        }
        next += every;
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
}

fn epoch_hash(latest: &Value) -> Option<&str> {
    latest.get("epoch_hash").and_then(Value::as_str)
}

fn job(latest: &Value) -> Arc<[u8]> {
    let epoch = latest.get("epoch").and_then(Value::as_u64).and_then(|epoch| u32::try_from(epoch).ok());
    let job_id = hex::encode(epoch.unwrap_or_default().to_le_bytes());
    let target = json!({"jsonrpc": "2.0", "method": "mining.set_target", "params": [1_000]});
    let params = json!([job_id, epoch_hash(latest), "aleo1", true]);
    let notify = json!({"jsonrpc": "2.0", "method": "mining.notify", "params": params});
    format!("{target}\n{notify}\n").into_bytes().into()
}

async fn serve(stream: TcpStream, mut jobs: watch::Receiver<Job>) -> Result<()> {
    stream.set_nodelay(true)?;
    let (read_half, mut write_half) = stream.into_split();
    let mut lines = BufReader::with_capacity(512, read_half).lines();
    let mut logged_in = false;
    loop {
        tokio::select! {
            line = lines.next_line() => {
                let Some(line) = line? else { return Ok(()) };
                let request: Value = serde_json::from_str(&line)?;
                let answer = json!({"jsonrpc": "2.0", "result": true, "id": request.get("id")});
                write_half.write_all(format!("{answer}\n").as_bytes()).await?;
                if request.get("method").and_then(Value::as_str) == Some("mining.authorize") {
                    logged_in = true;
                    jobs.mark_changed();
                }
            }
            changed = jobs.changed(), if logged_in => {
                changed?;
                let job = jobs.borrow_and_update().clone();
                if let Some(job) = job {
                    write_half.write_all(&job).await?;
                }
            }
        }
    }
}
