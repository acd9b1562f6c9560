//! One miner: a connection, a reader that follows the pool, and the miner's behaviour.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    future::{pending, ready},
    io,
    net::IpAddr,
    rc::Rc,
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    sync::{Notify, Semaphore, mpsc},
    time::{Instant, sleep, sleep_until, timeout},
};

use crate::{
    args::Args,
    behaviour::Behaviour,
    connection::{Connection, Inbox},
    puzzle,
    tally::Tally,
};

/// The pause before a miner reconnects, before jitter.
const PAUSE: Duration = Duration::from_secs(1);
/// The same for a storm.
const STORM_PAUSE: Duration = Duration::from_millis(20);
/// How long a connection may take before the next one is made.
const LOGIN: Duration = Duration::from_secs(5);
/// Submissions that a flood writes at a time.
const BATCH: usize = 32;
/// The kernel's buffer for a miner that does not read, in bytes.
const SMALL_BUFFER: u32 = 4096;

/// What all miners of a run share.
pub struct Shared {
    pub args: Args,
    pub tally: Tally,
    /// Permits for connection attempts.
    pub gate: Semaphore,
}

/// A synthetic miner.
pub struct Miner {
    pub number: usize,
    pub behaviour: Behaviour,
    /// Attempts a second.
    pub rate: f64,
    pub source: Option<IpAddr>,
    pub shared: Rc<Shared>,
}

/// What a miner works on.
#[derive(Clone)]
struct Work {
    job_id: String,
    epoch_hash: [u8; 32],
}

/// A connection's state.
struct Session<'a> {
    miner: &'a Miner,
    connection: Connection,
    work: RefCell<Option<Work>>,
    job_before: RefCell<String>,
    target: Cell<u64>,
    /// Work or target have changed.
    changed: Notify,
    next_id: Cell<u64>,
    /// When the shares without an answer were sent, and their counters, by id.
    unanswered: RefCell<HashMap<u64, (Instant, Value)>>,
    /// How long the pool asked the miner to wait.
    away: Cell<Option<Duration>>,
}

impl Miner {
    /// Connects again and again; never returns.
    pub async fn run(self) {
        self.shared.tally.count(self.behaviour, |counts| counts.miners += 1);
        loop {
            let away = self.connect().await;
            let pause = if self.behaviour == Behaviour::Storm { STORM_PAUSE } else { PAUSE };
            sleep(away.unwrap_or_else(|| pause.mul_f64(rand::random_range(0.75..1.25)))).await;
        }
    }

    /// Returns how long the pool asked the miner to wait, if it did.
    async fn connect(&self) -> Option<Duration> {
        let permit = self.shared.gate.acquire().await.ok()?;
        let buffer = (self.behaviour == Behaviour::SlowReader).then_some(SMALL_BUFFER);
        let opened = timeout(LOGIN, Connection::open(self.shared.args.pool, self.source, buffer)).await;
        let Ok(Ok(connection)) = opened else {
            self.shared.tally.count(self.behaviour, |counts| counts.unreachable += 1);
            return None;
        };
        self.shared.tally.count(self.behaviour, |counts| counts.connections += 1);
        let session = Session::new(self, connection);
        let mut mining = std::pin::pin!(session.run());
        // The next connection is made once this one has work, or has had the time to get it.
        let ended = tokio::select! {
            ended = &mut mining => Some(ended),
            () = session.logged_in(), if self.behaviour.logs_in() => None,
            () = ready(()), if !self.behaviour.logs_in() => None,
        };
        drop(permit);
        let ended = match ended {
            Some(ended) => ended,
            None => mining.await,
        };
        if session.work.borrow().is_some() {
            self.shared.tally.ended_work();
        }
        if ended.is_err() {
            self.shared.tally.count(self.behaviour, |counts| counts.closed += 1);
        }
        session.away.get()
    }
}

impl<'a> Session<'a> {
    fn new(miner: &'a Miner, connection: Connection) -> Self {
        Self {
            miner,
            connection,
            work: RefCell::default(),
            job_before: RefCell::new("00000000".into()),
            target: Cell::new(1),
            changed: Notify::new(),
            next_id: Cell::new(3),
            unanswered: RefCell::default(),
            away: Cell::new(None),
        }
    }

