//! A bare stratum client: it sends any line, well-formed or not.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

/// How long to wait for a line of the pool.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Stratum {
    reader: BufReader<TcpStream>,
    writer: TcpStream,
    next_id: u64,
    pub login: String,
    pub pool_address: String,
    /// The latest job: id and epoch hash.
    pub job: Option<(String, String)>,
    /// The latest share target.
    pub target: Option<u64>,
}

/// The pool's answer to a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Accepted,
    Refused { code: i64, message: String },
}

impl Stratum {
    pub fn connect(pool: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&pool, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            reader: BufReader::new(stream.try_clone()?),
            writer: stream,
            next_id: 1,
            login: String::new(),
            pool_address: String::new(),
            job: None,
            target: None,
        })
    }

    /// Subscribes and authorizes.
    pub fn login(pool: SocketAddr, login: &str) -> Result<Self> {
        Self::login_with(pool, login, "x")
    }

    /// Subscribes and authorizes with a password.
    pub fn login_with(pool: SocketAddr, login: &str, password: &str) -> Result<Self> {
        let mut client = Self::connect(pool)?;
        let subscribed =
            client.call("mining.subscribe", json!(["pool-tests/1", "AleoStratum/3.0.0", null]))?;
        let subscribed = subscribed.map_err(|error| anyhow::anyhow!("subscribe was refused: {error}"))?;
        client.pool_address = subscribed[2].as_str().context("subscribe names no address")?.into();
        let authorized = client.call("mining.authorize", json!([login, password]))?;
        ensure!(authorized == Ok(Value::Bool(true)), "authorize was refused: {authorized:?}");
        client.login = login.into();
        Ok(client)
    }

    /// Reads until the pool has sent a target and a job.
    pub fn with_work(mut self) -> Result<Self> {
        self.writer.set_read_timeout(Some(Duration::from_secs(2)))?;
        while self.job.is_none() || self.target.is_none() {
            let line = self.read_line()?;
            self.take_notification(&line)?;
        }
        self.writer.set_read_timeout(Some(PATIENCE))?;
        Ok(self)
    }

    pub fn send_raw(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.writer.write_all(bytes)?)
    }

    /// The next line of the pool; an error once it has closed the connection or says nothing for long.
    pub fn read_line(&mut self) -> Result<Value> {
        let mut line = String::new();
        ensure!(self.reader.read_line(&mut line)? > 0, "the pool closed the connection");
        serde_json::from_str(&line).with_context(|| format!("the pool sent no JSON: {line}"))
    }

    /// One call; notifications before its answer are noted.
    pub fn call(&mut self, method: &str, params: Value) -> Result<Result<Value, Value>> {
        let id = self.send(method, params)?;
        self.answer(id)
    }

    pub fn send(&mut self, method: &str, params: Value) -> Result<u64> {
        let id = self.next_id;
        self.next_id += 1;
        let line = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        self.send_raw(format!("{line}\n").as_bytes())?;
        Ok(id)
    }

    pub fn answer(&mut self, id: u64) -> Result<Result<Value, Value>> {
        loop {
            let line = self.read_line()?;
            if self.take_notification(&line)? {
                continue;
            }
            if line["id"].as_u64() != Some(id) {
                bail!("expected the answer to {id}, got {line}");
            }
            return Ok(match line.get("error") {
                None | Some(Value::Null) => Ok(line["result"].clone()),
                Some(error) => Err(error.clone()),
            });
        }
    }

    /// Submits a counter for the latest job and waits for the verdict.
    pub fn submit(&mut self, counter: &str) -> Result<Verdict> {
        let (job, _) = self.job.clone().context("there is no job yet")?;
        self.submit_for(&job, counter)
    }

    pub fn submit_for(&mut self, job: &str, counter: &str) -> Result<Verdict> {
        let params = json!([self.login, job, counter]);
        Ok(match self.call("mining.submit", params)? {
            Ok(Value::Bool(true)) => Verdict::Accepted,
            Ok(other) => bail!("a submit was answered by {other}"),
            Err(error) => Verdict::Refused {
                code: error["code"].as_i64().context("an error has no code")?,
                message: error["message"].as_str().unwrap_or_default().into(),
            },
        })
    }

    /// Notes a notification; `false` if the line is not one.
    fn take_notification(&mut self, line: &Value) -> Result<bool> {
        match line["method"].as_str() {
            None => return Ok(false),
            Some("mining.set_target") => self.target = line["params"][0].as_u64(),
            Some("mining.notify") => {
                let text = |index: usize| line["params"][index].as_str().map(str::to_owned);
                self.job =
                    Some((text(0).context("a job has no id")?, text(1).context("a job has no epoch hash")?));
            }
            Some(_) => {}
        }
        Ok(true)
    }
}
