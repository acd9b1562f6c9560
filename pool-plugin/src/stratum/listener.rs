//! The port: accepts connections at its listeners, gives each a session, and ends them in order.

use std::{
    io::Write,
    net::{Shutdown, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::{JoinError, JoinSet},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{debug, error, info, warn};

use super::{
    bell::Bell,
    capture::{CaptureConfig, Recorder},
    common::Common,
    dialects::Dialect,
    entrance,
    message::{Id, Message},
    phrases::Phrases,
    pusher::{self, Feeds},
    returns::Returns,
    stats::Stats,
};
use crate::{
    addresses::Addresses,
    chain::ChainState,
    guard::{Stranger, Strangers},
    intake::Intake,
    reject::Reject,
    vardiff,
};

/// Bounds of the pause after a failed accept: mostly a lack of file descriptors.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));
/// When a silent connection is probed, how often, and how many probes may go unanswered.
const KEEPALIVE: (Duration, Duration, u32) = (Duration::from_secs(60), Duration::from_secs(15), 4);

/// When the port is full: connections that may wait for a stranger to give way, and for how long.
const WAITING: usize = 64;
const GIVING_WAY: Duration = Duration::from_secs(2);
const PLACE_LOOKS: Duration = Duration::from_millis(10);

/// The settings of the port.
#[derive(Clone, Debug)]
pub struct StratumConfig {
    /// The pool's addresses: the prover addresses in the puzzle.
    pub addresses: Arc<Addresses>,
    /// How share targets are chosen.
    pub targets: vardiff::Settings,
    pub max_connections: usize,
    /// Submissions of one session that are verified at a time; until one is done its socket is not read
    /// further.
    pub in_flight: usize,
    /// Within this time a miner must subscribe, and within the same time again authorize.
    pub handshake_timeout: Duration,
    /// How long a miner may leave a line of ours unread before it is disconnected.
    pub write_timeout: Duration,
    /// What is captured; usually nothing.
    pub capture: Option<CaptureConfig>,
}

/// A port's own settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pinned {
    pub dialect: Dialect,
    /// One share target for all its miners that ask for no other.
    pub fixed_target: Option<u64>,
}

/// A socket that miners connect to.
#[derive(Debug)]
pub struct Door {
    pub listener: TcpListener,
    pub pinned: Pinned,
}

/// A connection that has a place.
pub(super) struct Guest {
    pub(super) door: Pinned,
    pub(super) peer: SocketAddr,
    pub(super) slot: OwnedSemaphorePermit,
    pub(super) stranger: Stranger,
}

/// What all sessions share.
pub(super) struct Port {
    pub(super) config: StratumConfig,
    pub(super) intake: Arc<Intake>,
    pub(super) stats: Arc<Stats>,
    pub(super) bell: Bell,
    pub(super) phrases: Phrases,
    pub(super) feeds: Feeds,
    /// Submissions in flight. They outlive their sessions: a find must not be lost with a connection.
    pub(super) submissions: TaskTracker,
    pub(super) recorder: Option<Recorder>,
    /// As many as can ever exist; the connections of all listeners hold some of them.
    slots: Arc<Semaphore>,
    pub(super) stop: CancellationToken,
    pub(super) common: Arc<Common>,
    /// One for every connection that waits for a place.
    waiting: Arc<Semaphore>,
    strangers: Arc<Strangers>,
    returns: Returns,
}

impl StratumConfig {
    /// The defaults, for a pool of these addresses.
    pub fn new(addresses: Arc<Addresses>, targets: vardiff::Settings) -> Self {
        Self {
            addresses,
            targets,
            max_connections: 4096,
            in_flight: 32,
            handshake_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(15),
            capture: None,
        }
    }
}

impl Port {
    /// How share targets are chosen.
    pub(super) fn targets(&self) -> vardiff::Settings {
        self.common.targets().unwrap_or(self.config.targets)
    }

    fn max_connections(&self) -> usize {
        self.common.max_connections().unwrap_or(self.config.max_connections)
    }

    /// A place for one more connection. Listeners that ask at the same moment may exceed the limit by their
    /// number.
    fn slot(&self) -> Option<OwnedSemaphorePermit> {
        let taken = Semaphore::MAX_PERMITS - self.slots.available_permits();
        if taken >= self.max_connections() {
            return None;
        }
        Arc::clone(&self.slots).try_acquire_owned().ok()
    }

    /// Waits for a place that is about to be freed.
    async fn next_slot(&self) -> OwnedSemaphorePermit {
        loop {
            match self.slot() {
                Some(slot) => return slot,
                None => sleep(PLACE_LOOKS).await,
            }
        }
    }

    /// How long a miner should wait before it reconnects: a different time for each.
    pub(super) fn reconnect_wait(&self) -> Duration {
        let miners = self.stats.snapshot().connections;
        self.returns.wait(miners, self.stop.is_cancelled(), rand::random())
    }
}

/// Serves miners at all `doors` until `stop` is cancelled; then accepts no more connections or requests,
/// answers every submission in flight, closes, and returns.
pub async fn serve(
    doors: Vec<Door>,
    config: StratumConfig,
    intake: Arc<Intake>,
    stats: Arc<Stats>,
    common: Arc<Common>,
    mut chain: watch::Receiver<ChainState>,
    stop: CancellationToken,
) {
    let slots = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
    let (phrases, feeds, submissions) = (Phrases::default(), Feeds::default(), TaskTracker::new());
    let bell = Bell::new(*chain.borrow_and_update());
    let port = Arc::new(Port {
        recorder: start_recorder(&config),
        config,
        intake,
        stats,
        bell,
        phrases,
        feeds,
        submissions,
        slots,
        waiting: Arc::new(Semaphore::new(WAITING)),
        strangers: Arc::default(),
        returns: Returns::default(),
        stop,
        common,
    });
    let mut guarded: JoinSet<()> = doors.into_iter().map(|door| guard(Arc::clone(&port), door)).collect();
    let mut pushing = JoinSet::new();
    pushing.spawn(pusher::run(Arc::clone(&port)));
    let mut chain_lives = true;
    loop {
        tokio::select! {
            ended = guarded.join_next() => match ended {
                Some(Ok(())) => {}
                // The whole port ends, and its supervisor starts it again.
                Some(Err(reason)) => {
                    error!(%reason, "a stratum listener failed");
                    break;
                }
                None => break,
            },
            Some(ended) = pushing.join_next() => {
                error!(?ended, "the job pusher ended");
                break;
            }
            changed = chain.changed(), if chain_lives => {
                chain_lives = changed.is_ok();
                port.bell.follow(*chain.borrow_and_update());
                port.intake.chain_changed();
            }
        }
    }
    port.submissions.close();
    port.submissions.wait().await;
}

fn start_recorder(config: &StratumConfig) -> Option<Recorder> {
    let capture = config.capture.as_ref()?;
    let started = Recorder::start(capture);
    started
        .inspect_err(|reason| error!(%reason, folder = %capture.folder.display(), "capturing nothing"))
        .ok()
}

/// Accepts connections at one listener until the stop, and returns once their sessions have ended.
async fn guard(port: Arc<Port>, door: Door) {
    let mut sessions = JoinSet::new();
    let mut backoff = BACKOFF.0;
    loop {
        let accepted = tokio::select! {
            () = port.stop.cancelled() => break,
            Some(ended) = sessions.join_next(), if !sessions.is_empty() => {
                report_panic(ended);
                continue;
            }
            accepted = door.listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                backoff = BACKOFF.0;
                set_options(&stream, peer);
                if let Some(closing) = port.bell.state().sync.closing() {
                    turn_away(&port, door.pinned.dialect, stream, peer, closing);
                    continue;
                }
                match port.slot() {
                    Some(slot) => {
                        let (port, pinned) = (Arc::clone(&port), door.pinned);
                        sessions.spawn(welcome(port, pinned, stream, peer, slot));
                    }
                    None => make_room(&port, door.pinned, &mut sessions, stream, peer),
                }
            }
            Err(reason) => {
                warn!(%reason, "could not accept a connection");
                tokio::select! {
                    () = port.stop.cancelled() => break,
                    () = sleep(backoff) => {}
                }
                backoff = (backoff * 2).min(BACKOFF.1);
            }
        }
    }
    info!(dialect = %door.pinned.dialect, sessions = sessions.len(), "closing a stratum port");
    // The socket stays open elsewhere in the process: without this, miners would connect and get no answer.
    let _ = SockRef::from(&door.listener).shutdown(Shutdown::Both);
    drop(door);
    while let Some(ended) = sessions.join_next().await {
        report_panic(ended);
    }
}

