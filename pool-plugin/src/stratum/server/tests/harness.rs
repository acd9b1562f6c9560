//! A pool on loopback with an arithmetic puzzle, and a miner that sends lines.

use std::{
    collections::{HashMap, HashSet},
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use parking_lot::{Condvar, Mutex, RwLock};
use pool_core::{
    chain::{ChainState, Puzzle, SyncState, addresses::Addresses},
    evaluator::{EvaluateError, Evaluator},
    types::{Address, EpochHash, Found, Network},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::{
    ledger::ShareLedger,
    stratum::{
        guard::Gate,
        intake::Intake,
        server::{
            AcceptRules, Listener, PortSettings, Server, ServerParts, StratumConfig, serve, stats::Stats,
        },
        users::{UserMode, Users},
        vardiff::Settings,
        wire::{dialects::Dialect, extranonce::Extranonces},
    },
    verify::verifier::Verifier,
};

pub(crate) const SHARE_TARGET: u64 = 100;
pub(crate) const PROOF_TARGET: u64 = 1000;
pub(crate) const EPOCH: u32 = 5;
pub(crate) const JOB: &str = "00050000";
/// A counter whose evaluation panics.
pub(crate) const TRAP: u64 = 0xdead;
/// Longer than anything here takes: a test that waits this long hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A counter reaches the target in its low 32 bits; 0 there means no answer.
#[derive(Default)]
pub(crate) struct Arithmetic {
    closed: Mutex<bool>,
    opened: Condvar,
    attempts: Mutex<Vec<(EpochHash, u64)>>,
    /// What counters reach by agreement, in one epoch or in all.
    agreed: Mutex<HashMap<(Option<EpochHash>, u64), u64>>,
}

impl Arithmetic {
    /// Holds every evaluation until [`Self::open`].
    pub(crate) fn close(&self) {
        *self.closed.lock() = true;
    }

    pub(crate) fn open(&self) {
        *self.closed.lock() = false;
        self.opened.notify_all();
    }

    /// From now on this counter reaches this target.
    pub(crate) fn agree(&self, counter: u64, reached: u64) {
        self.agreed.lock().insert((None, counter), reached);
    }

    /// The same, in one epoch.
    pub(crate) fn agree_in(&self, epoch_hash: EpochHash, counter: u64, reached: u64) {
        self.agreed.lock().insert((Some(epoch_hash), counter), reached);
    }

    /// All evaluations that have begun so far.
    pub(crate) fn attempts(&self) -> Vec<(EpochHash, u64)> {
        self.attempts.lock().clone()
    }
}

impl Evaluator for Arithmetic {
    fn prepare(&self, _: &EpochHash) {}

    fn target(&self, epoch_hash: &EpochHash, _: &Address, counter: u64) -> Result<u64, EvaluateError> {
        self.attempts.lock().push((*epoch_hash, counter));
        let mut closed = self.closed.lock();
        while *closed {
            self.opened.wait(&mut closed);
        }
        drop(closed);
        let agreed = self.agreed.lock();
        let agreed_here = agreed.get(&(Some(*epoch_hash), counter)).or_else(|| agreed.get(&(None, counter)));
        match agreed_here.copied().unwrap_or(counter & 0xffff_ffff) {
            0 => Err(EvaluateError::NoAnswer),
            TRAP => panic!("a trap in the puzzle"),
            reached => Ok(reached),
        }
    }
}

/// A counter that reaches `reached`, a different one for every `number`.
pub(crate) fn counter(number: u64, reached: u64) -> u64 {
    number << 32 | reached
}

pub(crate) fn epoch_hash(epoch: u32) -> EpochHash {
    let mut bytes = [0xe0; 32];
    bytes[..4].copy_from_slice(&epoch.to_le_bytes());
    EpochHash(bytes)
}

pub(crate) fn state(epoch: u32, proof_target: u64, synced: bool) -> ChainState {
    let puzzle = Puzzle {
        height: epoch * 360,
        epoch,
        epoch_hash: epoch_hash(epoch),
        next_epoch_hash: None,
        proof_target,
        coinbase_target: proof_target * 4,
    };
    ChainState { puzzle: Some(puzzle), sync: SyncState::simple(synced) }
}

/// A running pool.
pub(crate) struct Pool {
    pub(crate) address: SocketAddr,
    pub(crate) chain: watch::Sender<ChainState>,
    pub(crate) found: mpsc::UnboundedReceiver<Found>,
    pub(crate) puzzle: Arc<Arithmetic>,
    pub(crate) ledger: ShareLedger,
    pub(crate) stats: Arc<Stats>,
    pub(crate) server: Arc<Server>,
    pub(crate) stop: CancellationToken,
    pub(crate) serving: JoinHandle<()>,
    _dir: TempDir,
}

/// A file or folder of this package, as it is now: clones of a machine share test programs.
pub(crate) fn package_file(path: &str) -> PathBuf {
    PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").unwrap()).join(path)
}

pub(crate) fn config() -> StratumConfig {
    StratumConfig::new(Addresses::new(vec![Address::default()]), Settings::fixed_at(SHARE_TARGET))
}

/// Rules without TLS, proxies, users and admin.
pub(crate) fn accept(gate: Arc<Gate>, mode: UserMode) -> AcceptRules {
    let users = Users::open("no such folder/users.json".as_ref(), mode).unwrap();
    AcceptRules { gate, tls: None, proxies: RwLock::default(), users, admin_password: None }
}

fn plain() -> AcceptRules {
    accept(Gate::settled(1000), UserMode::Open)
}

impl Pool {
    pub(crate) async fn start() -> Self {
        Self::start_with(config(), |ledger, _| ledger).await
    }

    /// A pool whose port is pinned to a dialect.
    pub(crate) async fn speaking(dialect: Dialect) -> Self {
        Self::speaking_with(dialect, config()).await
    }

    pub(crate) async fn speaking_with(dialect: Dialect, config: StratumConfig) -> Self {
        Self::start_on(PortSettings { dialect, fixed_target: None }, plain(), config, |ledger, _| ledger)
            .await
    }

    /// A pool whose port has a share target of its own.
    pub(crate) async fn fixed_at(target: u64) -> Self {
        let settings = PortSettings { fixed_target: Some(target), ..PortSettings::default() };
        Self::start_on(settings, plain(), config(), |ledger, _| ledger).await
    }

    /// A pool with its own rules and a pinned port.
    pub(crate) async fn speaking_behind(dialect: Dialect, accept: AcceptRules) -> Self {
        Self::start_on(PortSettings { dialect, fixed_target: None }, accept, config(), |ledger, _| ledger)
            .await
    }

    /// A pool with its own accept.
    pub(crate) async fn behind(accept: AcceptRules, config: StratumConfig) -> Self {
        Self::start_on(PortSettings::default(), accept, config, |ledger, _| ledger).await
    }

    /// `swap` may replace the ledger in the given folder.
    pub(crate) async fn start_with(
        config: StratumConfig,
        swap: impl FnOnce(ShareLedger, &TempDir) -> ShareLedger,
    ) -> Self {
        Self::start_on(PortSettings::default(), plain(), config, swap).await
    }

    async fn start_on(
        settings: PortSettings,
        accept: AcceptRules,
        config: StratumConfig,
        swap: impl FnOnce(ShareLedger, &TempDir) -> ShareLedger,
    ) -> Self {
        let dir = TempDir::new().unwrap();
        let ledger = swap(ShareLedger::open(dir.path(), Network::Testnet).unwrap(), &dir);
        let puzzle = Arc::new(Arithmetic::default());
        let verifier = Verifier::start(puzzle.clone(), 2).unwrap();
        let (found_sender, found) = mpsc::unbounded_channel();
        let (chain, chain_receiver) = watch::channel(state(EPOCH, PROOF_TARGET, true));
        let intake = Intake::new(ledger.clone(), verifier, found_sender, chain_receiver.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stats, stop) = (Arc::new(Stats::default()), CancellationToken::new());
        let extranonces = Extranonces::passing(0);
        let parts =
            ServerParts { accept, intake, workers: Arc::default(), stats: stats.clone(), extranonces };
        let server = Arc::new(Server::new(config, parts, stop.clone()));
        let listeners = vec![Listener { socket: listener, settings }];
        let serving = tokio::spawn(serve(server.clone(), listeners, chain_receiver));
        Self { address, chain, found, puzzle, ledger, stats, server, stop, serving, _dir: dir }
    }

    pub(crate) async fn connect(&self) -> Miner {
        Miner::connect(self.address).await
    }

    /// A miner that has logged in and has its target and job.
    pub(crate) async fn miner(&self, login: &str) -> Miner {
        let mut miner = self.connect().await;
        miner.log_in(login).await;
        assert_eq!(miner.read().await["method"], "mining.set_target");
        assert_eq!(miner.read().await["method"], "mining.notify");
        miner
    }

    /// The shares in the ledger: account, worker, counter, credited target.
    pub(crate) fn shares(&self) -> Vec<(String, String, u64, u64)> {
        let last = self.ledger.last_seq().unwrap();
        let shares = self.ledger.shares(1, last);
        shares
            .map(|entry| {
                let (_, share) = entry.unwrap();
                (share.worker.account, share.worker.name, share.key.counter, share.target)
            })
            .collect()
    }

    /// The next solution that went to the release queue.
    pub(crate) async fn next_find(&mut self) -> Found {
        timeout(PATIENCE, self.found.recv()).await.expect("no solution was released").unwrap()
    }

    /// Waits until `count` evaluations have begun.
    pub(crate) async fn wait_for_attempts(&self, count: usize) {
        wait_until(|| self.puzzle.attempts().len() >= count).await;
    }
}

/// The counters of all shares in a ledger.
pub(crate) fn stored(ledger: &ShareLedger) -> HashSet<u64> {
    let shares = ledger.shares(1, ledger.last_seq().unwrap());
    shares.map(|entry| entry.unwrap().1.key.counter).collect()
}

/// Waits until `reached` holds; hangs, and so fails, if it never does.
pub(crate) async fn wait_until(mut reached: impl FnMut() -> bool) {
    let wait = async {
        while !reached() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(PATIENCE, wait).await.expect("what the test waits for never came");
}

/// A miner, line by line.
pub(crate) struct Miner {
    lines: BufReader<Box<dyn AsyncRead + Send + Unpin>>,
    writer: Box<dyn AsyncWrite + Send + Unpin>,
}

impl Miner {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let (read_half, writer) = TcpStream::connect(address).await.unwrap().into_split();
        Self { lines: BufReader::new(Box::new(read_half)), writer: Box::new(writer) }
    }

    /// A miner over a given connection.
    pub(crate) fn over(stream: impl AsyncRead + AsyncWrite + Send + 'static) -> Self {
        let (read_half, writer) = tokio::io::split(stream);
        Self { lines: BufReader::new(Box::new(read_half)), writer: Box::new(writer) }
    }

    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        self.writer.write_all(bytes).await.unwrap();
    }

    pub(crate) async fn send_line(&mut self, line: &str) {
        self.send_bytes(format!("{line}\n").as_bytes()).await;
    }

    pub(crate) async fn send(&mut self, id: u64, method: &str, params: Value) {
        self.send_line(&json!({"id": id, "method": method, "params": params}).to_string()).await;
    }

    /// The next line, or `None` if the pool has closed the connection.
    pub(crate) async fn read_line(&mut self) -> Option<String> {
        let mut line = String::new();
        match timeout(PATIENCE, self.lines.read_line(&mut line)).await.expect("the pool says nothing") {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(line.trim_end().to_string()),
        }
    }

    /// The next length-prefixed frame, with its length; `None` if the pool has closed the connection.
    pub(crate) async fn read_frame(&mut self) -> Option<Vec<u8>> {
        let read = async {
            let mut frame = vec![0; 4];
            self.lines.read_exact(&mut frame).await.ok()?;
            let length = u32::from_le_bytes(frame[..4].try_into().unwrap()) as usize;
            frame.resize(4 + length, 0);
            self.lines.read_exact(&mut frame[4..]).await.ok()?;
            Some(frame)
        };
        timeout(PATIENCE, read).await.expect("the pool says nothing")
    }

    pub(crate) async fn read(&mut self) -> Value {
        let line = self.read_line().await.expect("the pool closed the connection");
        serde_json::from_str(&line).unwrap()
    }

    /// Sends a request and reads until its answer; earlier lines are dropped.
    pub(crate) async fn ask(&mut self, id: u64, method: &str, params: Value) -> Value {
        self.send(id, method, params).await;
        loop {
            let line = self.read().await;
            if line["id"] == id {
                return line;
            }
        }
    }

    pub(crate) async fn subscribe(&mut self) -> Value {
        self.ask(1, "mining.subscribe", json!(["test/1", "AleoStratum/3.0.0", null])).await
    }

    pub(crate) async fn log_in(&mut self, login: &str) {
        self.subscribe().await;
        let answer = self.ask(2, "mining.authorize", json!([login, "x"])).await;
        assert_eq!(answer["result"], true, "{answer}");
    }

    /// `false` if the pool has no place for this connection.
    pub(crate) async fn try_log_in(&mut self, login: &str) -> bool {
        let subscribe = r#"{"id":1,"method":"mining.subscribe","params":["t/1","AleoStratum/3.0.0",null]}"#;
        let authorize = format!(r#"{{"id":2,"method":"mining.authorize","params":["{login}","x"]}}"#);
        self.try_send_bytes(format!("{subscribe}\n{authorize}\n").as_bytes()).await;
        while let Some(line) = self.read_line().await {
            let line: Value = serde_json::from_str(&line).unwrap();
            if line["id"] == 2 {
                return line["result"] == true;
            }
        }
        false
    }

    /// Submits for the usual job: `Ok` if accepted, else the code.
    pub(crate) async fn submit(&mut self, counter: u64) -> Result<(), u64> {
        self.submit_to(JOB, json!(counter.to_string())).await
    }

    pub(crate) async fn submit_to(&mut self, job: &str, counter: Value) -> Result<(), u64> {
        outcome(&self.ask(9, "mining.submit", json!(["", job, counter])).await)
    }

    /// For a write that the pool may cut short.
    pub(crate) fn writer(&mut self) -> &mut (dyn AsyncWrite + Send + Unpin) {
        &mut self.writer
    }

    /// Writes; `false` if the pool has closed the connection.
    pub(crate) async fn try_send_bytes(&mut self, bytes: &[u8]) -> bool {
        self.writer.write_all(bytes).await.is_ok()
    }

    /// Submits without waiting for an answer; `false` if the pool has closed the connection.
    pub(crate) async fn try_submit(&mut self, id: u64, counter: u64) -> bool {
        let params = json!(["", JOB, counter.to_string()]);
        let line = format!("{}\n", json!({"id": id, "method": "mining.submit", "params": params}));
        self.try_send_bytes(line.as_bytes()).await
    }

    /// Closes the sending side; answers are still read.
    pub(crate) async fn finish(&mut self) {
        self.writer.shutdown().await.unwrap();
    }
}

/// `Ok` for an accepted share, else the code of the refusal.
pub(crate) fn outcome(answer: &Value) -> Result<(), u64> {
    if answer["result"] == true {
        return Ok(());
    }
    Err(answer["error"]["code"].as_u64().unwrap_or_else(|| panic!("no code in {answer}")))
}
