//! The whole pool, from socket to dump, on a simulated chain.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, JoinHandle, sleep},
    time::Duration,
};

use pool_plugin::{
    chain::{Chain, sim::SimChain},
    config::Config,
    evaluator::{EvaluateError, Evaluator, PuzzleKind},
    pool::{Pool, StopHandle},
    types::{Address, EpochHash},
};
use serde_json::{Value, json};

const OURS: Address = Address([7; 32]);

/// Even counters solve the puzzle; the first evaluation panics if so wished.
#[derive(Default)]
struct EvenSolves {
    panic_once: AtomicBool,
}

impl Evaluator for EvenSolves {
    fn prepare(&self, _: &EpochHash) {}

    fn target(&self, _: &EpochHash, _: &Address, counter: u64) -> Result<u64, EvaluateError> {
        assert!(!self.panic_once.swap(false, Relaxed), "a planted panic");
        Ok(if counter.is_multiple_of(2) { u64::MAX } else { 15 })
    }
}

struct Running {
    address: SocketAddr,
    stop: StopHandle,
    thread: JoinHandle<anyhow::Result<()>>,
}

fn start(sim: &Arc<SimChain>, data: &Path, evaluator: EvenSolves) -> Running {
    let config = Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        ports: vec![],
        address: OURS,
        data: data.into(),
        share_target: 10,
        puzzle: PuzzleKind::Native,
        verify_threads: 2,
        max_connections: 100,
    };
    let pool = Pool::open(config, sim.network(), Arc::new(evaluator)).unwrap();
    let (address, stop, sim) = (pool.local_addr(), pool.stop_handle(), sim.clone());
    let thread = thread::spawn(move || pool.run(async move { Some(Ok(sim as Arc<dyn Chain>)) }));
    Running { address, stop, thread }
}

impl Running {
    fn stop(self) {
        self.stop.stop();
        self.thread.join().unwrap().unwrap();
    }
}

struct Client {
    reader: BufReader<TcpStream>,
    job: String,
}

impl Client {
    fn with_work(pool: SocketAddr, login: &str) -> Self {
        let stream = TcpStream::connect(pool).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut client = Self { reader: BufReader::new(stream), job: String::new() };
        client.send(
            &json!({"id": 1, "method": "mining.subscribe", "params": ["t/1", "AleoStratum/3.0.0", null]}),
        );
        client.send(&json!({"id": 2, "method": "mining.authorize", "params": [login, "x"]}));
        while client.job.is_empty() {
            client.line();
        }
        client
    }

    fn send(&mut self, value: &Value) {
        self.reader.get_mut().write_all(format!("{value}\n").as_bytes()).unwrap();
    }

    fn line(&mut self) -> Value {
        let mut line = String::new();
        assert!(self.reader.read_line(&mut line).unwrap() > 0, "the pool closed the connection");
        let value: Value = serde_json::from_str(&line).unwrap();
        if value["method"] == "mining.notify" {
            self.job = value["params"][0].as_str().unwrap().into();
        }
        value
    }

    /// 0 if accepted, the code of the reject otherwise.
    fn submit(&mut self, counter: u64) -> i64 {
        let params = json!(["ann.rig", self.job, counter.to_string()]);
        self.send(&json!({"id": 9, "method": "mining.submit", "params": params}));
        loop {
            let value = self.line();
            if value["id"] == 9 {
                return value["error"]["code"].as_i64().unwrap_or(0);
            }
        }
    }
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..1_200 {
        if holds() {
            return;
        }
        sleep(Duration::from_millis(25));
    }
    panic!("never: {what}");
}

fn dumps(data: &Path) -> Vec<Value> {
    let Ok(files) = std::fs::read_dir(data.join("shares")) else { return vec![] };
    let paths = files.map(|file| file.unwrap().path());
    let dumps = paths.filter(|path| path.extension().is_some_and(|end| end == "json"));
    dumps.map(|path| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()).collect()
}

fn chain() -> Arc<SimChain> {
    let sim = SimChain::new();
    sim.connect_validator(1);
    sim.connect_validator(2);
    sim.set_limit(OURS, 1_000);
    sim.produce_block();
    sim
}

#[test]
fn a_counter_becomes_a_share_a_solution_a_block_and_a_dump() {
    let (sim, data) = (chain(), tempfile::tempdir().unwrap());
    let pool = start(&sim, data.path(), EvenSolves::default());
    let mut client = Client::with_work(pool.address, "ann.rig");
    assert_eq!(client.submit(1), 0, "a share");
    assert_eq!(client.submit(2), 0, "a share that is a solution");
    assert_eq!(client.submit(2), 22, "a duplicate");

    until("the solution is offered", || !sim.mempool().is_empty());
    let block = sim.produce_block();
    assert_eq!(block.solutions.len(), 1);
    until("the block is dumped", || dumps(data.path()).len() == 1);
    let dump = &dumps(data.path())[0];
    assert_eq!(dump["height"], block.height);
    assert_eq!(dump["solutions"][0]["finder"], json!({"account": "ann", "worker": "rig"}));
    assert_eq!(dump["solutions"][0]["reward"], block.solutions[0].reward.to_string());
    assert_eq!(dump["total_shares"], 2);
    assert_eq!(dump["total_credit"], "20", "two shares of the assigned target");
    assert_eq!(sim.balance(&OURS), block.solutions[0].reward);
    pool.stop();

    let pool = start(&sim, data.path(), EvenSolves::default());
    let mut client = Client::with_work(pool.address, "ann.rig");
    assert_eq!(client.submit(1), 22, "a duplicate after a restart");
    assert_eq!(client.submit(2), 22);
    assert_eq!(client.submit(3), 0);
    pool.stop();
    assert_eq!(dumps(data.path()).len(), 1, "a restart dumps nothing twice");
}

#[test]
fn a_landing_while_the_pool_was_away_is_dumped_when_it_is_back() {
    let (sim, data) = (chain(), tempfile::tempdir().unwrap());
    let pool = start(&sim, data.path(), EvenSolves::default());
    let mut client = Client::with_work(pool.address, "ann.rig");
    assert_eq!(client.submit(4), 0);
    until("the solution is offered", || !sim.mempool().is_empty());
    pool.stop();

    let landed = sim.produce_block().height;
    sim.produce_block();
    let pool = start(&sim, data.path(), EvenSolves::default());
    until("the missed block is dumped", || dumps(data.path()).len() == 1);
    assert_eq!(dumps(data.path())[0]["height"], landed);
    pool.stop();
}

#[test]
fn a_panic_in_the_puzzle_costs_one_share_and_nothing_else() {
    let (sim, data) = (chain(), tempfile::tempdir().unwrap());
    let evaluator = EvenSolves { panic_once: AtomicBool::new(true) };
    let pool = start(&sim, data.path(), evaluator);
    let mut client = Client::with_work(pool.address, "ann.rig");
    assert_eq!(client.submit(6), 20, "the evaluation panicked");
    assert_eq!(client.submit(6), 0, "the counter is free again");
    pool.stop();
}
