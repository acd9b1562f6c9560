//! A whole pool on a simulated chain, and a miner's side of the connection.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(dead_code, reason = "the tests of the API use some of it")]

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, JoinHandle, sleep},
    time::Duration,
};

use pool_core::{
    accounting::terms::Rules,
    chain::{Chain, following::Patience, sim::SimChain},
    evaluator::{EvaluateError, Evaluator, PuzzleKind},
    health::Health,
    types::{Address, EpochHash},
};
use pool_plugin::{
    books::backup::BackupHandle,
    operate::{
        admin::AdminHandle,
        config::{AcceptConfig, ApiConfig, Config, SinksConfig},
        pool::{Pool, StopHandle},
        view::View,
    },
    release::policy::Policy,
};
use serde_json::{Value, json};
use tokio::sync::watch;

pub(crate) const OURS: Address = Address([7; 32]);

/// Even counters solve the puzzle; the first evaluation optionally panics.
#[derive(Default)]
pub(crate) struct EvenSolves {
    pub(crate) panic_once: AtomicBool,
    /// No counter above a million is a solution for any other address.
    pub(crate) high_solve_for: Option<Address>,
}

impl Evaluator for EvenSolves {
    fn prepare(&self, _: &EpochHash) {}

    fn target(&self, _: &EpochHash, address: &Address, counter: u64) -> Result<u64, EvaluateError> {
        if counter > 1_000_000 && self.high_solve_for.is_some_and(|only| only != *address) {
            return Ok(1);
        }
        assert!(!self.panic_once.swap(false, Relaxed), "a planted panic");
        Ok(if counter.is_multiple_of(2) { u64::MAX } else { 15 })
    }
}

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) health: watch::Receiver<Health>,
    pub(crate) backup: BackupHandle,
    pub(crate) view: View,
    /// The directives that an admin has set.
    pub(crate) admin: AdminHandle,
    pub(crate) logger: Arc<Mutex<Vec<String>>>,
    stop: StopHandle,
    thread: JoinHandle<anyhow::Result<()>>,
}

pub(crate) fn start(sim: &Arc<SimChain>, data: &Path, evaluator: EvenSolves) -> Running {
    start_with(sim, config(data), evaluator)
}

/// A pool whose shares all have the target 10.
pub(crate) fn config(data: &Path) -> Config {
    Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        ports: vec![],
        addresses: vec![OURS],
        data: data.into(),
        share_target: 10,
        share_interval: Duration::from_secs(10),
        min_share_target: 1,
        fixed_share_target: Some(10),
        rules: Rules::default(),
        patience: Patience::default(),
        keep_shares: Duration::from_secs(30 * 24 * 60 * 60),
        node: 0,
        puzzle: PuzzleKind::Native,
        release: Policy::default(),
        verify_threads: 2,
        capture: None,
        max_connections: 1000,
        accept: AcceptConfig::default(),
        sinks: SinksConfig::default(),
        webhooks: vec![],
        api: ApiConfig::default(),
    }
}

pub(crate) fn start_with(sim: &Arc<SimChain>, config: Config, evaluator: EvenSolves) -> Running {
    let logger = Arc::new(Mutex::new(Vec::new()));
    let log = logger.clone();
    let tell = move |directive: &str| {
        log.lock().unwrap().push(directive.to_owned());
        Ok(())
    };
    let pool = Pool::open(config, sim.network(), Arc::new(evaluator)).unwrap().with_logger(Arc::new(tell));
    let (address, stop, sim) = (pool.local_addr(), pool.stop_handle(), sim.clone());
    let (health, backup, view) = (pool.health(), pool.backup_handle(), pool.view());
    let admin = pool.admin_handle();
    let thread = thread::spawn(move || pool.run(async move { Some(Ok(sim as Arc<dyn Chain>)) }));
    Running { address, health, backup, view, admin, logger, stop, thread }
}

impl Running {
    pub(crate) fn stop(self) {
        self.stop.stop();
        self.thread.join().unwrap().unwrap();
    }
}

pub(crate) struct Client {
    reader: BufReader<TcpStream>,
    pub(crate) job: String,
    /// That of the job.
    pub(crate) address: String,
    /// The share target.
    pub(crate) target: u64,
    /// Session id, counter prefix, address.
    pub(crate) session: Value,
}

impl Client {
    pub(crate) fn connect(pool: SocketAddr) -> Self {
        let stream = TcpStream::connect(pool).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let (job, address) = (String::new(), String::new());
        Self { reader: BufReader::new(stream), job, address, target: 0, session: Value::Null }
    }

