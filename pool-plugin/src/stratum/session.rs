//! One connection: reads requests, answers them, passes shares on, and tells the miner of jobs.

use std::{net::SocketAddr, ops::ControlFlow, pin::pin, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch},
    time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until, timeout},
};
use tokio_stream::StreamExt;
use tracing::{debug, info, warn};

use super::{
    capture::{Spoken, Tap, Tapped},
    codec::{self, FrameError, Frames, MAX_LINE},
    counter::CounterReader,
    dialects::{Dialect, generic},
    jobs::{Found, JobBook, Moment},
    listener::Port,
    login,
    message::{Authorize, Call, Connect, Id, Message, News, Reply, Submit, Subscribe, Suggest, Work},
    outbox::Outbox,
    places::Place,
    stats::OpenConnection,
    wish,
};
use crate::{
    addresses::{Look, Seat},
    chain::ChainState,
    guard::{Order, Standing},
    ledger::records::Worker,
    reject::{Reject, RejectCode},
    types::Address,
    users::admin_password::Attempt,
    vardiff::{Aim, Vardiff, steps::Steps},
    workers::unix_seconds,
};

/// How often a miner's target is looked at while it finds no share: twice in the time it should find one in,
/// within these bounds.
const LOOKS: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(5));
/// Frames without a request in a row after which the connection is closed.
const MAX_GARBAGE: u32 = 16;
/// Wrong passwords after which the connection is closed.
const MAX_WRONG_PASSWORDS: u32 = 5;
/// Workers that may be logged in on one connection; beyond them the first is forgotten.
const MAX_LOGINS: usize = 64;
/// How much is read and thrown away, at most and for how long, so that our last message gets through.
const LINGER: (u64, Duration) = (1 << 20, Duration::from_secs(1));

/// The state of a connection.
pub(super) struct Session {
    port: Arc<Port>,
    peer: SocketAddr,
    /// For the log: the id that the miner has is nobody else's business.
    id: String,
    /// Shared with the submissions, which keep it until they are settled.
    standing: Arc<Standing>,
    dialect: Dialect,
    /// The capture of this connection, if there is one.
    tap: Option<Arc<Tap>>,
    out: Outbox,
    in_flight: Arc<Semaphore>,
    /// The place among the port's connections; a session's submissions keep it until they are settled.
    slot: Arc<(OwnedSemaphorePermit, OpenConnection)>,
    subscribed: bool,
    /// Whoever has logged in, the last one last.
    logins: Vec<Worker>,
    jobs: JobBook,
    /// For which address its jobs are.
    seat: Seat,
    /// Where submissions tell of accepted shares.
    accepted: mpsc::UnboundedSender<Accepted>,
    /// What the miner was last told to work on.
    work: Option<Work>,
    /// The session's id and counters, once it has subscribed.
    place: Option<Place>,
    counters: CounterReader,
    garbage: u32,
    wrong_passwords: u32,
    is_admin: bool,
    deadline: Instant,
}

/// A share that was stored.
struct Accepted {
    worker: Worker,
    found: Found,
    /// The lowest target the account may have, if it is held to one.
    least: Option<u64>,
}

/// A share that is to be judged.
struct Admitted {
    worker: Worker,
    found: Found,
    /// The share named no job of this session, and is tried as one for the current job.
    forgiven: bool,
    counter: u64,
    /// For which else of the pool's addresses it may have been mined.
    others: Vec<Address>,
}

type Flow = ControlFlow<()>;