    /// `Ok`: the miner left. An error: the pool ended the connection.
    async fn run(&self) -> io::Result<()> {
        if self.miner.behaviour == Behaviour::SlowReader {
            return self.ask_on_and_on().await;
        }
        tokio::select! {
            ended = self.read() => ended,
            ended = self.behave() => ended,
        }
    }

    async fn logged_in(&self) {
        let _ = timeout(LOGIN, async {
            while self.work.borrow().is_none() {
                sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }

    async fn behave(&self) -> io::Result<()> {
        match self.miner.behaviour {
            Behaviour::Honest | Behaviour::Duplicates | Behaviour::Stale => self.mine().await,
            Behaviour::Bogus => self.flood().await,
            Behaviour::Garbage => self.babble(b"\xff\xfe{[\"no request\n").await,
            Behaviour::EndlessLine => self.babble(&[b'a'; 512]).await,
            Behaviour::SlowReader | Behaviour::Silent => pending().await,
            Behaviour::Storm => self.come_and_go().await,
        }
    }

    async fn log_in(&self) -> io::Result<()> {
        let subscribe = match self.miner.shared.args.generic {
            true => json!(["simulate/1"]),
            false => json!(["simulate/1", "AleoStratum/3.0.0", null]),
        };
        let login = json!([self.miner.shared.args.login(self.miner.number), "x"]);
        let lines = request(1, "mining.subscribe", &subscribe) + &request(2, "mining.authorize", &login);
        self.connection.write(lines.as_bytes()).await
    }

    async fn read(&self) -> io::Result<()> {
        let mut inbox = Inbox::default();
        loop {
            let arrival = self.connection.read(&mut inbox).await?;
            for line in inbox.lines() {
                // A line that is not JSON is the pool's mistake; the miner continues without it.
                let Ok(message) = serde_json::from_str::<Value>(&line) else { continue };
                self.follow(&message, arrival);
            }
        }
    }

    fn follow(&self, message: &Value, arrival: u64) {
        let params = message.get("params").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        match message.get("method").and_then(Value::as_str) {
            Some("mining.set_target" | "mining.set_difficulty") => {
                if let Some(target) = params.first().and_then(Value::as_u64) {
                    self.target.set(target);
                    self.changed.notify_one();
                }
            }
            Some("mining.notify") => self.take_job(params, arrival),
            Some("client.reconnect") => {
                let seconds = params.get(2).and_then(Value::as_u64);
                seconds.inspect(|seconds| self.miner.shared.tally.asked_to_wait(*seconds));
                self.away.set(seconds.map(Duration::from_secs));
            }
            Some(_) => {}
            None => self.take_answer(message),
        }
    }

    fn take_job(&self, params: &[Value], arrival: u64) {
        let text = |index: usize| params.get(index).and_then(Value::as_str).unwrap_or_default();
        let mut epoch_hash = [0; 32];
        if hex::decode_to_slice(text(1), &mut epoch_hash).is_err() {
            return;
        }
        let tally = &self.miner.shared.tally;
        match self.work.replace(Some(Work { job_id: text(0).to_string(), epoch_hash })) {
            Some(before) => {
                if before.epoch_hash != epoch_hash {
                    tally.job_arrived(self.miner.number, arrival);
                }
                *self.job_before.borrow_mut() = before.job_id;
            }
            None => tally.started_work(),
        }
        self.changed.notify_one();
    }

    fn take_answer(&self, answer: &Value) {
        let id = answer.get("id").and_then(Value::as_u64);
        let written = id.and_then(|id| self.unanswered.borrow_mut().remove(&id));
        let code = answer.pointer("/error/code").or_else(|| answer.pointer("/error/0"));
        if let (None, Some((_, counter))) = (code, &written) {
            self.miner.shared.tally.acknowledged(counter);
        }
        self.miner.shared.tally.count(self.miner.behaviour, |counts| {
            if let Some(code) = code.and_then(Value::as_i64) {
                *counts.refused.entry(code).or_default() += 1;
            } else if written.is_some() {
                counts.accepted += 1;
            }
            if let Some((written, _)) = written.filter(|_| self.miner.behaviour == Behaviour::Honest) {
                counts.acks.push(written.elapsed());
            }
        });
    }

    /// Finds shares at the miner's rate; sends them according to its behaviour.
    async fn mine(&self) -> io::Result<()> {
        self.log_in().await?;
        let (post, mail) = mpsc::unbounded_channel();
        tokio::select! {
            () = self.find(post) => Ok(()),
            ended = self.deliver(mail) => ended,
        }
    }

    async fn find(&self, post: mpsc::UnboundedSender<(Instant, Work, Value)>) {
        loop {
            let work = self.work.borrow().clone();
            let (Some(work), true) = (work, self.miner.rate > 0.0) else {
                self.changed.notified().await;
                continue;
            };
            // The time to the next share has no memory, so after a new target it may be drawn again.
            let luck = -(1.0 - rand::random::<f64>()).ln();
            let seconds = (luck * self.target.get() as f64 / self.miner.rate).min(1e9);
            tokio::select! {
                () = sleep(Duration::from_secs_f64(seconds)) => {}
                () = self.changed.notified() => continue,
            }
            let counter = puzzle::counter_for(&work.epoch_hash, self.target.get(), &mut rand::rng());
            let at = Instant::now() + self.miner.shared.args.latency();
            for spelling in self.spell(counter) {
                let _ = post.send((at, work.clone(), spelling));
            }
        }
    }

    fn spell(&self, counter: u64) -> Vec<Value> {
        let decimal = json!(counter.to_string());
        if self.miner.behaviour != Behaviour::Duplicates {
            return vec![decimal];
        }
        let hexadecimal = json!(format!("{counter:#x}"));
        vec![
            decimal,
            json!(counter),
            hexadecimal,
            json!(format!("0x{counter:016X}")),
            json!(counter.to_string()),
        ]
    }

    async fn deliver(&self, mut mail: mpsc::UnboundedReceiver<(Instant, Work, Value)>) -> io::Result<()> {
        while let Some((at, work, counter)) = mail.recv().await {
            sleep_until(at).await;
            let job = if self.miner.behaviour == Behaviour::Stale {
                self.job_before.borrow().clone()
            } else {
                work.job_id
            };
            let line = self.submission(&job, counter);
            self.connection.write(line.as_bytes()).await?;
        }
        pending().await
    }

    fn submission(&self, job: &str, counter: Value) -> String {
        let id = self.next_id.replace(self.next_id.get() + 1);
        self.unanswered.borrow_mut().insert(id, (Instant::now(), counter.clone()));
        self.miner.shared.tally.count(self.miner.behaviour, |counts| counts.sent += 1);
        request(id, "mining.submit", &json!(["rig", job, counter]))
    }

    async fn flood(&self) -> io::Result<()> {
        self.log_in().await?;
        loop {
            let Some(work) = self.work.borrow().clone() else {
                self.changed.notified().await;
                continue;
            };
            let counters = (0..BATCH).map(|_| json!(rand::random::<u64>().to_string()));
            let lines: String = counters.map(|counter| self.submission(&work.job_id, counter)).collect();
            self.connection.write(lines.as_bytes()).await?;
            // Yields to the other miners of this thread when the pool accepts everything at once.
            tokio::task::yield_now().await;
        }
    }

    async fn babble(&self, bytes: &[u8]) -> io::Result<()> {
        loop {
            self.connection.write(bytes).await?;
            sleep(Duration::from_millis(10)).await;
        }
    }

    async fn ask_on_and_on(&self) -> io::Result<()> {
        self.log_in().await?;
        let questions = request(3, "mining.nonsense", &json!([])).repeat(BATCH);
        loop {
            self.connection.write(questions.as_bytes()).await?;
            tokio::task::yield_now().await;
        }
    }

    async fn come_and_go(&self) -> io::Result<()> {
        self.log_in().await?;
        self.logged_in().await;
        Ok(())
    }
}

fn request(id: u64, method: &str, params: &Value) -> String {
    format!("{}\n", json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))
}
