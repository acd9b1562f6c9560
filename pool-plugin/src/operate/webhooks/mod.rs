//! Tells other programs when something happens: a part that turns amber or red, a solution that is found, a block
//! that is ours, a solution that is lost. `docs/operators.md` has the messages.
//!
//! Nothing here is near a share: what happens is read from the health board and the ledger once a second, and
//! each webhook has a thread and a bounded queue of its own. A queue that is full drops what comes, and the next
//! message says how many those were.
//!
//! # Layout
//! - [`config`]: who is told of what.
//! - [`event`]: what is told, and its bytes.
//! - [`lookout`]: from what is seen to what is told. Pure.
//! - [`sign`]: how a receiver knows that it is we who speak.
//! - [`delivery`]: the thread of one webhook.

pub mod config;
pub mod delivery;
pub mod event;
pub mod lookout;
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
use self::{delivery::Delivery, lookout::Lookout};
use crate::{
    core::health::{HealthBoard, Part, Report},
    ledger::{ReadError, ShareLedger},
};

/// How often is looked at what happens.
const LOOK: Duration = Duration::from_secs(1);
/// A receiver may be down for this long before the operator is told.
const PATIENCE: Duration = Duration::from_secs(60);

/// Messages since the start, over all webhooks.
#[derive(Debug, Default)]
pub struct Counters {
    pub delivered: AtomicU64,
    /// Given up after all tries.
    pub failed: AtomicU64,
    /// Not even queued, since the queue was full.
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
    let mut lookout: Option<Lookout> = None;
    let mut readable = true;
    while stop.run_until_cancelled(looks.tick()).await.is_some() {
        follow_config(&mut deliveries, &wanted(), &counters);
        if deliveries.is_empty() {
            // Whoever is added later hears of what happens from then on.
            if lookout.take().is_some() {
                board.report(Part::Webhooks, Report::green("none", "nobody is told any more"));
            }
            continue;
        }
        let (ledger, health) = (ledger.clone(), board.latest());
        let (mut looking, at) = (lookout.take().unwrap_or_default(), started.elapsed());
        let looked = tokio::task::spawn_blocking(move || {
            let seen = looking.look(&ledger, &health, at);
            (looking, seen)
        });
        let Ok((looked_out, seen)) = looked.await else { continue };
        lookout = Some(looked_out);
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
    // Waits for the message under way, though not for ever.
    let _ = tokio::task::spawn_blocking(move || drop(deliveries)).await;
}

fn say_once(readable: &mut bool, error: &ReadError) {
    if std::mem::replace(readable, false) {
        warn!(%error, "webhooks cannot tell of blocks and solutions: the share database cannot be read");
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
            Err(error) => error!(webhook = %config, %error, "the thread of a webhook cannot be started"),
        }
    }
}

fn judge(deliveries: &[Delivery]) -> Report {
    let failing = deliveries.iter().filter_map(|delivery| {
        let trouble = delivery.trouble().filter(|trouble| trouble.lasted >= PATIENCE)?;
        let (server, waiting, why) = (delivery.config().server(), trouble.waiting, trouble.why);
        Some(format!("{server} takes no messages ({why}) and {waiting} wait"))
    });
    let failing: Vec<String> = failing.collect();
    if failing.is_empty() {
        return Report::green("delivering", format!("{} webhooks are told", deliveries.len()));
    }
    Report::amber("undelivered", format!("{}: mend the receiver, or its url and secret", failing.join("; ")))
}
