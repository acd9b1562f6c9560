//! Messages to the service manager (`Type=notify`): ready, alive, status, stopping.
//!
//! Without a service manager (`NOTIFY_SOCKET` is not set) nothing is sent. A failed message is not a reason
//! to fail: systemd will report what it misses.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::debug;

/// How often the status line is updated when no watchdog asks for more.
const STATUS_INTERVAL: Duration = Duration::from_secs(30);

/// The port serves miners.
pub fn ready() {
    notify(&[NotifyState::Ready]);
}

/// The pool settles what is in flight, and then the node stops.
pub fn stopping() {
    notify(&[NotifyState::Stopping, NotifyState::Status("settling the shares in flight")]);
}

/// Sends `status` and feeds the watchdog (`WatchdogSec=`) until `stop`. To run on the runtime that serves the
/// miners: if that hangs, the watchdog ends the process.
pub async fn keep_alive(status: impl Fn() -> String, stop: CancellationToken) {
    let mut ticks = interval(pulse(sd_notify::watchdog_enabled()));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        notify(&[NotifyState::Watchdog, NotifyState::Status(&status())]);
    }
}

/// Half of what the watchdog allows: one late message is no alarm.
fn pulse(watchdog: Option<Duration>) -> Duration {
    watchdog.map_or(STATUS_INTERVAL, |limit| limit / 2).clamp(Duration::from_millis(100), STATUS_INTERVAL)
}

fn notify(states: &[NotifyState<'_>]) {
    if let Err(reason) = sd_notify::notify(states) {
        debug!(%reason, "could not notify the service manager");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_watchdog_is_fed_twice_in_its_time() {
        let seconds = Duration::from_secs;
        assert_eq!(pulse(Some(seconds(20))), seconds(10));
        assert_eq!(pulse(Some(seconds(600))), STATUS_INTERVAL);
        assert_eq!(pulse(None), STATUS_INTERVAL);
        assert!(pulse(Some(Duration::ZERO)) > Duration::ZERO, "an interval of zero would panic");
    }
}
