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

use super::{job_channel::JobChannel, shared::Server};

/// The sessions are split into parts, so that none waits long to connect or to leave.
const PARTS: u64 = 64;
/// More threads would only wait for the network.
const MOST_THREADS: usize = 8;

/// The job channels of all sessions, by the session's number.
pub(super) struct JobChannels([Mutex<HashMap<u64, Arc<JobChannel>>>; PARTS as usize]);

/// A session's entry; dropping it removes the channel.
pub(super) struct Listed {
    job_channels: Arc<JobChannels>,
    number: u64,
}

impl Default for JobChannels {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

impl JobChannels {
    /// From here on the session gets pushes, once it has a dialect.
    pub(super) fn list(self: &Arc<Self>, number: u64, job_channel: Arc<JobChannel>) -> Listed {
        self.part(number).lock().insert(number, job_channel);
        Listed { job_channels: Arc::clone(self), number }
    }

    fn part(&self, number: u64) -> &Mutex<HashMap<u64, Arc<JobChannel>>> {
        let [first, ..] = &self.0;
        self.0.get((number % PARTS) as usize).unwrap_or(first)
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.job_channels.part(self.number).lock().remove(&self.number);
    }
}

/// Pushes whenever there is news of the chain, or a session may have to change its address; until it is aborted.
pub(super) async fn run(server: Arc<Server>, job_channels: Arc<JobChannels>) {
    let mut chain = server.chain_news.subscribe();
    let mut assignments = server.config.addresses.changes();
    loop {
        select! {
            Ok(()) = chain.changed() => {}
            Ok(()) = assignments.changed() => {}
            else => return,
        }
        push(&server, &job_channels).await;
    }
}

/// Returns when every session was pushed to, or woken to send to its miner itself.
async fn push(server: &Arc<Server>, job_channels: &Arc<JobChannels>) {
    let next = Arc::new(AtomicU64::new(0));
    // No miner is always the first.
    let first: u64 = rand::random();
    let mut threads = JoinSet::new();
    for _ in 0..available_parallelism().map_or(1, usize::from).min(MOST_THREADS) {
        let (server, job_channels, next) = (Arc::clone(server), Arc::clone(job_channels), Arc::clone(&next));
        // Not on the runtime's own threads: they have the node's work to do.
        threads.spawn_blocking(move || {
            while let Some(part) = Some(next.fetch_add(1, Relaxed)).filter(|taken| *taken < PARTS) {
                push_part(&server, &job_channels, first.wrapping_add(part));
            }
        });
    }
    while threads.join_next().await.is_some() {}
}

fn push_part(server: &Server, job_channels: &JobChannels, part: u64) {
    let job_channels: Vec<Arc<JobChannel>> = job_channels.part(part).lock().values().cloned().collect();
    for job_channel in job_channels {
        // One session's failure must not stop the news for the others.
        if catch_unwind(AssertUnwindSafe(|| job_channel.follow(server))).is_err() {
            error!("failed to push a job; asking the miner to reconnect");
            job_channel.give_up();
        }
    }
}
