//! The port: takes connections at its doors, gives each its session, and ends them in order.

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
    entrance,
    phrases::Phrases,
    pusher::{self, Feeds},
    returns::Returns,
    stats::Stats,
};
use crate::{
    chain::{ChainState, addresses::Addresses},
    core::reject::Reject,
    stratum::{
        guard::{Stranger, Strangers},
        intake::Intake,
        vardiff,
        wire::{
            dialects::Dialect,
            message::{Id, Message},
        },
    },
};

/// Bounds of the pause after a failed accept: out of file descriptors, mostly.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));
/// When a silent connection is probed, how often, and how many probes may stay unanswered.
const KEEPALIVE: (Duration, Duration, u32) = (Duration::from_secs(60), Duration::from_secs(15), 4);

/// When the port is full: connections that may wait for a stranger to give way, and for how long.
const WAITING: usize = 64;
const GIVING_WAY: Duration = Duration::from_secs(2);
const PLACE_LOOKS: Duration = Duration::from_millis(10);

/// How the port behaves.
#[derive(Clone, Debug)]
pub struct StratumConfig {
    /// The pool's addresses: what miners put into the puzzle.
    pub addresses: Arc<Addresses>,
    /// How share targets are found.
    pub targets: vardiff::Settings,
    pub max_connections: usize,
    /// Submissions of one session that are checked at a time; its socket is not read further meanwhile.
    pub in_flight: usize,
    /// Within this time a miner must subscribe, and within as much again authorize.
    pub handshake_timeout: Duration,
    /// How long a miner may keep a line of ours waiting before it is cut off.
    pub write_timeout: Duration,
    /// What is captured; mostly nothing.
    pub capture: Option<CaptureConfig>,
}

/// What a port is set to, apart from the others.
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
    /// As many as there can be; the connections have some of them, whichever door they came through.
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
    /// How share targets are found.
    pub(super) fn targets(&self) -> vardiff::Settings {
        self.common.targets().unwrap_or(self.config.targets)
    }

    fn max_connections(&self) -> usize {
        self.common.max_connections().unwrap_or(self.config.max_connections)
    }

    /// A place for one connection more. Doors that ask in the same moment may exceed the limit by their number.
    fn slot(&self) -> Option<OwnedSemaphorePermit> {
        let taken = Semaphore::MAX_PERMITS - self.slots.available_permits();
        if taken >= self.max_connections() {
            return None;
        }
        Arc::clone(&self.slots).try_acquire_owned().ok()
    }

    /// Waits for a place that somebody is about to give up.
    async fn next_slot(&self) -> OwnedSemaphorePermit {
        loop {
            match self.slot() {
                Some(slot) => return slot,
                None => sleep(PLACE_LOOKS).await,
            }
        }
    }

    /// How long a miner is to stay away before it connects anew: another time for each.
    pub(super) fn reconnect_wait(&self) -> Duration {
        let miners = self.stats.snapshot().connections;
        self.returns.wait(miners, self.stop.is_cancelled(), rand::random())
    }
}

/// Serves miners at all `doors` until `stop` is cancelled; then takes no more connections or requests, answers
/// every submission in flight, closes, and returns.
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
                // The whole port ends, and is started again by whoever runs it.
                Some(Err(reason)) => {
                    error!(%reason, "a door cannot be served");
                    break;
                }
                None => break,
            },
            Some(ended) = pushing.join_next() => {
                error!(?ended, "no jobs can be pushed");
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
        .inspect_err(|reason| error!(%reason, folder = %capture.folder.display(), "nothing is captured"))
        .ok()
}

/// Takes connections at one door until the stop, and returns once their sessions have ended.
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
                warn!(%reason, "a connection could not be accepted");
                tokio::select! {
                    () = port.stop.cancelled() => break,
                    () = sleep(backoff) => {}
                }
                backoff = (backoff * 2).min(BACKOFF.1);
            }
        }
    }
    info!(dialect = %door.pinned.dialect, sessions = sessions.len(), "a stratum port is closing");
    // The one who made the listener still holds it: without this, miners would connect and never be heard.
    let _ = SockRef::from(&door.listener).shutdown(Shutdown::Both);
    drop(door);
    while let Some(ended) = sessions.join_next().await {
        report_panic(ended);
    }
}

fn set_options(stream: &TcpStream, peer: SocketAddr) {
    let (idle, interval, retries) = KEEPALIVE;
    let keepalive = TcpKeepalive::new().with_time(idle).with_interval(interval).with_retries(retries);
    // Without them the session is only less lively.
    if let Err(reason) =
        stream.set_nodelay(true).and_then(|()| SockRef::from(stream).set_tcp_keepalive(&keepalive))
    {
        debug!(%peer, %reason, "a socket option could not be set");
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

/// The port is full: whoever has been there longest without a login gives way.
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
    debug!(%peer, reason = %reject, limit = port.max_connections(), "a connection was turned away");
    // A fresh socket has room for a line; if not, the miner goes without the reason.
    let farewell = dialect.encode(&Message::refused(Id::Null, reject));
    let _ = stream.into_std().and_then(|mut socket| socket.write_all(&farewell));
}

fn report_panic(ended: Result<(), JoinError>) {
    if let Err(reason) = ended {
        error!(%reason, "a session panicked; the others go on");
    }
}
