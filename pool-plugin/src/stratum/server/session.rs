//! One connection: reads requests, answers them, and sends jobs to the miner.
//!
//! - `handshake`: until work begins.
//! - `submission`: a submitted share.
//! - `ending`: how it ends.
//! - `admin`: the port's own admin.

mod admin;
mod ending;
mod handshake;
mod submission;

use std::{net::SocketAddr, ops::ControlFlow, pin::pin, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until},
};
use tokio_stream::StreamExt;
use tracing::debug;

pub(super) use self::ending::linger;
use pool_core::{
    reject::Reject,
    types::{Worker, unix_seconds},
};

use self::submission::Accepted;
use super::{
    broadcaster::JobChannels,
    capture::{Spoken, Tap, Tapped},
    config::PortSettings,
    job_channel::{self, JobChannel},
    jobs::JobBook,
    outbox::Outbox,
    session_counts::{Counted, SessionState},
    shared::Server,
    stats::OpenConnection,
};
use crate::stratum::{
    guard::{Order, PeerState, UnauthenticatedSession},
    vardiff::{Aim, Settings, Vardiff},
    wire::{
        codec::{self, FrameError, Frames},
        counter::CounterReader,
        dialects::{Dialect, generic},
        extranonce::Extranonce,
        message::{Call, Id, Message, Reply, Request},
    },
    workers::Presence,
};

/// How often a miner's target is checked while it finds no share: twice in the time it should find one in,
/// within these bounds.
const LOOKS: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(5));

/// A connection that has a place.
pub(super) struct Incoming {
    pub(super) settings: PortSettings,
    pub(super) peer: SocketAddr,
    pub(super) job_channels: Arc<JobChannels>,
    pub(super) slot: OwnedSemaphorePermit,
    pub(super) unauthenticated: UnauthenticatedSession,
}

/// The state of a connection.
pub(super) struct Session {
    server: Arc<Server>,
    peer: SocketAddr,
    /// For the log: the id that the miner has is secret.
    id: String,
    /// Shared with the submissions, which keep it until they are settled.
    peer_state: Arc<PeerState>,
    dialect: Dialect,
    /// The capture of this connection, if there is one.
    tap: Option<Arc<Tap>>,
    out: Outbox,
    in_flight: Arc<Semaphore>,
    /// The place among the port's connections; a session's submissions hold it until they are settled.
    slot: Arc<(OwnedSemaphorePermit, OpenConnection)>,
    /// Until a login succeeds, another connection may take the place.
    unauthenticated: UnauthenticatedSession,
    subscribed: bool,
    /// All logins, the last one last.
    logins: Vec<Worker>,
    /// Keeps them counted as connected.
    present: Vec<Presence>,
    counted: Counted,
    /// Its jobs and its target; shared with the pusher.
    job_channel: Arc<JobChannel>,
    /// The listener's own share target.
    fixed_target: Option<u64>,
    /// Where submissions report accepted shares.
    accepted: mpsc::UnboundedSender<Accepted>,
    /// The session's id and counters, once it has subscribed.
    extranonce: Option<Extranonce>,
    counters: CounterReader,
    /// The miner has asked for its counter prefix, and has not got it yet.
    wants_prefix: bool,
    garbage: u32,
    wrong_passwords: u32,
    is_admin: bool,
    deadline: Instant,
}

type Flow = ControlFlow<()>;

