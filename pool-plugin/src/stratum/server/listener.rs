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
use tracing::{debug, error, info, warn};

use super::{
    broadcaster::{self, JobChannels},
    config::PortSettings,
    receive::receive,
    session::Incoming,
    shared::Server,
};
use crate::stratum::wire::{
    dialects::Dialect,
    message::{Id, Message},
};

/// Bounds of the pause after a failed accept: mostly a lack of file descriptors.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));
/// When a silent connection is probed, how often, and how many probes may go unanswered.
const KEEPALIVE: (Duration, Duration, u32) = (Duration::from_secs(60), Duration::from_secs(15), 4);

/// When the server is full: how long a connection waits for one without a login to give way.
const GIVING_WAY: Duration = Duration::from_secs(2);

/// A socket that miners connect to.
#[derive(Debug)]
pub struct Listener {
    pub socket: TcpListener,
    pub settings: PortSettings,
}

/// A connection that has no slot yet.
struct Arrival {
    settings: PortSettings,
    peer: SocketAddr,
    job_channels: Arc<JobChannels>,
}

/// Serves miners at all `listeners` until the server is stopped; then accepts no more connections or requests,
/// answers every submission in flight, closes, and returns. May be called again after it returned.
pub async fn serve(server: Arc<Server>, listeners: Vec<Listener>, mut chain: watch::Receiver<ChainState>) {
    server.chain_news.follow(*chain.borrow_and_update());
    let job_channels = Arc::new(JobChannels::default());
    let mut accepting: JoinSet<()> = listeners
        .into_iter()
        .map(|listener| accept(Arc::clone(&server), Arc::clone(&job_channels), listener))
        .collect();
    let mut broadcasting = JoinSet::new();
    broadcasting.spawn(broadcaster::run(Arc::clone(&server), job_channels));
    let mut chain_lives = true;
    loop {
        tokio::select! {
            ended = accepting.join_next() => match ended {
                Some(Ok(())) => {}
                // All listeners end, and their supervisor starts them again.
                Some(Err(reason)) => {
                    error!(%reason, "a stratum listener failed");
                    break;
                }
                None => break,
            },
            Some(ended) = broadcasting.join_next() => {
                error!(?ended, "the job broadcaster ended");
                break;
            }
            changed = chain.changed(), if chain_lives => {
                chain_lives = changed.is_ok();
                server.chain_news.follow(*chain.borrow_and_update());
                server.intake.chain_changed();
            }
        }
    }
    server.submissions.close();
    server.submissions.wait().await;
}

/// Accepts connections at one listener until the stop, and returns once their sessions have ended.
async fn accept(server: Arc<Server>, job_channels: Arc<JobChannels>, listener: Listener) {
    let mut sessions = JoinSet::new();
    let mut backoff = BACKOFF.0;
    loop {
        let accepted = tokio::select! {
            () = server.stop().cancelled() => break,
            Some(ended) = sessions.join_next(), if !sessions.is_empty() => {
                report_panic(ended);
                continue;
            }
            accepted = listener.socket.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                backoff = BACKOFF.0;
                set_options(&stream, peer);
                if let Some(closing) = server.chain_news.state().sync.closing() {
                    turn_away(&server, listener.settings.dialect, stream, peer, closing);
                    continue;
                }
                match server.slot() {
                    Some(slot) => {
                        let caller = Arrival {
                            settings: listener.settings,
                            peer,
                            job_channels: Arc::clone(&job_channels),
                        };
                        sessions.spawn(welcome(Arc::clone(&server), caller, stream, slot));
                    }
                    None => {
                        let caller = Arrival {
                            settings: listener.settings,
                            peer,
                            job_channels: Arc::clone(&job_channels),
                        };
                        make_room(&server, caller, &mut sessions, stream);
                    }
                }
            }
            Err(reason) => {
                warn!(%reason, "could not accept a connection");
                tokio::select! {
                    () = server.stop().cancelled() => break,
                    () = sleep(backoff) => {}
                }
                backoff = (backoff * 2).min(BACKOFF.1);
            }
        }
    }
    info!(dialect = %listener.settings.dialect, sessions = sessions.len(), "closing a stratum port");
    // The socket stays open elsewhere in the process: without this, miners would connect and get no answer.
    let _ = SockRef::from(&listener.socket).shutdown(Shutdown::Both);
    drop(listener);
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

async fn welcome(server: Arc<Server>, caller: Arrival, stream: TcpStream, slot: OwnedSemaphorePermit) {
    let Arrival { settings, peer, job_channels } = caller;
    let unauthenticated = server.unauthenticated.enter(Instant::now());
    receive(server, Incoming { settings, peer, job_channels, slot, unauthenticated }, stream).await;
}

/// The port is full: the oldest connection without a login gives way.
fn make_room(server: &Arc<Server>, caller: Arrival, sessions: &mut JoinSet<()>, stream: TcpStream) {
    let (dialect, peer) = (caller.settings.dialect, caller.peer);
    let Ok(waiting) = Arc::clone(&server.waiting).try_acquire_owned() else {
        return turn_away(server, dialect, stream, peer, Reject::PoolFull);
    };
    if !server.unauthenticated.make_room(Instant::now()) {
        return turn_away(server, dialect, stream, peer, Reject::PoolFull);
    }
    let server = Arc::clone(server);
    sessions.spawn(async move {
        let slot = timeout(GIVING_WAY, server.next_slot()).await;
        drop(waiting);
        match slot {
            Ok(slot) => welcome(server, caller, stream, slot).await,
            Err(_) => turn_away(&server, dialect, stream, peer, Reject::PoolFull),
        }
    });
}

fn turn_away(server: &Server, dialect: Dialect, stream: TcpStream, peer: SocketAddr, reject: Reject) {
    server.stats.count_turned_away();
    debug!(%peer, reason = %reject, limit = server.max_connections(), "refused a connection");
    // A fresh socket has room for a line; if not, the miner does not get the reason.
    let farewell = dialect.encode(&Message::refused(Id::Null, reject));
    let _ = stream.into_std().and_then(|mut socket| socket.write_all(&farewell));
}

fn report_panic(ended: Result<(), JoinError>) {
    if let Err(reason) = ended {
        error!(%reason, "a session panicked; the others go on");
    }
}
