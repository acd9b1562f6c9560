//! The listeners to live events. A bounded number; each has a short queue, and events that do not fit are
//! dropped for it, so that a slow reader costs nobody anything.

use std::{convert::Infallible, sync::Arc};

use axum::response::sse::Event;
use parking_lot::Mutex;
use pool_core::{hashrate::Rates, health::Health};
use pool_plugin::operate::view::{BlockView, HealthView, Snapshot, View};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

/// The most listeners at a time.
const MOST: usize = 256;
/// The most events that wait for a listener.
const WAITING: usize = 16;
/// The most blocks sent at a time, after a while without any.
const BLOCKS: usize = 16;

/// An event to be sent.
pub type Sent = Result<Event, Infallible>;

/// The kind of an event.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = EventKind)]
pub enum Kind {
    /// The data is a `Tick`
    Pool,
    /// The data is a `BlockView`
    Block,
    /// The data is a `HealthView`
    Health,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Pool => "pool",
            Self::Block => "block",
            Self::Health => "health",
        }
    }
}

/// An event as sent over the wire.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub struct LiveEvent {
    pub event: Kind,
    /// JSON, on one line
    #[schema(content_media_type = "application/json")]
    pub data: String,
}

#[derive(Default)]
pub struct Listeners(Mutex<Vec<mpsc::Sender<Sent>>>);

/// The pool's main figures, once a second.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Tick {
    /// Unix seconds
    pub time: u64,
    pub height: Option<u32>,
    pub synced: bool,
    /// Attempts a second
    pub rates: Rates,
    pub miners: u64,
    pub workers: u64,
    /// Shares accepted since the pool's start
    pub accepted: u64,
    /// Shares refused since the pool's start, for any reason
    pub refused: u64,
    /// Effort of the open round
    pub effort: Option<f64>,
    /// Shares waiting for their verification
    pub queued: u64,
}

impl From<&Snapshot> for Tick {
    fn from(snapshot: &Snapshot) -> Self {
        let pool = &snapshot.pool;
        Self {
            time: pool.time,
            height: pool.chain.height,
            synced: pool.chain.synced,
            rates: pool.rates,
            miners: pool.miners,
            workers: pool.workers,
            accepted: pool.shares.accepted,
            refused: pool.shares.refused.values().sum(),
            effort: pool.round.effort,
            queued: pool.verification.queued,
        }
    }
}

impl Listeners {
    /// A new listener, which gets the pool's state at once. `None`: there are too many.
    pub fn join(&self, view: &View) -> Option<mpsc::Receiver<Sent>> {
        let (sender, events) = mpsc::channel(WAITING);
        let mut listeners = self.0.lock();
        listeners.retain(|listener| !listener.is_closed());
        if listeners.len() >= MOST {
            return None;
        }
        let first = [event(Kind::Pool, &Tick::from(&*view.latest())), event(Kind::Health, &view.health())];
        for event in first.into_iter().flatten() {
            let _ = sender.try_send(Ok(event));
        }
        listeners.push(sender);
        Some(events)
    }

    fn tell(&self, event: Option<Event>) {
        let Some(event) = event else { return };
        for listener in &*self.0.lock() {
            // Full or gone: this one misses the event.
            let _ = listener.try_send(Ok(event.clone()));
        }
    }
}

/// Sends events to the listeners, until `stop`.
pub async fn tell(listeners: Arc<Listeners>, view: View, stop: CancellationToken) {
    let (mut snapshots, mut health) = (view.subscribe(), view.subscribe_health());
    let mut last: Option<u32> = None;
    loop {
        tokio::select! {
            () = stop.cancelled() => {
                // Ends their streams.
                listeners.0.lock().clear();
                return;
            }
            changed = snapshots.changed() => {
                if changed.is_err() {
                    return;
                }
                let snapshot = snapshots.borrow_and_update().clone();
                let height = snapshot.pool.round.since_height.unwrap_or(0);
                // Blocks from before the start are no events.
                let before = *last.get_or_insert(height);
                if height > before {
                    last = tell_blocks(&listeners, &view, before).await.or(last);
                }
                listeners.tell(event(Kind::Pool, &Tick::from(&*snapshot)));
            }
            changed = health.changed() => {
                if changed.is_err() {
                    return;
                }
                let now: Health = health.borrow_and_update().clone();
                listeners.tell(event(Kind::Health, &HealthView::from(&now)));
            }
        }
    }
}

/// Sends the blocks above `before` that have their dump; returns the last of them.
async fn tell_blocks(listeners: &Arc<Listeners>, view: &View, before: u32) -> Option<u32> {
    let of = view.clone();
    let latest = tokio::task::spawn_blocking(move || of.blocks(None, BLOCKS)).await.ok()?.ok()?.items;
    let news: Vec<&BlockView> = latest.iter().rev().filter(|block| block.height > before).collect();
    let mut last = None;
    for block in news.into_iter().take_while(|block| block.dump.is_some()) {
        listeners.tell(event(Kind::Block, block));
        last = Some(block.height);
    }
    last
}

fn event(kind: Kind, data: &impl Serialize) -> Option<Event> {
    let sent = LiveEvent { event: kind, data: serde_json::to_string(data).ok()? };
    Some(Event::default().event(sent.event.name()).data(sent.data))
}