impl Session {
    /// Lives as long as the connection.
    pub(super) async fn run<S>(
        server: Arc<Server>,
        guest: Incoming,
        stream: S,
        (peer_state, orders): (PeerState, mpsc::Receiver<Order>),
    ) where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let Incoming { settings, peer, job_channels, slot, unauthenticated } = guest;
        let dialect = settings.dialect;
        let (read_half, write_half) = tokio::io::split(stream);
        let out = Outbox::new(write_half, server.config.write_timeout);
        let in_flight = Arc::new(Semaphore::new(server.config.in_flight.max(1)));
        let all_settled = server.config.in_flight.max(1) as u32;
        let (accepted, shares) = mpsc::unbounded_channel();
        let id = format!("{:016x}", rand::random::<u64>());
        let assignment = server.config.addresses.assignment();
        let tap = server.recorder.as_ref().and_then(|to| to.tap(dialect, peer, &id, &assignment.address()));
        let jobs = JobBook::new(Vardiff::new(with_fixed(server.targets(), settings.fixed_target), None));
        let mut session = Self {
            job_channel: Arc::new(JobChannel::new(out.clone(), tap.clone(), jobs, assignment)),
            id,
            tap: tap.clone(),
            peer_state: Arc::new(peer_state),
            in_flight: Arc::clone(&in_flight),
            slot: Arc::new((slot, server.stats.connection())),
            unauthenticated,
            subscribed: false,
            logins: Vec::new(),
            present: Vec::new(),
            counted: server.stats.session_counts.enter(dialect),
            fixed_target: settings.fixed_target,
            accepted,
            extranonce: None,
            counters: CounterReader::default(),
            wants_prefix: false,
            garbage: 0,
            wrong_passwords: 0,
            is_admin: false,
            deadline: Instant::now() + server.config.handshake_timeout,
            dialect,
            server,
            peer,
            out: out.clone(),
        };
        debug!(%peer, session = session.id, "a miner connected");
        let mut frames = codec::frames(Tapped::new(read_half, tap), dialect.framing());
        session.server.sessions.open(&session.id, peer, &session.peer_state);
        let listed = job_channels.list(session.peer_state.number(), Arc::clone(&session.job_channel));
        session.talk(&mut frames, shares, orders).await;
        drop(listed);
        session.keep_target();
        session.server.sessions.close(&session.peer_state);
        debug!(%peer, session = session.id, "a miner left");
        drop(session);
        // A submission in flight holds a permit until its answer is on its way: what was read is answered.
        tokio::select! {
            _ = in_flight.acquire_many(all_settled) => out.finish().await,
            () = out.broken() => {}
        }
        linger(frames.into_inner().into_inner()).await;
    }

    async fn talk<R: AsyncRead + Unpin>(
        &mut self,
        frames: &mut Frames<R>,
        mut shares: mpsc::UnboundedReceiver<Accepted>,
        mut orders: mpsc::Receiver<Order>,
    ) {
        let server = Arc::clone(&self.server);
        let out = self.out.clone();
        let job_channel = Arc::clone(&self.job_channel);
        let mut turn = None;
        let mut looks = looks(server.targets().interval);
        // Made once, since starting to wait takes a lock that all sessions share.
        let (mut stopped, mut broken) = (pin!(server.stop().cancelled()), pin!(out.broken()));
        loop {
            let flow = tokio::select! {
                // Work first: it depends on nothing else.
                biased;
                wake = job_channel.woken() => self.on_wake(wake).await,
                () = &mut stopped => self.leave().await,
                () = &mut broken => Flow::Break(()),
                Some(order) = orders.recv() => self.on_order(order).await,
                () = sleep_until(self.deadline), if self.is_stranger() => self.time_out().await,
                () = self.unauthenticated.asked_to_go(), if self.is_stranger() => self.close(Reject::PoolFull).await,
                _ = looks.tick(), if !self.logins.is_empty() => self.look(),
                () = replaced(self.extranonce.as_ref()) => {
                    debug!(peer = %self.peer, session = self.id, "another connection resumed this session");
                    Flow::Break(())
                }
                Some(share) = shares.recv() => self.share(&share),
                // The next frame is read only when there is room to verify what it may submit.
                permit = Arc::clone(&self.in_flight).acquire_owned(), if turn.is_none() => {
                    turn = permit.ok();
                    Flow::Continue(())
                }
                frame = frames.next(), if turn.is_some() => match frame {
                    Some(Ok(frame)) => self.read(&frame, &mut turn).await,
                    Some(Err(FrameError::TooLong)) => self.line_too_long().await,
                    Some(Err(FrameError::Io(reason))) => {
                        debug!(peer = %self.peer, session = self.id, %reason, "a connection failed");
                        Flow::Break(())
                    }
                    None => Flow::Break(()),
                },
            };
            if flow.is_break() {
                return;
            }
        }
    }

    async fn read(&mut self, frame: &[u8], turn: &mut Option<OwnedSemaphorePermit>) -> Flow {
        let request = match self.dialect.decode(frame) {
            Ok(Some(request)) => request,
            Ok(None) => return Flow::Continue(()),
            Err(garbage) => return self.garbage(garbage.id, garbage.reject).await,
        };
        self.garbage = 0;
        let dialect = self.dialect.after(&request.call);
        if dialect != self.dialect && !self.logins.is_empty() {
            self.job_channel.speak(dialect);
        }
        self.dialect = dialect;
        let flow = self.answer(request, turn).await;
        self.counted.is(self.dialect, self.state());
        flow
    }

    async fn answer(&mut self, request: Request, turn: &mut Option<OwnedSemaphorePermit>) -> Flow {
        let id = request.id;
        match request.call {
            Call::Subscribe(Ok(subscribe)) => self.subscribe(id, &subscribe).await,
            Call::Authorize(Ok(authorize)) => self.authorize(id, &authorize).await,
            Call::Submit(submit) => self.submit(id, submit, turn).await,
            Call::Ping => self.reply(id, Reply::Done).await,
            Call::ExtranonceSubscribe => self.subscribe_to_prefix(id).await,
            Call::Connect(connect) => self.connect(id, &connect).await,
            Call::Speed(Ok(speed)) => self.speed(id, speed).await,
            Call::Leave => Flow::Break(()),
            Call::Suggest(Ok(suggest)) => self.suggest(id, suggest).await,
            Call::Configure(Ok(asked)) => self.reply(id, Reply::Configured(generic::extensions(asked))).await,
            Call::AuthorizeAdmin(Ok(password)) => self.authorize_admin(id, &password).await,
            Call::AddUser(Ok((username, password))) => self.add_user(id, &username, &password).await,
            Call::Unknown(method) => self.refuse(id, Reject::UnknownMethod(method)).await,
            Call::Subscribe(Err(reject))
            | Call::Authorize(Err(reject))
            | Call::Suggest(Err(reject))
            | Call::Speed(Err(reject))
            | Call::AuthorizeAdmin(Err(reject))
            | Call::AddUser(Err(reject))
            | Call::Configure(Err(reject)) => self.refuse(id, reject).await,
        }
    }

    fn state(&self) -> SessionState {
        match (self.subscribed, self.logins.is_empty()) {
            (_, false) => SessionState::Authorized,
            (true, true) => SessionState::Subscribed,
            (false, true) => SessionState::Connected,
        }
    }

    /// No login has succeeded.
    fn is_stranger(&self) -> bool {
        self.logins.is_empty() && !self.is_admin
    }

    /// The pusher could not finish its work.
    async fn on_wake(&mut self, wake: job_channel::Wake) -> Flow {
        match wake {
            job_channel::Wake::Late => match self.job_channel.catch_up(&self.server).await {
                Ok(()) => Flow::Continue(()),
                Err(_) => Flow::Break(()),
            },
            job_channel::Wake::Close(reject) => {
                debug!(peer = %self.peer, session = self.id, reason = %reject, "closing a connection");
                self.close(reject).await
            }
            job_channel::Wake::Reconnect => {
                debug!(peer = %self.peer, session = self.id, "a miner has to reconnect");
                self.leave().await
            }
        }
    }

    /// Checks whether the miner should have another target.
    fn look(&mut self) -> Flow {
        let settings = with_fixed(self.server.targets(), self.fixed_target);
        self.job_channel.change(&self.server, |jobs, at| {
            jobs.vardiff().keep_settings(settings);
            jobs.look(at)
        });
        self.keep_target();
        Flow::Continue(())
    }

    /// Adapts the target to the miner's rate after a share.
    fn share(&mut self, share: &Accepted) -> Flow {
        let mut good = None;
        self.job_channel.change(&self.server, |jobs, at| {
            jobs.vardiff().hold_at(share.least);
            let news = jobs.share(&share.found, at);
            good = jobs.vardiff().good_target();
            news
        });
        if let Some(target) = good {
            self.server.workers.remember(&share.worker, target, unix_seconds());
        }
        self.keep_target();
        Flow::Continue(())
    }

    /// For a connection that resumes this session.
    fn keep_target(&self) {
        let target = self.job_channel.state().last_target();
        if let (Some(extranonce), Some(target)) = (&self.extranonce, target) {
            extranonce.keep_target(target);
        }
    }

    async fn on_order(&mut self, order: Order) -> Flow {
        debug!(peer = %self.peer, session = self.id, ?order, "a session got an order");
        match order {
            Order::ResendWork => {
                self.job_channel.resend(&self.server);
                Flow::Continue(())
            }
            Order::SetTarget(target) => {
                self.job_channel.state().jobs.vardiff().aim_at(Aim::Fixed(target));
                self.look()
            }
            Order::AskReconnect => self.ask_to_reconnect().await,
            Order::Close(reject) => {
                if reject == Reject::BadConduct {
                    self.peer_state.strike(self.logins.last());
                }
                self.close(reject).await
            }
        }
    }

    async fn refuse(&self, id: Id, reject: Reject) -> Flow {
        self.reply(id, Reply::Refused(reject)).await
    }

    async fn reply(&self, id: Id, reply: Reply) -> Flow {
        self.send(Spoken::Answer, &self.dialect.encode(&Message::Reply(id, reply))).await
    }

    async fn send(&self, spoken: Spoken, bytes: &[u8]) -> Flow {
        if let Some(tap) = &self.tap {
            tap.said(spoken, bytes);
        }
        match self.out.send(bytes).await {
            Ok(()) => Flow::Continue(()),
            Err(_) => Flow::Break(()),
        }
    }
}

/// The listener's own target takes precedence over the common one.
fn with_fixed(all: Settings, fixed: Option<u64>) -> Settings {
    Settings { fixed: fixed.or(all.fixed), ..all }
}

/// Waits until another connection resumes the session.
async fn replaced(extranonce: Option<&Extranonce>) {
    match extranonce {
        Some(extranonce) => extranonce.replaced().cancelled().await,
        None => std::future::pending().await,
    }
}

fn looks(share_interval: Duration) -> Interval {
    let period = (share_interval / 2).clamp(LOOKS.0, LOOKS.1);
    let mut looks = interval_at(Instant::now() + period, period);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    looks
}
