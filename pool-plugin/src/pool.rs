//! The parts put together: start, supervision, shutdown.
//!
//! [`Pool::open`] does all that can fail before the node starts. [`Pool::run`] serves the port at once, waits
//! for the node, then starts the parts that need a chain. Stopping goes the other way round: first the
//! sessions settle what is in flight, then the finds are recorded, then the database is closed.

use std::{
    future::Future,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result};
use parking_lot::Mutex;
use pool_sinks::activity::Activity;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{
    addresses::Addresses,
    admin::{self, Admin, Logger},
    audit,
    backup::{self, BackupError},
    chain::{self, ChainHandle, ChainState, Network},
    config::{Config, Live, SinksConfig, Source},
    evaluator::Evaluator,
    guard::{Gate, descriptors},
    hashrate,
    health::{self, Health, HealthBoard, Part, disk::Space, shares::Silence},
    intake::Intake,
    ledger::ShareLedger,
    prepare::keep_prepared,
    recover,
    release::{self, Inbox, Settled, SharedInbox, Waits, budget::Budget},
    reload::{Reloader, hangup::Hangup},
    resume, rounds,
    sinks::{self, LedgerBooks},
    stratum::{self, Common, Door, Entrance, Pinned, Stats, StratumConfig, Tls, places::Places},
    supervise::{Restarts, supervise},
    systemd,
    types::Address,
    users::{AdminPassword, Users},
    vardiff::Brake,
    verify::{self, Verifier},
    view::{self, Sources, View},
    webhooks,
    workers::{self, Workers, unix_seconds},
};

/// Threads of the pool's own runtime. Sessions are cheap; what costs has threads of its own.
const ASYNC_THREADS: usize = 2;

/// How long the sessions may take to settle what is in flight when the pool stops.
const SETTLE_PATIENCE: Duration = Duration::from_secs(20);

/// How often the log tells how the pool fares.
const SUMMARY_INTERVAL: Duration = Duration::from_secs(60);

/// A pool whose folder, database and port are open.
pub struct Pool {
    config: Config,
    network: Network,
    evaluator: Arc<dyn Evaluator>,
    ledger: ShareLedger,
    entrance: Entrance,
    workers: Arc<Workers>,
    places: Arc<Places>,
    /// The default port first.
    listeners: Vec<(TcpListener, Pinned)>,
    board: HealthBoard,
    backup: BackupHandle,
    logger: Option<Logger>,
    view: View,
    stop: CancellationToken,
    /// Where the configuration is read again, and the signal that asks for it.
    source: Option<Source>,
    hangup: Option<Hangup>,
}

/// Takes a port; `flag` is where it was chosen.
fn listen(address: SocketAddr, flag: &str) -> Result<TcpListener> {
    let listener = TcpListener::bind(address)
        .with_context(|| format!("cannot listen on {address}; stop what uses it or choose another {flag}"))?;
    listener.set_nonblocking(true).context("cannot use the port")?;
    Ok(listener)
}

/// Backs up the books of a pool from any thread.
#[derive(Clone, Debug)]
pub struct BackupHandle {
    ledger: ShareLedger,
    data: PathBuf,
    under_way: Arc<Mutex<()>>,
}

impl BackupHandle {
    /// To the folder `dir`, which must not exist or be empty. Blocks: not for async threads.
    pub fn backup(&self, dir: &Path) -> Result<backup::Manifest, BackupError> {
        let Some(_alone) = self.under_way.try_lock() else { return Err(BackupError::UnderWay) };
        backup::create(&self.ledger, &self.data, dir)
    }
}

/// Stops a pool from any thread.
#[derive(Clone)]
pub struct StopHandle(CancellationToken);

impl StopHandle {
    /// Returns at once; `Pool::run` returns when everything is settled.
    pub fn stop(&self) {
        self.0.cancel();
    }
}

