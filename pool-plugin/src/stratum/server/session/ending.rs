//! How a session ends: with a last message if there is one, and not before it is read.

use std::time::Duration;

use pool_core::reject::Reject;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    time::timeout,
};
use tracing::debug;

use super::{Flow, Session};
use crate::stratum::{
    server::capture::Spoken,
    wire::{
        codec::MAX_LINE,
        message::{Id, Message},
    },
};

/// Consecutive frames without a request after which the connection is closed.
const MAX_GARBAGE: u32 = 16;
/// How much is read and discarded, at most and for how long, so that our last message arrives.
const LINGER: (u64, Duration) = (1 << 20, Duration::from_secs(1));

impl Session {
    /// The pool stops, or the miner has to reconnect. Miners that understand the request reconnect after a
    /// while, not all at once.
    pub(super) async fn leave(&self) -> Flow {
        let _ = self.ask_to_reconnect().await;
        Flow::Break(())
    }

    pub(super) async fn ask_to_reconnect(&self) -> Flow {
        let password_options = Message::Reconnect { wait: self.server.reconnect_wait() };
        self.send(Spoken::Unasked, &self.dialect.encode(&password_options)).await
    }

    pub(super) async fn garbage(&mut self, id: Id, reject: Reject) -> Flow {
        self.server.stats.count_garbage();
        self.garbage += 1;
        self.refuse(id, reject).await?;
        if self.garbage < MAX_GARBAGE {
            return Flow::Continue(());
        }
        debug!(peer = %self.peer, session = self.id, "a connection sent only garbage");
        self.peer_state.strike(self.logins.last());
        self.close(Reject::TooMuchGarbage(self.dialect.name())).await
    }

    pub(super) async fn line_too_long(&mut self) -> Flow {
        debug!(peer = %self.peer, session = self.id, "a line was too long");
        self.server.stats.count_garbage();
        self.close(Reject::LineTooLong(MAX_LINE)).await
    }

    pub(super) async fn close(&self, reject: Reject) -> Flow {
        let _ = self.refuse(Id::Null, reject).await;
        Flow::Break(())
    }
}

/// Keeps reading for a moment: closing a socket with unread bytes would make the system discard our last
/// message.
pub(in crate::stratum) async fn linger(half: impl AsyncRead + Unpin) {
    let (bytes, time) = LINGER;
    let mut rest = half.take(bytes);
    let _ = timeout(time, tokio::io::copy(&mut rest, &mut tokio::io::sink())).await;
}