impl Session {
    /// Lives as long as the connection.
    pub(super) async fn run<S>(
        port: Arc<Port>,
        dialect: Dialect,
        stream: S,
        peer: SocketAddr,
        slot: OwnedSemaphorePermit,
        (standing, orders): (Standing, mpsc::Receiver<Order>),
    ) where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let (read_half, write_half) = tokio::io::split(stream);
        let out = Outbox::new(write_half, port.config.write_timeout);
        let in_flight = Arc::new(Semaphore::new(port.config.in_flight.max(1)));
        let all_settled = port.config.in_flight.max(1) as u32;
        let (accepted, shares) = mpsc::unbounded_channel();
        let id = format!("{:016x}", rand::random::<u64>());
        let seat = port.config.addresses.seat();
        let tap = port.recorder.as_ref().and_then(|to| to.tap(dialect, peer, &id, &seat.address()));
        let mut session = Self {
            id,
            tap: tap.clone(),
            standing: Arc::new(standing),
            in_flight: Arc::clone(&in_flight),
            slot: Arc::new((slot, port.stats.connection())),
            subscribed: false,
            logins: Vec::new(),
            jobs: JobBook::new(Vardiff::new(port.targets(), None)),
            seat,
            accepted,
            work: None,
            place: None,
            counters: CounterReader::default(),
            garbage: 0,
            wrong_passwords: 0,
            is_admin: false,
            deadline: Instant::now() + port.config.handshake_timeout,
            dialect,
            port,
            peer,
            out: out.clone(),
        };
        debug!(%peer, session = session.id, "a miner connected");
        let mut frames = codec::frames(Tapped::new(read_half, tap), dialect.framing());
        session.port.common.sessions.open(&session.id, peer, &session.standing);
        session.talk(&mut frames, shares, orders).await;
        session.port.common.sessions.close(&session.standing);
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
        let port = Arc::clone(&self.port);
        let out = self.out.clone();
        let mut chain = port.chain.clone();
        let mut chain_lives = true;
        let mut seats = port.config.addresses.changes();
        let mut turn = None;
        let mut looks = looks(port.targets().interval);
        // Made once, since to begin to wait takes a lock that all sessions share.
        let (mut stopped, mut broken) = (pin!(port.stop.cancelled()), pin!(out.broken()));
        loop {
            let flow = tokio::select! {
                // The chain first: a new job waits for nothing else.
                biased;
                changed = chain.changed(), if chain_lives => {
                    chain_lives = changed.is_ok();
                    self.follow(&mut chain).await
                }
                Ok(()) = seats.changed() => self.follow(&mut chain).await,
                () = &mut stopped => self.leave().await,
                () = &mut broken => Flow::Break(()),
                Some(order) = orders.recv() => self.obey(order, &chain).await,
                () = sleep_until(self.deadline), if self.logins.is_empty() && !self.is_admin => self.time_out().await,
                _ = looks.tick(), if !self.logins.is_empty() => self.look(&chain).await,
                () = replaced(self.place.as_ref()) => {
                    debug!(peer = %self.peer, session = self.id, "another connection goes on with this session");
                    Flow::Break(())
                }
                Some(share) = shares.recv() => self.share(&share, &chain).await,
                // The next frame is read only when there is room to check what it may submit.
                permit = Arc::clone(&self.in_flight).acquire_owned(), if turn.is_none() => {
                    turn = permit.ok();
                    Flow::Continue(())
                }
                frame = frames.next(), if turn.is_some() => match frame {
                    Some(Ok(frame)) => self.read(&frame, &mut turn, &mut chain).await,
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

    async fn read(
        &mut self,
        frame: &[u8],
        turn: &mut Option<OwnedSemaphorePermit>,
        chain: &mut watch::Receiver<ChainState>,
    ) -> Flow {
        let request = match self.dialect.decode(frame) {
            Ok(Some(request)) => request,
            Ok(None) => return Flow::Continue(()),
            Err(garbage) => return self.garbage(garbage.id, garbage.reject).await,
        };
        self.garbage = 0;
        self.dialect = self.dialect.after(&request.call);
        let id = request.id;
        match request.call {
            Call::Subscribe(Ok(subscribe)) => self.subscribe(id, &subscribe).await,
            Call::Authorize(Ok(authorize)) => self.authorize(id, &authorize, chain).await,
            Call::Submit(submit) => self.submit(id, submit, turn).await,
            Call::ExtranonceSubscribe | Call::Ping => self.reply(id, Reply::Done).await,
            Call::Connect(connect) => self.connect(id, &connect, chain).await,
            Call::Speed(Ok(speed)) => self.speed(id, speed).await,
            Call::Leave => Flow::Break(()),
            Call::Suggest(Ok(suggest)) => self.suggest(id, suggest, chain).await,
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

    async fn subscribe(&mut self, id: Id, subscribe: &Subscribe) -> Flow {
        self.note_subscription(subscribe);
        self.reply(id, self.subscribed()).await
    }

    fn note_subscription(&mut self, subscribe: &Subscribe) {
        if !self.subscribed {
            self.subscribed = true;
            self.deadline = Instant::now() + self.port.config.handshake_timeout;
        }
        if self.place.is_none() {
            let places = &self.port.common.places;
            let resumed = subscribe.session.as_deref().and_then(|session| places.resume(session));
            if let Some(target) = resumed.as_ref().and_then(Place::last_target) {
                self.jobs.vardiff().recall(target);
            }
            let place = resumed.unwrap_or_else(|| places.take());
            if let Some(tap) = &self.tap {
                tap.session(&place.session());
            }
            self.place = Some(place);
            self.seat.take(self.jobs.vardiff().target(), self.dialect.learns_address());
        }
        let prefix = self.place.as_ref().and_then(Place::prefix).map(tracing::field::display);
        debug!(peer = %self.peer, session = self.id, agent = subscribe.agent, prefix, "a miner subscribed");
    }

    fn subscribed(&self) -> Reply {
        Reply::Subscribed {
            session: self.place.as_ref().map(Place::session).unwrap_or_default(),
            prefix: self.place.as_ref().and_then(Place::prefix),
            address: self.seat.address(),
        }
    }

    async fn connect(&mut self, id: Id, connect: &Connect, chain: &mut watch::Receiver<ChainState>) -> Flow {
        self.note_subscription(&connect.subscribe);
        let granted = self.subscribed();
        self.grant(id, &connect.authorize, granted, chain).await
    }

    /// What a miner says of itself proves nothing: it is kept beside what its shares tell.
    async fn speed(&self, id: Id, speed: f64) -> Flow {
        debug!(peer = %self.peer, session = self.id, speed, "a miner told its speed");
        if let Some(login) = self.logins.last() {
            self.port.common.workers.claim(login, speed, unix_seconds());
        }
        self.reply(id, Reply::Done).await
    }

    async fn authorize(
        &mut self,
        id: Id,
        authorize: &Authorize,
        chain: &mut watch::Receiver<ChainState>,
    ) -> Flow {
        if !self.subscribed {
            return self.refuse(id, Reject::NotSubscribed).await;
        }
        self.grant(id, authorize, Reply::Done, chain).await
    }

    async fn grant(
        &mut self,
        id: Id,
        authorize: &Authorize,
        granted: Reply,
        chain: &mut watch::Receiver<ChainState>,
    ) -> Flow {
        let parsed = match &authorize.worker {
            Some(worker) => login::parse_account_and_worker(&authorize.login, worker),
            None => login::parse_login(&authorize.login),
        };
        let worker = match parsed {
            Ok(worker) => worker,
            Err(reason) => return self.refuse(id, Reject::BadLogin(reason.to_string())).await,
        };
        if let Some(left) = self.standing.ticket().worker_banned(&worker) {
            let _ = self.refuse(id, Reject::WorkerBanned(left.as_secs().div_ceil(60))).await;
            return Flow::Break(());
        }
        let password = authorize.password.as_deref().map(wish::without);
        if let Err(reject) = self.port.common.entrance.users.check(&worker.account, password).await {
            return self.refuse_login(id, reject, &worker).await;
        }
        info!(peer = %self.peer, session = self.id, account = worker.account, worker = worker.worker, "a miner logged in");
        self.recall(&worker);
        self.port.common.sessions.log_in(&self.standing, &worker);
        self.log_in(worker);
        let password = authorize.password.as_deref().unwrap_or_default();
        if let Some(aim) = wish::in_password(password) {
            self.jobs.vardiff().aim_at(aim);
        }
        if wish::powers_of_two(password) {
            self.jobs.vardiff().keep_to(Steps::PowersOfTwo);
        }
        self.reply(id, granted).await?;
        self.follow(chain).await?;
        self.look(chain).await
    }

    /// What is known of the worker, for the first target of the session.
    fn recall(&mut self, worker: &Worker) {
        let workers = &self.port.common.workers;
        let resumed = self.place.as_ref().and_then(Place::last_target);
        if let Some(target) =
            workers.last_target(worker).filter(|_| self.logins.is_empty() && resumed.is_none())
        {
            self.jobs.vardiff().recall(target);
        }
        self.jobs.vardiff().hold_at(workers.least(&worker.account, unix_seconds()));
    }

    async fn refuse_login(&mut self, id: Id, reject: Reject, worker: &Worker) -> Flow {
        debug!(peer = %self.peer, session = self.id, account = worker.account, reason = %reject, "a login was refused");
        if reject != Reject::WrongPassword {
            return self.refuse(id, reject).await;
        }
        self.wrong_passwords += 1;
        self.refuse(id, reject).await?;
        if self.wrong_passwords < MAX_WRONG_PASSWORDS {
            return Flow::Continue(());
        }
        self.standing.strike(Some(worker));
        self.close(Reject::TooManyTries).await
    }

    /// Whether this connection may do what only the admin may; the method is unknown if there is none.
    async fn authorize_admin(&mut self, id: Id, password: &str) -> Flow {
        let Some(right) = &self.port.common.entrance.admin_password else {
            return self.refuse(id, Reject::UnknownMethod("mining.authorize_admin".into())).await;
        };
        if !self.standing.is_private() {
            return self.refuse(id, Reject::NotPrivate).await;
        }
        match right.attempt(password, std::time::Instant::now()) {
            Attempt::Right => {
                info!(peer = %self.peer, session = self.id, "the port's admin logged in");
                self.is_admin = true;
                self.reply(id, Reply::Done).await
            }
            Attempt::Wrong => {
                warn!(peer = %self.peer, session = self.id, "a wrong admin password");
                self.standing.strike(None);
                self.refuse(id, Reject::WrongPassword).await?;
                Flow::Break(())
            }
            Attempt::TooMany => self.refuse(id, Reject::TooManyTries).await,
        }
    }

    async fn add_user(&mut self, id: Id, username: &str, password: &str) -> Flow {
        let entrance = &self.port.common.entrance;
        if entrance.admin_password.is_none() {
            return self.refuse(id, Reject::UnknownMethod("mining.add_user".into())).await;
        }
        if !self.is_admin {
            return self.refuse(id, Reject::NotAdmin).await;
        }
        match entrance.users.add(username, password).await {
            Ok(()) => {
                info!(peer = %self.peer, username, "the port's admin added a user");
                self.reply(id, Reply::Done).await
            }
            Err(error) => self.refuse(id, Reject::NotDone(error.to_string())).await,
        }
    }

    fn log_in(&mut self, worker: Worker) {
        self.port.stats.note_login(&worker, self.peer);
        self.logins.retain(|login| *login != worker);
        if self.logins.len() == MAX_LOGINS {
            self.logins.remove(0);
        }
        self.logins.push(worker);
    }

    async fn suggest(&mut self, id: Id, suggest: Suggest, chain: &watch::Receiver<ChainState>) -> Flow {
        self.jobs.vardiff().aim_at(Aim::Fixed(suggest.target));
        self.reply(id, Reply::Done).await?;
        self.look(chain).await
    }

    /// Tells the miner what the chain's state means for it.
    async fn follow(&mut self, chain: &mut watch::Receiver<ChainState>) -> Flow {
        if self.logins.is_empty() {
            return Flow::Continue(());
        }
        chain.mark_unchanged();
        let puzzle = chain.borrow().puzzle;
        if let Some(puzzle) = puzzle {
            let (weight, learns) = (self.jobs.vardiff().target(), self.dialect.learns_address());
            if self.seat.look(puzzle.epoch, weight, learns) == Look::Reconnect {
                debug!(peer = %self.peer, session = self.id, "a miner has to connect anew for another address");
                return self.leave().await;
            }
        }
        let moment = self.moment(chain);
        if let Some(tap) = &self.tap {
            tap.chain(&moment.state);
        }
        let news = self.jobs.follow(&moment);
        self.tell(news).await
    }

    /// Looks whether the miner should have another target.
    async fn look(&mut self, chain: &watch::Receiver<ChainState>) -> Flow {
        self.jobs.vardiff().keep_settings(self.port.targets());
        let news = self.jobs.look(&self.moment(chain));
        self.tell(news).await
    }

    /// Follows the miner's rate by a share of its.
    async fn share(&mut self, share: &Accepted, chain: &watch::Receiver<ChainState>) -> Flow {
        self.jobs.vardiff().hold_at(share.least);
        let news = self.jobs.share(&share.found, &self.moment(chain));
        if let Some(target) = self.jobs.vardiff().good_target() {
            self.port.common.workers.remember(&share.worker, target, unix_seconds());
        }
        self.tell(news).await
    }

    async fn tell(&mut self, news: Option<Work>) -> Flow {
        let Some(work) = news else { return Flow::Continue(()) };
        self.work = Some(work);
        if let Some(place) = &self.place {
            place.keep_target(work.target);
        }
        self.send(Spoken::Unasked, &self.port.phrases.work(self.dialect, work)).await
    }

    async fn obey(&mut self, order: Order, chain: &watch::Receiver<ChainState>) -> Flow {
        debug!(peer = %self.peer, session = self.id, ?order, "a session has an order");
        match order {
            Order::ResendWork => {
                let again = |work| Work { news: News::Job { clean: true }, ..work };
                self.tell(self.work.map(again)).await
            }
            Order::SetTarget(target) => {
                self.jobs.vardiff().aim_at(Aim::Fixed(target));
                self.look(chain).await
            }
            Order::AskReconnect => self.ask_to_reconnect().await,
            Order::Close(reject) => {
                if reject == Reject::BadConduct {
                    self.standing.strike(self.logins.last());
                }
                self.close(reject).await
            }
        }
    }

    /// The pool stops, or the miner has to connect anew. Whoever understands it comes back in a while, not all at
    /// once.
    async fn leave(&self) -> Flow {
        let _ = self.ask_to_reconnect().await;
        Flow::Break(())
    }

    async fn ask_to_reconnect(&self) -> Flow {
        let wish = Message::Reconnect { wait: self.port.reconnect_wait() };
        self.send(Spoken::Unasked, &self.dialect.encode(&wish)).await
    }

    fn moment(&self, chain: &watch::Receiver<ChainState>) -> Moment {
        let common = &self.port.common;
        let address = self.seat.address();
        Moment { now: common.now(), state: *chain.borrow(), brake: common.brake(), address }
    }

    /// Checks what can be told without waiting, then leaves the rest to a task of its own.
    async fn submit(
        &mut self,
        id: Id,
        submit: Result<Submit, Reject>,
        turn: &mut Option<OwnedSemaphorePermit>,
    ) -> Flow {
        let Admitted { worker, found, forgiven, counter, others } = match self.admit(submit) {
            Ok(admitted) => admitted,
            Err(reject) => return self.refuse_share(id, reject).await,
        };
        let (port, out, slot) = (Arc::clone(&self.port), self.out.clone(), Arc::clone(&self.slot));
        let (peer, dialect, permit) = (self.peer, self.dialect, turn.take());
        let standing = Arc::clone(&self.standing);
        let (accepted, tap) = (self.accepted.clone(), self.tap.clone());
        self.port.submissions.spawn(async move {
            let judged = port.intake.submit(standing.lane(), &worker, &found.job, counter).await;
            if let Some(tap) = &tap {
                tap.judged(counter, &judged);
            }
            let mut share = None;
            let reply = match judged.map_err(|reject| explained(reject, forgiven)) {
                Ok(reached) => {
                    port.stats.count_accepted(&worker, peer);
                    standing.accepted();
                    let workers = &port.common.workers;
                    let least = workers.share(&worker, found.job.target, reached, unix_seconds());
                    share = Some(Accepted { worker, found, least });
                    Reply::Done
                }
                Err(reject) => {
                    if matches!(reject, Reject::LowDifficulty { .. } | Reject::JobNotFound) {
                        port.intake.rescue(standing.lane(), &worker, &others, counter);
                    }
                    port.stats.count_rejected(&reject, Some((&worker, found.job.target)));
                    standing.refused(&reject);
                    log_refused(peer, &worker, &reject);
                    Reply::Refused(reject)
                }
            };
            // The share is settled also when nobody is left to be told.
            let bytes = dialect.encode(&Message::Reply(id, reply));
            if let Some(tap) = &tap {
                tap.said(Spoken::Answer, &bytes);
            }
            let _ = out.send(&bytes).await;
            // After the answer, since another target may follow from it. Nobody follows the target of a miner
            // that is gone.
            if let Some(share) = share {
                let _ = accepted.send(share);
            }
            drop((permit, slot, standing));
        });
        Flow::Continue(())
    }

    /// Session state, job, format: in this order.
    fn admit(&mut self, submit: Result<Submit, Reject>) -> Result<Admitted, Reject> {
        if !self.subscribed {
            return Err(Reject::NotSubscribed);
        }
        if self.logins.is_empty() {
            return Err(Reject::NotAuthorized);
        }
        let Submit { worker: named, job, counter: raw } = submit?;
        let worker = login::credited(&self.logins, &named).ok_or(Reject::NotAuthorized)?;
        let counter = self.counters.read(&raw);
        let addresses = || self.jobs.addresses();
        let admitted = |found: Found, forgiven, counter| {
            let others = addresses().filter(|other| *other != found.job.address).collect();
            Ok(Admitted { worker: worker.clone(), found, forgiven, counter, others })
        };
        match (self.jobs.find(job, self.port.common.now()), self.jobs.present(), counter) {
            (Ok(found), _, Some(counter)) => admitted(found, false, counter),
            (Ok(_), _, None) => Err(Reject::BadCounter),
            // Devices are known to name jobs that were never sent; what they solved is the current one.
            (Err(Reject::JobNotFound), Some(found), Some(counter)) => admitted(found, true, counter),
            (Err(reject), _, counter) => {
                if let Some(stray) = counter {
                    let addresses: Vec<Address> = addresses().collect();
                    self.port.intake.rescue(self.standing.lane(), &worker, &addresses, stray);
                }
                Err(reject)
            }
        }
    }

    async fn refuse_share(&self, id: Id, reject: Reject) -> Flow {
        let target = self.jobs.present().map(|found| found.job.target);
        self.port.stats.count_rejected(&reject, self.logins.last().zip(target));
        self.standing.refused(&reject);
        if let Some(login) = self.logins.last() {
            log_refused(self.peer, login, &reject);
        }
        self.refuse(id, reject).await
    }

    async fn garbage(&mut self, id: Id, reject: Reject) -> Flow {
        self.port.stats.count_garbage();
        self.garbage += 1;
        self.refuse(id, reject).await?;
        if self.garbage < MAX_GARBAGE {
            return Flow::Continue(());
        }
        debug!(peer = %self.peer, session = self.id, "a connection sent only garbage");
        self.standing.strike(self.logins.last());
        self.close(Reject::TooMuchGarbage(self.dialect.name())).await
    }

    async fn line_too_long(&mut self) -> Flow {
        debug!(peer = %self.peer, session = self.id, "a line was too long");
        self.port.stats.count_garbage();
        self.close(Reject::LineTooLong(MAX_LINE)).await
    }

    async fn time_out(&mut self) -> Flow {
        let missing = if self.subscribed { "mining.authorize" } else { "mining.subscribe" };
        debug!(peer = %self.peer, session = self.id, missing, "a miner took too long");
        self.close(Reject::HandshakeTimeout(missing)).await
    }

    async fn close(&self, reject: Reject) -> Flow {
        let _ = self.refuse(Id::Null, reject).await;
        Flow::Break(())
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

/// Why a share is refused, as the session sees it.
fn explained(reject: Reject, forgiven: bool) -> Reject {
    match reject {
        // It named no job and does not solve the present one either.
        Reject::LowDifficulty { .. } | Reject::NoAnswer if forgiven => Reject::JobNotFound,
        // It named the present job: the epoch ended on the way, or before the node could tell.
        Reject::Stale => Reject::EpochEnded,
        other => other,
    }
}

/// Waits until another connection goes on with the session.
async fn replaced(place: Option<&Place>) {
    match place {
        Some(place) => place.replaced().cancelled().await,
        None => std::future::pending().await,
    }
}

fn looks(share_interval: Duration) -> Interval {
    let period = (share_interval / 2).clamp(LOOKS.0, LOOKS.1);
    let mut looks = interval_at(Instant::now() + period, period);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    looks
}

fn log_refused(peer: SocketAddr, worker: &Worker, reject: &Reject) {
    let code = reject.code();
    if let Reject::LowDifficulty { reached, assigned } = reject {
        debug!(%peer, account = worker.account, worker = worker.worker, reached, assigned, "a share was too low");
    } else if code != RejectCode::Other {
        debug!(%peer, account = worker.account, worker = worker.worker, reason = code.label(), "a share was refused");
    } else {
        info!(%peer, account = worker.account, worker = worker.worker, reason = %reject, "a share was refused");
    }
}

/// Reads on for a moment: closing a socket with unread bytes would make the system take back our last
/// message.
pub(super) async fn linger(half: impl AsyncRead + Unpin) {
    let (bytes, time) = LINGER;
    let mut rest = half.take(bytes);
    let _ = timeout(time, tokio::io::copy(&mut rest, &mut tokio::io::sink())).await;
}