impl Pool {
    /// Opens the data folder, the database and the port.
    pub fn open(config: Config, network: Network, evaluator: Arc<dyn Evaluator>) -> Result<Self> {
        let folder = config.data.display();
        std::fs::create_dir_all(&config.data).with_context(|| {
            format!("cannot make the pool's folder {folder}; choose another with --pool-data")
        })?;
        let ledger = ShareLedger::open(&config.data.join("db"), network)?;
        let entrance = open_entrance(&config)?;
        if let Some(capture) = &config.capture {
            std::fs::create_dir_all(&capture.folder).with_context(|| {
                format!("cannot make {} for captures; choose another --capture", capture.folder.display())
            })?;
        }
        let workers = Arc::new(Workers::default());
        workers::load(&workers, &ledger).context("cannot read the last share targets")?;
        let key = config.data.join("sessions.key");
        let places = Places::open(config.node, &key)
            .with_context(|| format!("cannot use the key of the sessions, {}", key.display()))?;
        let mut listeners = vec![(listen(config.listen, "--pool-listen")?, Pinned::default())];
        for port in &config.ports {
            let pinned = Pinned { dialect: port.dialect, fixed_target: port.fixed_share_target };
            listeners.push((listen(port.listen, "--pool-port")?, pinned));
        }
        let (board, stop) = (HealthBoard::default(), CancellationToken::new());
        let backup =
            BackupHandle { ledger: ledger.clone(), data: config.data.clone(), under_way: Arc::default() };
        let logger = None;
        let (source, hangup) = (None, None);
        let view = View::new(config.clone(), network, ledger.clone(), board.clone());
        Ok(Self {
            config,
            network,
            evaluator,
            ledger,
            workers,
            places,
            entrance,
            listeners,
            board,
            backup,
            logger,
            view,
            stop,
            source,
            hangup,
        })
    }

    /// Lets an admin change what the program logs.
    pub fn with_logger(self, logger: Logger) -> Self {
        Self { logger: Some(logger), ..self }
    }

    /// The configuration came from here and is read again when an admin asks for it, or at a SIGHUP.
    pub fn reloading(mut self, source: Source, hangup: Option<Hangup>) -> Self {
        (self.source, self.hangup) = (Some(source), hangup);
        self
    }

    /// Says in one line what was opened.
    pub fn summary(&self) -> String {
        let Config { addresses, data, .. } = &self.config;
        let addresses = addresses.iter().map(Address::to_string).collect::<Vec<_>>().join(", ");
        let shares = match self.config.fixed_share_target {
            Some(target) => format!("{target} attempts"),
            None => format!("to be found every {} s", self.config.share_interval.as_secs()),
        };
        let (listen, more) = (self.local_addr(), self.more_ports());
        let (network, data) = (self.network.name(), data.display());
        format!(
            "pool: miners connect to {listen}{more}, rewards go to {addresses} on {network}, \
             a share is {shares}, data is kept in {data}"
        )
    }

