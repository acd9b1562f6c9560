//! Sends changes of the chain to all sessions, on as many threads as there are cores.
//!
//! Waking a task for each of 10,000 sessions takes longer than writing the job to their sockets.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread::available_parallelism,
};

use parking_lot::Mutex;
use tokio::{select, task::JoinSet};
use tracing::error;

use super::{feed::Feed, port::Port};

/// The sessions are split into parts, so that none waits long to connect or to leave.
const PARTS: u64 = 64;
/// More threads would only wait for the network.
const MOST_THREADS: usize = 8;

/// The feeds of all sessions, by the session's number.
pub(super) struct Feeds([Mutex<HashMap<u64, Arc<Feed>>>; PARTS as usize]);

/// A session's entry; dropping it removes the feed.
pub(super) struct Listed {
    feeds: Arc<Feeds>,
    number: u64,
}

impl Default for Feeds {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

impl Feeds {
    /// From here on the session gets pushes, once it has a dialect.
    pub(super) fn list(self: &Arc<Self>, number: u64, feed: Arc<Feed>) -> Listed {
        self.part(number).lock().insert(number, feed);
        Listed { feeds: Arc::clone(self), number }
    }

    fn part(&self, number: u64) -> &Mutex<HashMap<u64, Arc<Feed>>> {
        let [first, ..] = &self.0;
        self.0.get((number % PARTS) as usize).unwrap_or(first)
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.feeds.part(self.number).lock().remove(&self.number);
    }
}

/// Pushes whenever the bell rings, or a session may have to change its address; until it is aborted.
pub(super) async fn run(port: Arc<Port>, feeds: Arc<Feeds>) {
    let mut chain = port.bell.subscribe();
    let mut seats = port.config.addresses.changes();
    loop {
        select! {
            Ok(()) = chain.changed() => {}
            Ok(()) = seats.changed() => {}
            else => return,
        }
        push(&port, &feeds).await;
    }
}

/// Returns when every session was pushed to, or woken to send to its miner itself.
async fn push(port: &Arc<Port>, feeds: &Arc<Feeds>) {
    let next = Arc::new(AtomicU64::new(0));
    // No miner is always the first.
    let first: u64 = rand::random();
    let mut threads = JoinSet::new();
    for _ in 0..available_parallelism().map_or(1, usize::from).min(MOST_THREADS) {
        let (port, feeds, next) = (Arc::clone(port), Arc::clone(feeds), Arc::clone(&next));
        // Not on the runtime's own threads: they have the node's work to do.
        threads.spawn_blocking(move || {
            while let Some(part) = Some(next.fetch_add(1, Relaxed)).filter(|taken| *taken < PARTS) {
                push_part(&port, &feeds, first.wrapping_add(part));
            }
        });
    }
    while threads.join_next().await.is_some() {}
}

fn push_part(port: &Port, feeds: &Feeds, part: u64) {
    let feeds: Vec<Arc<Feed>> = feeds.part(part).lock().values().cloned().collect();
    for feed in feeds {
        // One session's failure must not stop the news for the others.
        if catch_unwind(AssertUnwindSafe(|| feed.follow(port))).is_err() {
            error!("failed to push a job; asking the miner to reconnect");
            feed.give_up();
        }
    }
}
