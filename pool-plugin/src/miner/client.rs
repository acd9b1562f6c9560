//! The connection: keeps one up, sends shares, and gives the threads the pool's work.

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use pool_core::reject::RejectCode;
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc::UnboundedReceiver,
    time::{Instant, Interval, MissedTickBehavior, interval, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    args::MinerArgs,
    protocol::{PoolEvent, Protocol},
    report::{Report, say},
    work::{Board, Share},
};
use crate::stratum::wire::dialects::shared::job_id;

const REPORT_EVERY: Duration = Duration::from_secs(5);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const KEEPALIVE: Duration = Duration::from_secs(60);
/// How long the miner waits for answers to its last shares when it stops.
const FAREWELL: Duration = Duration::from_secs(2);
/// The first and the longest pause between attempts to connect, before jitter.
const BACKOFF: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(30);
/// The longest line of a pool.
const MAX_LINE: u64 = 16 * 1024;

pub(super) struct Client {
    pool: String,
    login: String,
    password: String,
    /// The last connection's session, which the next one resumes.
    session: Option<String>,
    board: Arc<Board>,
    shares: UnboundedReceiver<Share>,
    report: Report,
    reported: (u64, Instant),
    /// Sent over a connection that was lost before the answer came.
    unanswered: Vec<Share>,
    /// Those that were sent again: if refused as duplicates, they had arrived.
    resent: Vec<Share>,
    backoff: Duration,
}

/// Why a connection ended.
enum End {
    Stopped,
    Lost(anyhow::Error),
    /// A retry would not help.
    Refused(anyhow::Error),
}

impl Client {
    pub(super) fn new(args: &MinerArgs, board: Arc<Board>, shares: UnboundedReceiver<Share>) -> Self {
        Self {
            pool: args.pool.clone(),
            login: args.worker.clone(),
            password: args.password.clone(),
            session: None,
            board,
            shares,
            report: Report::default(),
            reported: (0, Instant::now()),
            unanswered: Vec::new(),
            resent: Vec::new(),
            backoff: *BACKOFF.start(),
        }
    }