    /// Where miners connect, with the port the system chose if none was asked for.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addrs().next().map_or(self.config.listen, |(address, _)| address)
    }

    /// All ports and what they are set to, the default one first.
    pub fn local_addrs(&self) -> impl Iterator<Item = (SocketAddr, Pinned)> {
        self.listeners
            .iter()
            .filter_map(|(listener, pinned)| listener.local_addr().ok().map(|address| (address, *pinned)))
    }

    fn more_ports(&self) -> String {
        let tell = |(address, Pinned { dialect, fixed_target }): (SocketAddr, Pinned)| match fixed_target {
            Some(target) => format!(", {address} ({dialect}, shares of {target})"),
            None => format!(", {address} ({dialect})"),
        };
        self.local_addrs().skip(1).map(tell).collect()
    }

    /// How the parts fare, as they report it.
    pub fn health(&self) -> watch::Receiver<Health> {
        self.board.subscribe()
    }

    /// To look at the pool while it runs.
    pub fn view(&self) -> View {
        self.view.clone()
    }

    pub fn backup_handle(&self) -> BackupHandle {
        self.backup.clone()
    }

    pub fn stop_handle(&self) -> StopHandle {
        StopHandle(self.stop.clone())
    }

    /// Runs until stopped, by [`StopHandle::stop`] or by a signal to the process. `node` gives the chain once
    /// the node is up, or `None` if it never will be.
    pub fn run<F>(self, node: F) -> Result<()>
    where
        F: Future<Output = Option<Result<ChainHandle>>> + Send,
    {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(ASYNC_THREADS)
            .thread_name("pool-async")
            .enable_all()
            .build()
            .context("cannot start the pool's runtime")?
            .block_on(self.run_parts(node))
    }

    async fn run_parts<F>(mut self, node: F) -> Result<()>
    where
        F: Future<Output = Option<Result<ChainHandle>>> + Send,
    {
        let stop = self.stop.clone();
        stop_on_signal(stop.clone());
        let hangup = self.hangup.take();
        let parts = Arc::new(Parts::new(self)?);
        if let Some(hangup) = hangup {
            let (reloader, runtime) = (parts.reloader.clone(), tokio::runtime::Handle::current());
            hangup.each(move || {
                let _runtime = runtime.enter();
                // What is wrong is in the log.
                let _ = reloader.reload();
            });
        }

        // Miners may come before the node is up: they are welcomed, and get work once there is some.
        let (serving, background) = (CancellationToken::new(), CancellationToken::new());
        let sessions = tokio::spawn(parts.serve(serving.clone()));
        tokio::spawn(parts.common.entrance.users.clone().follow(background.clone()));
        if let Some(tls) = parts.common.entrance.tls.clone() {
            tokio::spawn(tls.follow(background.clone()));
        }
        parts.show(serving.clone());
        let admin = tokio::spawn(parts.hear_admins(serving.clone(), background.clone()));
        tokio::spawn(parts.observe(background.clone()));
        systemd::ready();
        let told = parts.clone();
        tokio::spawn(systemd::keep_alive(move || told.status(), background.clone()));
        tokio::spawn(parts.tell_webhooks(background.clone()));
        let remembering = tokio::spawn(parts.remember(background.clone()));
        let mut running = JoinSet::new();
        let chain = tokio::select! {
            chain = node => chain,
            () = stop.cancelled() => None,
        };
        match chain {
            Some(Ok(chain)) => {
                info!("the node is up: the pool follows its chain");
                parts.view.attach_chain(chain.clone());
                running = Followers { parts: parts.clone(), chain, stop: background.clone() }.start();
                stop.cancelled().await;
            }
            Some(Err(error)) => {
                error!(error = format!("{error:#}"), "the pool cannot use this node: it gives no work");
                stop.cancelled().await;
            }
            None => {}
        }

        info!("the pool stops: it takes no more shares and settles those in flight");
        systemd::stopping();
        serving.cancel();
        if tokio::time::timeout(SETTLE_PATIENCE, sessions).await.is_err() {
            warn!("some shares in flight were not settled in time");
        }
        background.cancel();
        while running.join_next().await.is_some() {}
        let _ = remembering.await;
        let _ = admin.await;
        parts.ledger.clone().close().await;
        println!("pool stopped: {}", parts.summary());
        Ok(())
    }
}

/// What guards the port: the operator's lists, TLS, proxies.
fn open_entrance(config: &Config) -> Result<Entrance> {
    let lists = config.data.join("access.json");
    let gate = Gate::open(&lists, config.entrance.max_per_address)
        .with_context(|| format!("cannot read the bans in {}", lists.display()))?;
    let tls = match &config.entrance.tls {
        Some((certificate, key)) => Some(Arc::new(Tls::open(certificate, key)?)),
        None => None,
    };
    let file = config.data.join("users.json");
    let users = Users::open(&file, config.entrance.users)
        .with_context(|| format!("cannot read the users in {}", file.display()))?;
    let admin_password =
        config.entrance.admin_password_file.as_deref().map(AdminPassword::read).transpose()?;
    let proxies = config.entrance.proxies.clone().into();
    Ok(Entrance { gate, tls, proxies, users, admin_password })
}

