//! Notifies other programs of events: a part that turns amber or red, a solution found, a block of ours, a
//! solution lost. `docs/operators.md` has the messages.
//!
//! Nothing here is on the path of a share: events are read from the health board and the ledger once a
//! second, and each webhook has its own thread and bounded queue. A full queue drops new messages, and the
//! next one says how many.
//!
//! # Layout
//! - [`config`]: who is notified of what.
//! - [`event`]: the messages, and their bytes.
//! - [`event_source`]: from the state of the pool to events. Pure.
//! - [`sign`]: how a receiver knows the sender.
//! - [`delivery`]: the thread of one webhook.

pub mod config;
pub mod delivery;
pub mod event;
pub mod event_source;
pub mod sign;

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

pub use self::config::WebhookConfig;
pub use self::event::{Event, EventKind, Sender};
use pool_core::health::{HealthBoard, Part, Report};

use self::{delivery::Delivery, event_source::EventSource};
use crate::ledger::{ReadError, ShareLedger};

/// How often events are looked for.
const LOOK: Duration = Duration::from_secs(1);
/// A receiver may be down for this long before that is reported.
const PATIENCE: Duration = Duration::from_secs(60);

/// Messages since the start, over all webhooks.
#[derive(Debug, Default)]
pub struct Counters {
    pub delivered: AtomicU64,
    /// Dropped after all attempts.
    pub failed: AtomicU64,
    /// Not queued, since the queue was full.
    pub dropped: AtomicU64,
}

/// Tells all webhooks that `wanted` names, which is asked each time, until `stop`.
pub async fn run(
    wanted: impl Fn() -> Vec<WebhookConfig> + Send,
    sender: Sender,
    ledger: ShareLedger,
    board: HealthBoard,
    counters: Arc<Counters>,
    stop: CancellationToken,
) {
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let started = Instant::now();
    let mut deliveries: Vec<Delivery> = vec![];
    let mut event_source: Option<EventSource> = None;
    let mut readable = true;
    while stop.run_until_cancelled(looks.tick()).await.is_some() {
        follow_config(&mut deliveries, &wanted(), &counters);
        if deliveries.is_empty() {
            // A webhook added later gets the events from then on.
            if event_source.take().is_some() {
                board.report(Part::Webhooks, Report::green("none", "no webhooks are configured any more"));
            }
            continue;
        }
        let (ledger, health) = (ledger.clone(), board.latest());
        let (mut looking, at) = (event_source.take().unwrap_or_default(), started.elapsed());
        let looked = tokio::task::spawn_blocking(move || {
            let seen = looking.look(&ledger, &health, at);
            (looking, seen)
        });
        let Ok((looked_out, seen)) = looked.await else { continue };
        event_source = Some(looked_out);
        match seen {
            Ok(happenings) => {
                readable = true;
                for happening in happenings {
                    let event = sender.event(happening);
                    deliveries.iter().for_each(|delivery| delivery.tell(&event));
                }
            }
            Err(error) => say_once(&mut readable, &error),
        }
        board.report(Part::Webhooks, judge(&deliveries));
    }
    // Waits for the current message, though not forever.
    let _ = tokio::task::spawn_blocking(move || drop(deliveries)).await;
}

fn say_once(readable: &mut bool, error: &ReadError) {
    if std::mem::replace(readable, false) {
        warn!(%error, "cannot read the share database: no webhook messages about blocks and solutions");
    }
}

/// Keeps the threads of webhooks that stay as they are.
fn follow_config(deliveries: &mut Vec<Delivery>, wanted: &[WebhookConfig], counters: &Arc<Counters>) {
    if deliveries.iter().map(Delivery::config).eq(wanted) {
        return;
    }
    let mut before = std::mem::take(deliveries);
    for config in wanted {
        if let Some(index) = before.iter().position(|delivery| delivery.config() == config) {
            deliveries.push(before.swap_remove(index));
            continue;
        }
        match Delivery::start(config.clone(), counters.clone()) {
            Ok(delivery) => deliveries.push(delivery),
            Err(error) => error!(webhook = %config, %error, "cannot start the thread of a webhook"),
        }
    }
}

fn judge(deliveries: &[Delivery]) -> Report {
    let failing = deliveries.iter().filter_map(|delivery| {
        let trouble = delivery.trouble().filter(|trouble| trouble.lasted >= PATIENCE)?;
        let (server, waiting, why) = (delivery.config().server(), trouble.waiting, trouble.why);
        Some(format!("{server} accepts no messages ({why}), {waiting} waiting"))
    });
    let failing: Vec<String> = failing.collect();
    if failing.is_empty() {
        return Report::green("delivering", pool_core::types::counted(deliveries.len(), "webhook"));
    }
    Report::amber("undelivered", format!("{}: fix the receiver, or its url and secret", failing.join("; ")))
}