    /// Connects until stopped or refused.
    pub(super) async fn run(mut self, stop: &CancellationToken) -> anyhow::Result<Report> {
        let mut ticks = interval(REPORT_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        loop {
            let end = self.connect_and_mine(&mut ticks, stop).await;
            self.board.set(None);
            self.report.work = None;
            let reason = match end {
                End::Stopped => break,
                End::Refused(reason) => return Err(reason),
                End::Lost(reason) => reason,
            };
            let pause = self.backoff.mul_f64(rand::random_range(0.75..1.25));
            say(&format!("{reason:#}; retrying in {:.1} s", pause.as_secs_f64()));
            self.backoff = (self.backoff * 2).min(*BACKOFF.end());
            tokio::select! {
                () = stop.cancelled() => break,
                () = sleep(pause) => {}
            }
        }
        self.report.attempts = self.board.attempts();
        Ok(self.report)
    }

    async fn connect_and_mine(&mut self, ticks: &mut Interval, stop: &CancellationToken) -> End {
        let stream = tokio::select! {
            () = stop.cancelled() => return End::Stopped,
            connected = connect(&self.pool) => match connected {
                Ok(stream) => stream,
                Err(reason) => return End::Lost(reason),
            },
        };
        say(&format!("connected to {}", self.pool));
        let mut protocol = Protocol::new(&self.login, &self.password, self.session.take());
        let end = self.talk(stream, &mut protocol, ticks, stop).await;
        self.session = protocol.session();
        self.unanswered.extend(protocol.unanswered());
        end
    }

    async fn talk(
        &mut self,
        stream: TcpStream,
        protocol: &mut Protocol,
        ticks: &mut Interval,
        stop: &CancellationToken,
    ) -> End {
        let (read_half, mut writer) = stream.into_split();
        let mut lines = LineReader::new(read_half);
        if let Err(reason) = send(&mut writer, &protocol.subscribe()).await {
            return End::Lost(reason);
        }
        loop {
            let step = tokio::select! {
                () = stop.cancelled() => {
                    self.board.set(None);
                    self.farewell(protocol, &mut lines, &mut writer).await;
                    return End::Stopped;
                }
                _ = ticks.tick() => {
                    self.say_rate();
                    Ok(())
                }
                Some(share) = self.shares.recv() => self.submit(share, protocol, &mut writer).await,
                line = lines.next() => match line {
                    Ok(line) => match self.receive(&line, protocol, &mut writer).await {
                        Ok(Some(refused)) => return End::Refused(refused),
                        Ok(None) => Ok(()),
                        Err(reason) => Err(reason),
                    },
                    Err(reason) => Err(reason),
                },
            };
            if let Err(reason) = step {
                return End::Lost(reason);
            }
        }
    }

    /// Acts on a line of the pool. `Some`: the pool refuses this miner.
    async fn receive(
        &mut self,
        line: &str,
        protocol: &mut Protocol,
        writer: &mut OwnedWriteHalf,
    ) -> anyhow::Result<Option<anyhow::Error>> {
        match protocol.receive(line).context("the pool broke the protocol")? {
            PoolEvent::Subscribed => send(writer, &protocol.authorize()).await?,
            PoolEvent::Authorized => {
                self.backoff = *BACKOFF.start();
                say(&format!("logged in as {}", self.login));
            }
            PoolEvent::Refused { code, message } => {
                return Ok(Some(anyhow::anyhow!("the pool refused this miner: {message} (code {code})")));
            }
            PoolEvent::Target => {}
            PoolEvent::Work(work) => {
                let job = job_id(work.epoch, work.serial);
                if self.report.work.as_ref().is_none_or(|(_, before)| *before != job) {
                    say(&format!("job {job}, epoch {}, share target {}", work.epoch, work.target));
                }
                self.report.work = Some((work.target, job));
                self.board.set(Some(work));
                for share in std::mem::take(&mut self.unanswered) {
                    self.resent.push(share);
                    self.submit(share, protocol, writer).await?;
                }
            }
            PoolEvent::Accepted(share) => {
                self.resent.retain(|other| *other != share);
                self.report.accepted += 1;
            }
            PoolEvent::Rejected { share, code, message } => {
                let resent = self.resent.contains(&share);
                self.resent.retain(|other| *other != share);
                if resent && code == i64::from(RejectCode::Duplicate.number()) {
                    self.report.accepted += 1;
                } else {
                    say(&format!("share {} refused: {message} (code {code})", share.counter));
                    *self.report.rejected.entry(code).or_default() += 1;
                }
            }
        }
        Ok(None)
    }

    /// Sends a share, unless its epoch ended while there was no connection.
    async fn submit(
        &mut self,
        share: Share,
        protocol: &mut Protocol,
        writer: &mut OwnedWriteHalf,
    ) -> anyhow::Result<()> {
        match protocol.epoch() {
            Some(epoch) if epoch <= share.epoch => send(writer, &protocol.submit(share)).await,
            // Found just as a new job came: let the pool judge it, it may still be a solution there.
            Some(_) if !self.resent.contains(&share) => send(writer, &protocol.submit(share)).await,
            Some(_) => {
                self.resent.retain(|other| *other != share);
                self.report.lost += 1;
                Ok(())
            }
            None => {
                self.unanswered.push(share);
                Ok(())
            }
        }
    }

    /// Sends the last shares and waits a moment for their answers.
    async fn farewell(
        &mut self,
        protocol: &mut Protocol,
        lines: &mut LineReader,
        writer: &mut OwnedWriteHalf,
    ) {
        while let Ok(share) = self.shares.try_recv() {
            if self.submit(share, protocol, writer).await.is_err() {
                return;
            }
        }
        let until = Instant::now() + FAREWELL;
        while !protocol.unanswered().is_empty() {
            let Ok(Ok(line)) = tokio::time::timeout_at(until, lines.next()).await else { return };
            match protocol.receive(&line) {
                Ok(PoolEvent::Accepted(_)) => self.report.accepted += 1,
                Ok(PoolEvent::Rejected { code, .. }) => *self.report.rejected.entry(code).or_default() += 1,
                Ok(_) => {}
                Err(_) => return,
            }
        }
    }

    fn say_rate(&mut self) {
        let (attempts, now) = (self.board.attempts(), Instant::now());
        let (before, since) = self.reported;
        say(&self.report.line(attempts - before, now - since));
        self.reported = (attempts, now);
    }
}

async fn connect(pool: &str) -> anyhow::Result<TcpStream> {
    let stream = timeout(CONNECT_TIMEOUT, TcpStream::connect(pool))
        .await
        .with_context(|| format!("{pool} does not answer"))?
        .with_context(|| format!("no connection to {pool}"))?;
    stream.set_nodelay(true).context("could not set a socket option")?;
    SockRef::from(&stream)
        .set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE))
        .context("could not set a socket option")?;
    Ok(stream)
}

async fn send(writer: &mut OwnedWriteHalf, line: &str) -> anyhow::Result<()> {
    writer.write_all(line.as_bytes()).await.context("the connection was lost")
}

/// Reads lines; a partial line survives a cancelled read.
struct LineReader {
    reader: BufReader<OwnedReadHalf>,
    begun: Vec<u8>,
}

impl LineReader {
    fn new(half: OwnedReadHalf) -> Self {
        Self { reader: BufReader::new(half), begun: Vec::new() }
    }

    async fn next(&mut self) -> anyhow::Result<String> {
        let room = MAX_LINE.saturating_sub(self.begun.len() as u64);
        (&mut self.reader)
            .take(room)
            .read_until(b'\n', &mut self.begun)
            .await
            .context("the connection was lost")?;
        if self.begun.last() == Some(&b'\n') {
            return String::from_utf8(std::mem::take(&mut self.begun))
                .context("the pool broke the protocol: a line is not UTF-8");
        }
        if self.begun.len() as u64 >= MAX_LINE {
            bail!("the pool broke the protocol: a line is too long");
        }
        bail!("the pool closed the connection")
    }
}