/// What the parts share.
struct Parts {
    /// As it was at the start; what may change since is read from `live`.
    config: Config,
    addresses: Arc<Addresses>,
    live: Live,
    network: Network,
    reloader: Arc<Reloader>,
    evaluator: Arc<dyn Evaluator>,
    ledger: ShareLedger,
    listeners: Arc<Vec<(TcpListener, Pinned)>>,
    intake: Arc<Intake>,
    stats: Arc<Stats>,
    common: Arc<Common>,
    backup: BackupHandle,
    activity: Activity,
    state: watch::Sender<ChainState>,
    inbox: SharedInbox,
    /// What of the finds is not on its way.
    waits: watch::Receiver<Waits>,
    settled: mpsc::UnboundedSender<Settled>,
    board: HealthBoard,
    logger: Option<Logger>,
    view: View,
    restarts: Restarts,
    webhooks: Arc<webhooks::Counters>,
}

impl Parts {
    fn new(pool: Pool) -> Result<Self> {
        let Pool {
            config,
            network,
            evaluator,
            ledger,
            workers,
            places,
            entrance,
            listeners,
            board,
            backup,
            logger,
            source,
            view,
            ..
        } = pool;
        let (common, live) = (Arc::new(Common::new(entrance, workers, places)), Live::new(config.clone()));
        let reloader = Arc::new(Reloader::new(source, live.clone(), common.clone(), ledger.clone()));
        let state = watch::Sender::new(ChainState::default());
        let (find_sender, finds) = mpsc::unbounded_channel();
        let (settled_sender, settled) = mpsc::unbounded_channel();
        let verifier = Verifier::start(evaluator.clone(), config.verify_threads)
            .context("cannot start the threads that verify shares")?;
        let intake = Intake::new(ledger.clone(), verifier, find_sender, state.subscribe());
        let activity = Activity::default();
        let inbox = Inbox::new(finds, settled);
        // Nobody else asks for it.
        let told = config.sinks.redis.is_some().then(|| activity.clone());
        Ok(Self {
            addresses: Addresses::new(config.addresses.clone()),
            config,
            live,
            network,
            reloader,
            evaluator,
            ledger,
            listeners: Arc::new(listeners),
            intake,
            stats: Arc::new(Stats::telling(told)),
            activity,
            common,
            backup,
            state,
            waits: inbox.waits.subscribe(),
            inbox: inbox.shared(),
            settled: settled_sender,
            board,
            logger,
            view,
            restarts: Restarts::default(),
            webhooks: Arc::default(),
        })
    }

    fn admin(&self, serving: CancellationToken) -> Admin {
        let (common, stats, board) = (self.common.clone(), self.stats.clone(), self.board.clone());
        let (books, logger, reloader) = (self.backup.clone(), self.logger.clone(), self.reloader.clone());
        Admin { common, stats, board, books, reloader, serving, logger }
    }

    /// From now on there is something to look at.
    fn show(&self, serving: CancellationToken) {
        self.view.attach(Sources {
            admin: self.admin(serving),
            live: self.live.clone(),
            intake: self.intake.clone(),
            evaluator: self.evaluator.clone(),
            state: self.state.subscribe(),
            restarts: self.restarts.clone(),
            waits: self.waits.clone(),
        });
    }