    pub(crate) fn with_work(pool: SocketAddr, login: &str) -> Self {
        Self::resuming(pool, login, Value::Null)
    }

    /// Resumes a session, if there is one.
    pub(crate) fn resuming(pool: SocketAddr, login: &str, session: Value) -> Self {
        let mut client = Self::connect(pool);
        assert!(client.try_to_work(login, &session), "no work from the pool");
        client
    }

    /// Logs in and waits for a job. `false`: the pool refuses this connection.
    pub(crate) fn try_to_work(&mut self, login: &str, session: &Value) -> bool {
        self.try_password(login, "x", session)
    }

    pub(crate) fn try_password(&mut self, login: &str, password: &str, session: &Value) -> bool {
        let subscribe =
            json!({"id": 1, "method": "mining.subscribe", "params": ["t/1", "AleoStratum/3.0.0", session]});
        let authorize = json!({"id": 2, "method": "mining.authorize", "params": [login, password]});
        let lines = format!("{subscribe}\n{authorize}\n");
        if self.reader.get_mut().write_all(lines.as_bytes()).is_err() {
            return false;
        }
        while self.job.is_empty() {
            match self.try_line() {
                Some(line) if line["error"].is_null() => {}
                answer => {
                    eprintln!("no work for {login}: {answer:?}");
                    return false;
                }
            }
        }
        true
    }

    fn send(&mut self, value: &Value) {
        self.reader.get_mut().write_all(format!("{value}\n").as_bytes()).unwrap();
    }

    fn line(&mut self) -> Value {
        self.try_line().expect("no line from the pool")
    }

    fn try_line(&mut self) -> Option<Value> {
        let mut line = String::new();
        // Silence until the socket's timeout is a different failure than a closed connection.
        match self.reader.read_line(&mut line) {
            Ok(0) => return None,
            Ok(_) => {}
            Err(error) => {
                eprintln!("reading from the pool: {error}");
                return None;
            }
        }
        let value: Value = serde_json::from_str(&line).unwrap();
        if value["method"] == "mining.notify" {
            self.job = value["params"][0].as_str().unwrap().into();
            self.address = value["params"][2].as_str().unwrap().into();
        }
        if value["method"] == "mining.set_target" {
            self.target = value["params"][0].as_u64().unwrap();
        }
        if value["result"].is_array() {
            self.session = value["result"].clone();
        }
        Some(value)
    }

    pub(crate) fn first_line(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        line
    }

    /// Reads until the pool closes the connection.
    pub(crate) fn is_closed(&mut self) -> bool {
        let mut line = String::new();
        while self.reader.read_line(&mut line).is_ok_and(|count| count > 0) {}
        self.reader.read_line(&mut line).is_ok_and(|count| count == 0)
    }

    /// Reads until the pool sets a target.
    pub(crate) fn next_target(&mut self) -> u64 {
        loop {
            let value = self.line();
            if value["method"] == "mining.set_target" {
                return value["params"][0].as_u64().unwrap();
            }
        }
    }

    /// Reads until the pool sends a job.
    pub(crate) fn next_job(&mut self) {
        while self.line()["method"] != "mining.notify" {}
    }

    /// 0 if accepted, the code of the reject otherwise.
    pub(crate) fn submit(&mut self, counter: u64) -> i64 {
        let job = self.job.clone();
        self.submit_for(&job, counter)
    }

    /// A share of a certain job.
    pub(crate) fn submit_for(&mut self, job: &str, counter: u64) -> i64 {
        let params = json!(["ann.rig", job, counter.to_string()]);
        self.send(&json!({"id": 9, "method": "mining.submit", "params": params}));
        loop {
            let value = self.line();
            if value["id"] == 9 {
                return value["error"]["code"].as_i64().unwrap_or(0);
            }
        }
    }
}

pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..1_200 {
        if holds() {
            return;
        }
        sleep(Duration::from_millis(25));
    }
    panic!("never: {what}");
}

pub(crate) fn dumps(data: &Path) -> Vec<Value> {
    let Ok(files) = std::fs::read_dir(data.join("shares")) else { return vec![] };
    let paths = files.map(|file| file.unwrap().path());
    let dumps = paths.filter(|path| path.extension().is_some_and(|end| end == "json"));
    dumps.map(|path| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()).collect()
}

pub(crate) fn chain() -> Arc<SimChain> {
    let sim = SimChain::new();
    sim.connect_validator(1);
    sim.connect_validator(2);
    sim.set_limit(OURS, 1_000);
    sim.produce_block();
    sim
}
