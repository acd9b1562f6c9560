//! The thread of one webhook: sends a message, retries until it is accepted, then sends the next one.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, channel, sync_channel},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use pool_core::types::unix_seconds;
use serde::Serialize;
use tracing::{info, warn};

use super::{Counters, event::Event, sign::signature};
use crate::operate::webhooks::WebhookConfig;

/// Messages that may wait for one webhook.
const CAPACITY: usize = 256;
/// How long one attempt may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The pause after a failed attempt; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A message is retried for this long; then it is outdated.
const OLD: Duration = Duration::from_secs(3600);
/// How long a stop waits for the current attempt.
const STOP_PATIENCE: Duration = Duration::from_secs(3);

/// The timing of the calls; shorter in the tests.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    pub capacity: usize,
    pub timeout: Duration,
    pub first_pause: Duration,
    pub old: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { capacity: CAPACITY, timeout: TIMEOUT, first_pause: FIRST_PAUSE, old: OLD }
    }
}

/// A webhook in use. Dropping it ends the thread, after the current attempt if that does not take long.
pub struct Delivery {
    config: WebhookConfig,
    queue: SyncSender<Event>,
    shared: Arc<DeliveryShared>,
    counters: Arc<Counters>,
    stop: Option<std::sync::mpsc::Sender<()>>,
    /// Closed when the thread has ended.
    ended: Receiver<()>,
}

#[derive(Default)]
struct DeliveryShared {
    waiting: AtomicUsize,
    /// Time since the last accepted message.
    dropped: AtomicU64,
    failing: Mutex<Option<Failing>>,
}

struct Failing {
    since: Instant,
    why: String,
}

/// Why messages wait.
#[derive(Clone, Debug)]
pub struct DeliveryFailure {
    pub lasted: Duration,
    pub why: String,
    pub waiting: usize,
}

impl Delivery {
    pub fn start(config: WebhookConfig, counters: Arc<Counters>) -> io::Result<Self> {
        Self::start_at(config, counters, Pace::default())
    }

    pub fn start_at(config: WebhookConfig, counters: Arc<Counters>, pace: Pace) -> io::Result<Self> {
        let (queue, events) = sync_channel(pace.capacity);
        let (stop, stopped) = channel();
        let (alive, ended) = channel();
        let shared = Arc::new(DeliveryShared::default());
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(pace.timeout))
            .http_status_as_error(false)
            // Each receiver gets only its own signature.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .build()
            .into();
        let caller = Caller {
            agent,
            pace,
            stopped,
            counters: counters.clone(),
            shared: shared.clone(),
            config: config.clone(),
            _alive: alive,
        };
        std::thread::Builder::new().name("webhook".into()).spawn(move || caller.run(&events))?;
        Ok(Self { config, queue, shared, counters, stop: Some(stop), ended })
    }

    pub fn config(&self) -> &WebhookConfig {
        &self.config
    }

    /// Queues the event, if this webhook is configured for it. Never waits.
    pub fn tell(&self, event: &Event) {
        if !self.config.events.contains(&event.kind) {
            return;
        }
        self.shared.waiting.fetch_add(1, Relaxed);
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = self.queue.try_send(event.clone())
        {
            self.shared.waiting.fetch_sub(1, Relaxed);
            self.counters.dropped.fetch_add(1, Relaxed);
            if self.shared.dropped.fetch_add(1, Relaxed) == 0 {
                warn!(webhook = %self.config, "a webhook's queue is full: dropping messages");
            }
        }
    }

    /// `None` while messages are accepted.
    pub fn trouble(&self) -> Option<DeliveryFailure> {
        let failing = self.shared.failing.lock();
        let Failing { since, why } = failing.as_ref()?;
        let waiting = self.shared.waiting.load(Relaxed);
        Some(DeliveryFailure { lasted: since.elapsed(), why: why.clone(), waiting })
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        drop(self.stop.take());
        // Nothing is ever sent: only the end of the channel is awaited.
        let _ = self.ended.recv_timeout(STOP_PATIENCE);
    }
}

struct Caller {
    config: WebhookConfig,
    agent: ureq::Agent,
    pace: Pace,
    stopped: Receiver<()>,
    counters: Arc<Counters>,
    shared: Arc<DeliveryShared>,
    _alive: std::sync::mpsc::Sender<()>,
}