    /// Keeps the view current, until `stop`.
    fn observe(&self, stop: CancellationToken) -> impl Future<Output = ()> + Send + 'static {
        let (view, stop_looking) = (self.view.clone(), stop.clone());
        supervise("view", stop, self.restarts.clone(), move || view::run(view.clone(), stop_looking.clone()))
    }

    /// The admin socket, until `stop`. An admin may close the ports.
    fn hear_admins(
        &self,
        serving: CancellationToken,
        stop: CancellationToken,
    ) -> impl Future<Output = ()> + Send + 'static {
        let (admin, view) = (self.admin(serving), self.view.clone());
        let socket = self.config.data.join(admin::SOCKET);
        async move { admin::socket::serve(&socket, admin, view, stop).await }
    }

    /// The ports, until `stop`.
    fn serve(&self, stop: CancellationToken) -> impl Future<Output = ()> + Send + 'static {
        let mut config = StratumConfig::new(self.addresses.clone(), self.config.targets());
        config.max_connections = descriptors::budget(self.config.max_connections);
        config.capture = self.config.capture.clone();
        let (listeners, intake, stats) = (self.listeners.clone(), self.intake.clone(), self.stats.clone());
        let common = self.common.clone();
        let (state, stop_sessions) = (self.state.subscribe(), stop.clone());
        supervise("stratum", stop, self.restarts.clone(), move || {
            let doors = open_doors(&listeners);
            let (config, intake, stats) = (config.clone(), intake.clone(), stats.clone());
            let (common, state, stop) = (common.clone(), state.clone(), stop_sessions.clone());
            async move {
                match doors {
                    Ok(doors) => stratum::serve(doors, config, intake, stats, common, state, stop).await,
                    Err(error) => error!(%error, "the ports cannot be served"),
                }
            }
        })
    }

    /// One line for `systemctl status`: the worst that is known, and how many miners it concerns.
    fn status(&self) -> String {
        let health = self.board.latest();
        let level = health.level();
        let worst = health.0.iter().find(|(_, report)| report.level == level);
        let health = worst.map_or_else(
            || "the node starts".to_owned(),
            |(part, report)| format!("{level}: {part}: {}", report.text),
        );
        format!("{health}; {}", self.summary())
    }

    /// Keeps what is known of the workers beyond this run, until `stop`; begins with what the last run left.
    fn remember(&self, stop: CancellationToken) -> impl Future<Output = ()> + Send + 'static {
        let (workers, ledger) = (self.common.workers.clone(), self.ledger.clone());
        let (replayed, read, stop_replay) = (workers.clone(), ledger.clone(), stop.clone());
        let last = ledger.last_seq();
        let reading = tokio::task::spawn_blocking(move || {
            let outcome = last.and_then(|last| workers::replay(&replayed, &read, last, &stop_replay));
            if let Err(reason) = outcome {
                warn!(%reason, "the hash rates of before the start cannot be told");
            }
        });
        let stop_keeping = stop.clone();
        let keeping = supervise("workers", stop, self.restarts.clone(), move || {
            workers::keep(workers.clone(), ledger.clone(), stop_keeping.clone())
        });
        async move {
            keeping.await;
            let _ = reading.await;
        }
    }

    /// Tells the webhooks of what happens, until `stop`.
    fn tell_webhooks(&self, stop: CancellationToken) -> impl Future<Output = ()> + Send + 'static {
        let (live, ledger, board) = (self.live.clone(), self.ledger.clone(), self.board.clone());
        let addresses = self.config.addresses.iter().map(Address::to_string).collect();
        let sender = webhooks::Sender { network: self.network, addresses };
        let (counters, stop_telling) = (self.webhooks.clone(), stop.clone());
        supervise("webhooks", stop, self.restarts.clone(), move || {
            let (sender, counters) = (sender.clone(), counters.clone());
            webhooks::run(live.clone(), sender, ledger.clone(), board.clone(), counters, stop_telling.clone())
        })
    }

    fn brake(&self, doublings: u32) {
        if doublings != self.common.brake() {
            let waiting = self.intake.verifier().queued();
            info!(doublings, waiting, "the brake changes all share targets");
            self.common.set_brake(doublings);
        }
    }

    fn summary(&self) -> String {
        let now = self.stats.snapshot();
        let refused: u64 = now.rejected.iter().sum();
        let rate = hashrate::text(self.common.workers.pool_rates(unix_seconds()).ten_minutes);
        format!(
            "{} miners connected, {rate} over 10 minutes, {} shares accepted, {refused} refused, \
             {} too late for their epoch",
            now.connections, now.accepted, now.epoch_ended
        )
    }
}

