//! The port: accepts connections at its listeners, gives each a session, and ends them in order.

use std::{
    io::Write,
    net::{Shutdown, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use pool_core::{chain::ChainState, reject::Reject};
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, watch},
    task::{JoinError, JoinSet},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use super::{
    common::Common,
    port::{Pinned, Port, StratumConfig},
    pusher::{self, Feeds},
    receive::receive,
    session::Guest,
    stats::Stats,
};
use crate::stratum::{
    intake::Intake,
    wire::{
        dialects::Dialect,
        message::{Id, Message},
    },
};

/// Bounds of the pause after a failed accept: mostly a lack of file descriptors.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));
/// When a silent connection is probed, how often, and how many probes may go unanswered.
const KEEPALIVE: (Duration, Duration, u32) = (Duration::from_secs(60), Duration::from_secs(15), 4);

/// When the port is full: how long a connection waits for a stranger to give way.
const GIVING_WAY: Duration = Duration::from_secs(2);

/// A socket that miners connect to.
#[derive(Debug)]
pub struct Door {
    pub listener: TcpListener,
    pub pinned: Pinned,
}

/// A connection that has no place yet.
struct Caller {
    door: Pinned,
    peer: SocketAddr,
    feeds: Arc<Feeds>,
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
    let state = *chain.borrow_and_update();
    let port = Arc::new(Port::new(config, intake, stats, common, state, stop));
    let feeds = Arc::new(Feeds::default());
    let mut guarded: JoinSet<()> =
        doors.into_iter().map(|door| guard(Arc::clone(&port), Arc::clone(&feeds), door)).collect();
    let mut pushing = JoinSet::new();
    pushing.spawn(pusher::run(Arc::clone(&port), feeds));
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

/// Accepts connections at one listener until the stop, and returns once their sessions have ended.
async fn guard(port: Arc<Port>, feeds: Arc<Feeds>, door: Door) {
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
                        let caller = Caller { door: door.pinned, peer, feeds: Arc::clone(&feeds) };
                        sessions.spawn(welcome(Arc::clone(&port), caller, stream, slot));
                    }
                    None => {
                        let caller = Caller { door: door.pinned, peer, feeds: Arc::clone(&feeds) };
                        make_room(&port, caller, &mut sessions, stream);
                    }
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

async fn welcome(port: Arc<Port>, caller: Caller, stream: TcpStream, slot: OwnedSemaphorePermit) {
    let Caller { door, peer, feeds } = caller;
    let stranger = port.strangers.enter(Instant::now());
    receive(port, Guest { door, peer, feeds, slot, stranger }, stream).await;
}

/// The port is full: the oldest connection without a login gives way.
fn make_room(port: &Arc<Port>, caller: Caller, sessions: &mut JoinSet<()>, stream: TcpStream) {
    let (dialect, peer) = (caller.door.dialect, caller.peer);
    let Ok(waiting) = Arc::clone(&port.waiting).try_acquire_owned() else {
        return turn_away(port, dialect, stream, peer, Reject::PoolFull);
    };
    if !port.strangers.make_room(Instant::now()) {
        return turn_away(port, dialect, stream, peer, Reject::PoolFull);
    }
    let port = Arc::clone(port);
    sessions.spawn(async move {
        let slot = timeout(GIVING_WAY, port.next_slot()).await;
        drop(waiting);
        match slot {
            Ok(slot) => welcome(port, caller, stream, slot).await,
            Err(_) => turn_away(&port, dialect, stream, peer, Reject::PoolFull),
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
