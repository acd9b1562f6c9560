//! Sends to a miner: at once while its socket accepts it, else by a task that lives until the miner has
//! caught up.
//!
//! So a miner that reads needs no task and no buffer, and a job goes from the session that learns of it
//! straight to the socket.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    sync::Notify,
    time::timeout,
};
use tracing::debug;

/// Bytes that may wait for a slow reader before the sender waits too.
const BACKLOG: usize = 16 * 1024;

type Half = Pin<Box<dyn AsyncWrite + Send>>;

/// The writing half of a connection, for everything that sends to its miner.
#[derive(Clone)]
pub(super) struct Outbox(Arc<OutboxShared>);

/// The connection has failed, or its miner does not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Broken;

struct OutboxShared {
    state: Mutex<OutboxState>,
    /// How long a miner may leave bytes of ours unread before it is disconnected.
    limit: Duration,
    /// The state has changed.
    changed: Notify,
}

struct OutboxState {
    writer: OutboxWriter,
    /// Accepted, and not yet written.
    backlog: Vec<u8>,
}

enum OutboxWriter {
    /// All is written.
    Idle(Half),
    /// A task has the connection and writes the backlog.
    CatchingUp,
    Broken,
}

impl Outbox {
    pub(super) fn new(half: impl AsyncWrite + Send + 'static, limit: Duration) -> Self {
        let state = OutboxState { writer: OutboxWriter::Idle(Box::pin(half)), backlog: Vec::new() };
        Self(Arc::new(OutboxShared { state: Mutex::new(state), limit, changed: Notify::new() }))
    }

    /// Returns when `bytes` are written or are in the backlog.
    pub(super) async fn send(&self, bytes: &[u8]) -> Result<(), Broken> {
        loop {
            let changed = self.0.changed.notified();
            if let Some(sent) = self.try_send(bytes) {
                return sent;
            }
            changed.await;
        }
    }

    /// Never waits; `None`: there is no room now.
    pub(super) fn try_send(&self, bytes: &[u8]) -> Option<Result<(), Broken>> {
        let mut state = self.0.state.lock();
        match &mut state.writer {
            OutboxWriter::Broken => return Some(Err(Broken)),
            OutboxWriter::CatchingUp => {
                if state.backlog.len() >= BACKLOG {
                    return None;
                }
                state.backlog.extend_from_slice(bytes);
            }
            OutboxWriter::Idle(half) => match write_now(half.as_mut(), bytes) {
                Ok(SendOutcome::All) => {}
                Ok(SendOutcome::Partly(count)) => {
                    state.backlog.extend_from_slice(bytes.get(count..).unwrap_or_default());
                    if let OutboxWriter::Idle(half) =
                        std::mem::replace(&mut state.writer, OutboxWriter::CatchingUp)
                    {
                        tokio::spawn(catch_up(Arc::clone(&self.0), half));
                    }
                }
                Err(_) => {
                    self.0.fail(&mut state);
                    return Some(Err(Broken));
                }
            },
        }
        Some(Ok(()))
    }

    /// Returns when nothing can be sent any more.
    pub(super) async fn broken(&self) {
        loop {
            let changed = self.0.changed.notified();
            if matches!(self.0.state.lock().writer, OutboxWriter::Broken) {
                return;
            }
            changed.await;
        }
    }

    /// Ends the connection's writing half, once all is written.
    pub(super) async fn finish(&self) {
        let mut half = loop {
            let changed = self.0.changed.notified();
            {
                let mut state = self.0.state.lock();
                match std::mem::replace(&mut state.writer, OutboxWriter::Broken) {
                    OutboxWriter::Idle(half) => break half,
                    OutboxWriter::CatchingUp => state.writer = OutboxWriter::CatchingUp,
                    OutboxWriter::Broken => return,
                }
            }
            changed.await;
        };
        let _ = timeout(self.0.limit, half.shutdown()).await;
    }
}

impl OutboxShared {
    fn fail(&self, state: &mut OutboxState) {
        *state = OutboxState { writer: OutboxWriter::Broken, backlog: Vec::new() };
        self.changed.notify_waiters();
    }
}

enum SendOutcome {
    All,
    /// This many bytes, or all, of which the connection itself still holds some.
    Partly(usize),
}