/// The ports for one run of the sessions; a next run, should this one fail, opens them again.
fn open_doors(listeners: &[(TcpListener, Pinned)]) -> std::io::Result<Vec<Door>> {
    let open = |(listener, pinned): &(TcpListener, Pinned)| {
        let listener = tokio::net::TcpListener::from_std(listener.try_clone()?)?;
        Ok(Door { listener, pinned: *pinned })
    };
    listeners.iter().map(open).collect()
}

/// The parts that need a chain, each a future that runs until `stop`.
#[derive(Clone)]
struct Followers {
    parts: Arc<Parts>,
    chain: ChainHandle,
    stop: CancellationToken,
}

impl Followers {
    fn start(&self) -> JoinSet<()> {
        let mut running = JoinSet::new();
        self.start_one(&mut running, "chain", Self::watch_chain);
        self.start_one(&mut running, "release", Self::release);
        self.start_one(&mut running, "rounds", Self::account);
        self.start_one(&mut running, "recover", Self::recover);
        self.start_one(&mut running, "resume", Self::resume);
        self.start_one(&mut running, "retention", Self::retain);
        self.start_one(&mut running, "health", Self::judge);
        self.start_one(&mut running, "audit", Self::audit);
        self.start_one(&mut running, "prepare", Self::prepare);
        self.start_one(&mut running, "report", Self::report);
        if self.parts.config.sinks != SinksConfig::default() {
            self.start_one(&mut running, "sinks", Self::feed_sinks);
        }
        running
    }

    fn start_one<P, F>(&self, running: &mut JoinSet<()>, name: &'static str, part: P)
    where
        P: Fn(Self) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let this = self.clone();
        let lives = move || part(this.clone());
        running.spawn(supervise(name, self.stop.clone(), self.parts.restarts.clone(), lives));
    }

    async fn watch_chain(self) {
        let (addresses, state) = (self.parts.addresses.clone(), self.parts.state.clone());
        chain::watch::run(self.chain, addresses, state, self.stop).await;
    }

    async fn release(self) {
        let (state, ledger) = (self.parts.state.subscribe(), self.parts.ledger.clone());
        let (inbox, board) = (self.parts.inbox.clone(), self.parts.board.clone());
        let (policy, addresses) = (self.parts.config.release, self.parts.addresses.clone());
        release::run(
            self.chain,
            release::Setup { policy, addresses },
            state,
            ledger,
            inbox,
            board,
            self.stop,
        )
        .await;
    }

    async fn account(self) {
        let config = &self.parts.config;
        let setup = rounds::Setup {
            addresses: config.addresses.iter().copied().collect(),
            shares_dir: config.data.join("shares"),
            rules: self.parts.live.now().rules.clone(),
        };
        let ledger = self.parts.ledger.clone();
        let (settled, board) = (self.parts.settled.clone(), self.parts.board.clone());
        rounds::run(self.chain, setup, ledger, settled, board, self.stop).await;
    }

    /// After any restart.
    async fn recover(self) {
        let (ledger, state) = (self.parts.ledger.clone(), self.parts.state.subscribe());
        recover::run(ledger, &self.parts.intake, state, self.stop).await;
    }

    /// After a restored backup.
    async fn resume(self) {
        resume::run(self.parts.ledger.clone(), self.parts.state.subscribe(), self.stop).await;
    }

