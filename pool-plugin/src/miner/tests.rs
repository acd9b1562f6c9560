//! The reference miner against the real port.

use std::sync::Arc;

use pool_core::{
    evaluator::{EvaluateError, PuzzleKind},
    types::{Address, EpochHash},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::stratum::server::tests::harness::{EPOCH, PROOF_TARGET, Pool, state, wait_until};

/// The miner's version of the pool's arithmetic puzzle, with counters that often reach the target.
struct Folded;

impl Evaluator for Folded {
    fn prepare(&self, _: &EpochHash) {}

    fn target(&self, _: &EpochHash, _: &Address, counter: u64) -> Result<u64, EvaluateError> {
        Ok(counter & 0xffff_ffff)
    }
}

fn args(pool: std::net::SocketAddr, worker: &str) -> MinerArgs {
    MinerArgs {
        puzzle: PuzzleKind::Stock,
        pool: pool.to_string(),
        worker: worker.into(),
        password: "x".into(),
        threads: std::num::NonZeroUsize::new(2),
        rate: Some(200.0),
    }
}

/// Runs the miner on a thread of its own, as a binary would.
fn start(args: MinerArgs, stop: &CancellationToken) -> std::thread::JoinHandle<anyhow::Result<()>> {
    let token = stop.clone();
    std::thread::spawn(move || run(&args, Arc::new(Folded), token))
}

#[tokio::test]
async fn it_mines_across_an_epoch_and_nothing_it_sends_is_refused_but_for_its_time() {
    let pool = Pool::start().await;
    let stop = CancellationToken::new();
    let miner = start(args(pool.address, "alice.rig1"), &stop);
    wait_until(|| pool.stats.snapshot().accepted >= 20).await;
    pool.chain.send(state(EPOCH + 1, PROOF_TARGET, true)).unwrap();
    let before = pool.stats.snapshot().accepted;
    wait_until(|| pool.stats.snapshot().accepted >= before + 20).await;
    stop.cancel();
    miner.join().unwrap().unwrap();
    let rejected = pool.stats.snapshot().rejected;
    assert_eq!([rejected[0], rejected[2], rejected[3], rejected[4], rejected[5]], [0; 5]);
    assert!(pool.shares().iter().all(|(account, worker, ..)| account == "alice" && worker == "rig1"));
    assert_eq!(pool.stats.snapshot().garbage, 0);
}

#[tokio::test]
async fn a_refused_login_ends_it_with_the_reason() {
    let pool = Pool::start().await;
    let miner = start(args(pool.address, "not an account"), &CancellationToken::new());
    let outcome = tokio::task::spawn_blocking(|| miner.join().unwrap()).await.unwrap();
    let reason = outcome.unwrap_err().to_string();
    assert!(reason.contains("bad login") && reason.contains("code 24"), "{reason}");
}

#[tokio::test]
async fn it_connects_again_when_the_pool_breaks_the_protocol() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stop = CancellationToken::new();
    let miner = start(args(listener.local_addr().unwrap(), "alice"), &stop);
    for nonsense in ["nonsense\n", "{\"jsonrpc\":\"2.0\",\"result\":true,\"id\":1}\n"] {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(nonsense.as_bytes()).await.unwrap();
        let mut said = Vec::new();
        // It closes the connection by itself.
        let _ = stream.read_to_end(&mut said).await;
        assert!(String::from_utf8(said).unwrap().contains("mining.subscribe"));
    }
    stop.cancel();
    tokio::task::spawn_blocking(|| miner.join().unwrap()).await.unwrap().unwrap();
}

#[tokio::test]
async fn it_stops_while_there_is_no_pool() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let stop = CancellationToken::new();
    let miner = start(args(closed, "alice"), &stop);
    stop.cancel();
    tokio::task::spawn_blocking(|| miner.join().unwrap()).await.unwrap().unwrap();
}
