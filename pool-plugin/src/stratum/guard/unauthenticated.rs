//! Connections without a login. When the port is full, the oldest of them gives way to a new one: a flood of
//! silent sockets keeps no miner out.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

/// For this long a connection keeps its slot: enough to log in.
const MOMENT: Duration = Duration::from_secs(1);

/// All of them, the oldest first.
#[derive(Default)]
pub struct Unauthenticated(Mutex<Book>);

#[derive(Default)]
struct Book {
    next: u64,
    waiting: BTreeMap<u64, (Instant, CancellationToken)>,
}

/// A connection, until a login succeeds on it or it ends.
pub struct UnauthenticatedSession {
    unauthenticated: Arc<Unauthenticated>,
    number: u64,
    asked: CancellationToken,
}

impl Unauthenticated {
    /// A new connection.
    pub fn enter(self: &Arc<Self>, now: Instant) -> UnauthenticatedSession {
        let asked = CancellationToken::new();
        let mut book = self.0.lock();
        let number = book.next;
        book.next += 1;
        book.waiting.insert(number, (now, asked.clone()));
        UnauthenticatedSession { unauthenticated: Arc::clone(self), number, asked }
    }

    /// Asks the oldest to leave. `false`: there is none, or it is too new.
    pub fn make_room(&self, now: Instant) -> bool {
        let mut book = self.0.lock();
        let Some(oldest) = book.waiting.first_entry() else { return false };
        if now.saturating_duration_since(oldest.get().0) < MOMENT {
            return false;
        }
        let (_, asked) = oldest.remove();
        asked.cancel();
        true
    }
}

impl UnauthenticatedSession {
    /// A login has succeeded: this connection stays.
    pub fn is_known(&self) {
        self.unauthenticated.0.lock().waiting.remove(&self.number);
    }

    /// Returns when the connection has to give way.
    pub async fn asked_to_go(&self) {
        self.asked.cancelled().await;
    }
}

impl Drop for UnauthenticatedSession {
    fn drop(&mut self) {
        self.is_known();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_first_and_nobody_at_once_or_twice() {
        let (unauthenticated, start) = (Arc::new(Unauthenticated::default()), Instant::now());
        let first = unauthenticated.enter(start);
        let second = unauthenticated.enter(start + MOMENT / 2);
        assert!(!unauthenticated.make_room(start + MOMENT / 2));
        assert!(unauthenticated.make_room(start + MOMENT));
        assert!(first.asked.is_cancelled() && !second.asked.is_cancelled());
        assert!(!unauthenticated.make_room(start + MOMENT), "the second has just come");
        assert!(unauthenticated.make_room(start + 2 * MOMENT));
        assert!(second.asked.is_cancelled() && !unauthenticated.make_room(start + 9 * MOMENT));
    }

    #[test]
    fn who_is_known_or_gone_gives_no_way() {
        let (unauthenticated, start) = (Arc::new(Unauthenticated::default()), Instant::now());
        let (known, gone) = (unauthenticated.enter(start), unauthenticated.enter(start));
        known.is_known();
        drop(gone);
        assert!(!unauthenticated.make_room(start + MOMENT) && !known.asked.is_cancelled());
    }
}
