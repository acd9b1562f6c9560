//! From an accepted socket to a session: who really connects (PROXY protocol), whether it may (bans, limits
//! of its address), and TLS, which the first byte shows.

use std::{future::Future, io, sync::Arc};

use pool_core::reject::Reject;
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    time::{Duration, Instant, sleep, timeout, timeout_at},
};
use tracing::debug;

use super::{
    proxy,
    session::{self, Incoming, Session},
    shared::Server,
};
use crate::stratum::{
    guard::PeerState,
    wire::message::{Id, Message},
};

/// How a TLS connection begins: a handshake record of version 3. No dialect of lines begins with the first
/// byte, and no length-prefixed frame with both, since it would be too long.
const TLS_HANDSHAKE: [u8; 2] = [0x16, 0x03];
/// When to check again for the second byte.
const SECOND_BYTE: Duration = Duration::from_millis(10);

/// Accepts a connection and runs its session to the end.
pub(super) async fn receive(server: Arc<Server>, mut guest: Incoming, mut stream: TcpStream) {
    let deadline = Instant::now() + server.config.handshake_timeout;
    let common = Arc::clone(&server);
    let accept = &common.accept;
    let peer = guest.peer;
    let behind_proxy = proxy::is_trusted(&accept.proxies.read(), peer.ip());
    let entered = if behind_proxy {
        match in_time(deadline, &guest, proxy::read_header(&mut stream)).await {
            Ok(client) => {
                guest.peer = client.unwrap_or(peer);
                accept.gate.enter_behind(peer.ip(), client.map(|client| client.ip()))
            }
            Err(reason) => return debug!(%peer, %reason, "a listed proxy sent no valid PROXY header"),
        }
    } else {
        accept.gate.enter(peer.ip())
    };
    let peer = guest.peer;
    let ticket = match entered {
        Ok(ticket) => ticket,
        Err(reject) => {
            server.stats.count_turned_away();
            debug!(%peer, reason = %reject, "refused a connection");
            return say_farewell(&server, guest, stream, reject).await;
        }
    };
    let Some(tls) = &accept.tls else {
        return Session::run(server, guest, stream, PeerState::new(ticket, false)).await;
    };
    match in_time(deadline, &guest, begins_with_tls(&stream)).await {
        Ok(Some(true)) => match in_time(deadline, &guest, tls.acceptor().accept(stream)).await {
            Ok(stream) => Session::run(server, guest, stream, PeerState::new(ticket, true)).await,
            Err(reason) => debug!(%peer, %reason, "a TLS handshake failed"),
        },
        Ok(None) => {}
        Ok(Some(false)) => Session::run(server, guest, stream, PeerState::new(ticket, false)).await,
        Err(reason) => {
            debug!(%peer, %reason, "a connection stayed silent");
            let reject = match reason.kind() {
                io::ErrorKind::TimedOut => Reject::HandshakeTimeout("mining.subscribe"),
                _ => Reject::PoolFull,
            };
            say_farewell(&server, guest, stream, reject).await;
        }
    }
}

/// Whether a connection begins as TLS does; `None` if it ends before it has begun.
async fn begins_with_tls(stream: &TcpStream) -> io::Result<Option<bool>> {
    loop {
        let mut head = [0; 2];
        match (stream.peek(&mut head).await?, head) {
            (0, _) => return Ok(None),
            (1, [first, _]) if first == TLS_HANDSHAKE[0] => sleep(SECOND_BYTE).await,
            (_, head) => return Ok(Some(head == TLS_HANDSHAKE)),
        }
    }
}

/// A step before the session begins: it ends at the deadline, or when another connection needs the place.
async fn in_time<T>(
    deadline: Instant,
    guest: &Incoming,
    step: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    tokio::select! {
        done = timeout_at(deadline, step) => done.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())),
        () = guest.unauthenticated.asked_to_go() => Err(io::ErrorKind::Interrupted.into()),
    }
}

/// Sends the reason, if the miner's dialect is known and it reads it at once.
async fn say_farewell(server: &Server, guest: Incoming, mut stream: TcpStream, reject: Reject) {
    let bytes = guest.settings.dialect.encode(&Message::refused(Id::Null, reject));
    // Its place is free from now on.
    drop(guest);
    let _ = timeout(server.config.write_timeout, stream.write_all(&bytes)).await;
    let _ = stream.shutdown().await;
    session::linger(stream).await;
}