fn set_options(stream: &TcpStream, peer: SocketAddr) {
    let (idle, interval, retries) = KEEPALIVE;
    let keepalive = TcpKeepalive::new().with_time(idle).with_interval(interval).with_retries(retries);
    // Without them the session only reacts more slowly.
    if let Err(reason) =
        stream.set_nodelay(true).and_then(|()| SockRef::from(stream).set_tcp_keepalive(&keepalive))
    {
        debug!(%peer, %reason, "could not set a socket option");
    }
}

async fn welcome(
    port: Arc<Port>,
    door: Pinned,
    stream: TcpStream,
    peer: SocketAddr,
    slot: OwnedSemaphorePermit,
) {
    let stranger = port.strangers.enter(Instant::now());
    entrance::receive(port, Guest { door, peer, slot, stranger }, stream).await;
}

/// The port is full: the oldest connection without a login gives way.
fn make_room(
    port: &Arc<Port>,
    door: Pinned,
    sessions: &mut JoinSet<()>,
    stream: TcpStream,
    peer: SocketAddr,
) {
    let Ok(waiting) = Arc::clone(&port.waiting).try_acquire_owned() else {
        return turn_away(port, door.dialect, stream, peer, Reject::PoolFull);
    };
    if !port.strangers.make_room(Instant::now()) {
        return turn_away(port, door.dialect, stream, peer, Reject::PoolFull);
    }
    let port = Arc::clone(port);
    sessions.spawn(async move {
        let slot = timeout(GIVING_WAY, port.next_slot()).await;
        drop(waiting);
        match slot {
            Ok(slot) => welcome(port, door, stream, peer, slot).await,
            Err(_) => turn_away(&port, door.dialect, stream, peer, Reject::PoolFull),
        }
    });
}

fn turn_away(port: &Port, dialect: Dialect, stream: TcpStream, peer: SocketAddr, reject: Reject) {
    port.stats.count_turned_away();
    debug!(%peer, reason = %reject, limit = port.max_connections(), "refused a connection");
    // A fresh socket has room for a line; if not, the miner does not get the reason.
    let farewell = dialect.encode(&Message::refused(Id::Null, reject));
    let _ = stream.into_std().and_then(|mut socket| socket.write_all(&farewell));
}

fn report_panic(ended: Result<(), JoinError>) {
    if let Err(reason) = ended {
        error!(%reason, "a session panicked; the others go on");
    }
}