/// The event, and how many its webhook has missed.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(flatten)]
    event: &'a Event,
    /// Messages before this one that were dropped.
    #[serde(skip_serializing_if = "is_zero")]
    dropped: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Caller {
    fn run(self, events: &Receiver<Event>) {
        // How often a stop is checked for while nothing happens.
        const IDLE: Duration = Duration::from_millis(200);
        loop {
            match events.recv_timeout(IDLE) {
                Ok(event) => {
                    let goes_on = self.deliver(&event);
                    let left = self.shared.waiting.fetch_sub(1, Relaxed) - 1;
                    if !goes_on {
                        return self.say_undelivered(left + 1);
                    }
                }
                Err(RecvTimeoutError::Timeout) if self.is_stopped(Duration::ZERO) => return,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn say_undelivered(&self, count: usize) {
        warn!(webhook = %self.config, count, "dropping queued webhook messages: shutting down");
    }

    /// Waits, and returns whether the webhook ends.
    fn is_stopped(&self, pause: Duration) -> bool {
        self.stopped.recv_timeout(pause) != Err(RecvTimeoutError::Timeout)
    }

    /// Retries until the message is accepted or outdated; `false` if the webhook ended before that.
    fn deliver(&self, event: &Event) -> bool {
        let mut pause = self.pace.first_pause;
        let old = Instant::now() + self.pace.old;
        loop {
            match self.call(event) {
                Ok(()) => {
                    self.succeeded();
                    return true;
                }
                Err(why) => self.failed(why),
            }
            if Instant::now() >= old {
                self.counters.failed.fetch_add(1, Relaxed);
                warn!(webhook = %self.config, id = event.id, "dropping an unaccepted webhook message");
                return true;
            }
            if self.is_stopped(pause) {
                return false;
            }
            pause = (2 * pause).min(LONGEST_PAUSE);
        }
    }

    fn call(&self, event: &Event) -> Result<(), String> {
        let dropped = self.shared.dropped.load(Relaxed);
        let body = serde_json::to_string(&Body { event, dropped }).map_err(|error| error.to_string())?;
        let seconds = unix_seconds();
        let mut request = self
            .agent
            .post(&self.config.url)
            .header("content-type", "application/json")
            .header("user-agent", "aleo-pool")
            .header("webhook-id", &event.id)
            .header("webhook-timestamp", seconds.to_string());
        if let Some(secret) = &self.config.secret {
            let signed = signature(secret, &event.id, seconds, &body).ok_or("the secret is not valid")?;
            request = request.header("webhook-signature", signed);
        }
        let response = request.send(&body).map_err(|error| without_url(&error))?;
        let status = response.status();
        if !status.is_success() {
            return Err(format!("it answers {}", status.as_u16()));
        }
        // Only those reported by this message; more may have been dropped in the meantime.
        self.shared.dropped.fetch_sub(dropped, Relaxed);
        Ok(())
    }

    fn succeeded(&self) {
        self.counters.delivered.fetch_add(1, Relaxed);
        if self.shared.failing.lock().take().is_some() {
            info!(webhook = %self.config, "the webhook accepts messages again");
        }
    }

    fn failed(&self, why: String) {
        let mut failing = self.shared.failing.lock();
        match &mut *failing {
            Some(failing) => failing.why = why,
            None => {
                warn!(webhook = %self.config, why, "a webhook message failed; retrying");
                *failing = Some(Failing { since: Instant::now(), why });
            }
        }
    }
}

/// The library's texts may quote the URL, which may be a secret.
fn without_url(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(reason) => {
            match reason.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                Some(why) => format!("TLS: {why}"),
                None => reason.kind().to_string(),
            }
        }
        ureq::Error::Timeout(_) => "it does not answer in time".into(),
        ureq::Error::HostNotFound => "its host was not found".into(),
        ureq::Error::ConnectionFailed => "it refuses connections".into(),
        ureq::Error::Tls(why) => format!("TLS: {why}"),
        ureq::Error::Rustls(why) => format!("TLS: {why}"),
        _ => "the request failed".into(),
    }
}