/// Writes what can be written without waiting.
fn write_now(mut half: Pin<&mut (dyn AsyncWrite + Send)>, bytes: &[u8]) -> io::Result<SendOutcome> {
    // No waker is needed: the task sends the rest, and polls again.
    let mut context = Context::from_waker(Waker::noop());
    let mut count = 0;
    while let Some(rest) = bytes.get(count..).filter(|rest| !rest.is_empty()) {
        match half.as_mut().poll_write(&mut context, rest) {
            Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
            Poll::Ready(written) => count += written?,
            Poll::Pending => return Ok(SendOutcome::Partly(count)),
        }
    }
    match half.poll_flush(&mut context) {
        Poll::Ready(flushed) => flushed.map(|()| SendOutcome::All),
        Poll::Pending => Ok(SendOutcome::Partly(count)),
    }
}

/// Writes the backlog until it is empty, the connection fails, or the miner does not read.
async fn catch_up(shared: Arc<OutboxShared>, mut half: Half) {
    loop {
        let bytes = std::mem::take(&mut shared.state.lock().backlog);
        shared.changed.notify_waiters();
        let written = timeout(shared.limit, async {
            half.write_all(&bytes).await?;
            half.flush().await
        });
        let written = match written.await {
            Ok(written) => written,
            Err(_) => {
                debug!("a miner does not read its lines");
                Err(io::ErrorKind::TimedOut.into())
            }
        };
        let mut state = shared.state.lock();
        if written.is_err() {
            return shared.fail(&mut state);
        }
        if state.backlog.is_empty() {
            *state = OutboxState { writer: OutboxWriter::Idle(half), backlog: Vec::new() };
            return shared.changed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, DuplexStream, duplex};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(15);

    fn connected(room: usize) -> (Outbox, DuplexStream) {
        let (ours, theirs) = duplex(room);
        (Outbox::new(ours, LIMIT), theirs)
    }

    async fn read(miner: &mut DuplexStream, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        miner.read_exact(&mut bytes).await.unwrap();
        bytes
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_socket_takes_is_there_at_once() {
        let (outbox, mut miner) = connected(64);
        assert_eq!(outbox.try_send(b"one\n"), Some(Ok(())));
        assert_eq!(read(&mut miner, 4).await, b"one\n");
        assert!(matches!(outbox.0.state.lock().writer, OutboxWriter::Idle(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn what_it_does_not_take_follows_in_order_and_then_it_is_as_before() {
        let (outbox, mut miner) = connected(10);
        let mut sent = Vec::new();
        for number in 0u8..100 {
            outbox.send(&[number; 7]).await.unwrap();
            sent.extend([number; 7]);
        }
        assert_eq!(read(&mut miner, 700).await, sent);
        outbox.send(b"again").await.unwrap();
        assert_eq!(read(&mut miner, 5).await, b"again");
        assert!(matches!(outbox.0.state.lock().writer, OutboxWriter::Idle(_)));
        assert_eq!(outbox.0.state.lock().backlog.capacity(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_backlog_holds_up_the_sender_until_the_miner_reads() {
        let (outbox, mut miner) = connected(1);
        let message = [7; 1024];
        let mut accepted = 0;
        while timeout(Duration::from_secs(1), outbox.send(&message)).await.is_ok() {
            accepted += 1;
        }
        // A backlog in the task's hands, and one behind it.
        assert_eq!(accepted, 2 * BACKLOG / message.len() + 1);
        read(&mut miner, BACKLOG + message.len()).await;
        assert_eq!(timeout(Duration::from_secs(1), outbox.send(&message)).await, Ok(Ok(())));
    }

    #[tokio::test(start_paused = true)]
    async fn a_miner_that_does_not_read_is_given_up() {
        let (outbox, miner) = connected(1);
        outbox.send(b"a line").await.unwrap();
        timeout(LIMIT * 2, outbox.broken()).await.unwrap();
        assert_eq!(outbox.send(b"more").await, Err(Broken));
        drop(miner);
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_connection_is_noticed_by_who_sends() {
        let (outbox, miner) = connected(64);
        drop(miner);
        assert_eq!(outbox.send(b"a line").await, Err(Broken));
        timeout(LIMIT, outbox.broken()).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_comes_after_the_last_byte() {
        let (outbox, mut miner) = connected(2);
        outbox.send(b"farewell").await.unwrap();
        let reader = tokio::spawn(async move {
            let mut all = String::new();
            miner.read_to_string(&mut all).await.unwrap();
            all
        });
        outbox.finish().await;
        assert_eq!(reader.await.unwrap(), "farewell");
        assert_eq!(outbox.send(b"more").await, Err(Broken));
    }
}