    async fn retain(self) {
        rounds::retention::run(self.parts.ledger.clone(), self.parts.live.clone(), self.stop).await;
    }

    async fn judge(self) {
        let (state, disk) = (self.parts.state.subscribe(), self.parts.ledger.healthy());
        health::run(self.chain, state, disk, self.parts.board.clone(), self.stop).await;
    }

    async fn feed_sinks(self) {
        let shares = self.parts.config.data.join("shares");
        let books = Arc::new(LedgerBooks::new(self.parts.ledger.clone(), self.chain, shares));
        let (config, board) = (self.parts.config.sinks.clone(), self.parts.board.clone());
        sinks::run(config, books, self.parts.activity.clone(), board, self.stop).await;
    }

    async fn audit(self) {
        let (state, ledger) = (self.parts.state.subscribe(), self.parts.ledger.clone());
        audit::run(ledger, state, self.parts.board.clone(), self.stop).await;
    }

    async fn prepare(self) {
        let prepared = keep_prepared(self.parts.evaluator.clone(), self.parts.state.subscribe());
        self.stop.run_until_cancelled(prepared).await;
    }

    /// Tells how the verification threads and the puzzle fare, and the log how the pool does.
    async fn report(self) {
        let verifier = self.parts.intake.verifier();
        let mut looks = tokio::time::interval(Duration::from_secs(1));
        let mut last_summary = Instant::now();
        let (mut brake, mut verified, mut silence) =
            (Brake::default(), verifier.verified(), Silence::default());
        while self.stop.run_until_cancelled(looks.tick()).await.is_some() {
            let verification = health::verification(verifier.queued(), verify::CAPACITY);
            self.parts.board.report(Part::Verification, verification);
            self.look_around(&mut silence);
            let before = std::mem::replace(&mut verified, verifier.verified());
            let doublings = brake.look(self.parts.common.now(), verifier.queued(), verified - before);
            self.parts.brake(doublings);
            let puzzle = self.parts.evaluator.stats();
            self.parts.board.report(Part::Puzzle, health::puzzle(&puzzle));
            if last_summary.elapsed() >= SUMMARY_INTERVAL {
                last_summary = Instant::now();
                info!(
                    verified = verifier.verified(),
                    checked_by_snarkvm = nonzero(puzzle.checked),
                    wrong = nonzero(puzzle.wrong),
                    fallback_epochs = nonzero(puzzle.fallback_epochs),
                    "{}",
                    self.parts.summary()
                );
                self.tell_budget();
            }
        }
    }

    /// Reports on what comes in, and on the room there is for it.
    fn look_around(&self, silence: &mut Silence) {
        let (now, board) = (self.parts.stats.snapshot(), &self.parts.board);
        board.report(Part::Shares, silence.look(now.accepted, now.connections, self.parts.common.now()));
        if let Ok(space) = Space::of(&self.parts.config.data) {
            board.report(Part::Disk, space.judge());
        }
    }

    fn tell_budget(&self) {
        for address in self.parts.addresses.all() {
            match Budget::read(&*self.chain, address) {
                Ok(budget) => info!(%address, "{budget}"),
                Err(error) => warn!(%address, %error, "the stake cannot be read"),
            }
        }
    }
}

/// For the log, which leaves out what is `None`.
fn nonzero(count: u64) -> Option<u64> {
    (count > 0).then_some(count)
}

/// Stops on the signals that stop the node, so that the pool settles while the node still runs. SIGHUP is not
/// among them: it asks for a reload.
fn stop_on_signal(stop: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};

    for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::quit()] {
        match signal(kind) {
            Ok(mut stream) => {
                let stop = stop.clone();
                tokio::spawn(async move {
                    if stop.run_until_cancelled(stream.recv()).await.is_some() {
                        stop.cancel();
                    }
                });
            }
            Err(error) => warn!(%error, ?kind, "the pool does not see this signal; it stops with the node"),
        }
    }
}
