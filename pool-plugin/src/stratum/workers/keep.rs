//! Stores the workers' last targets, and restores workers from the share database.

use std::{sync::Arc, time::Duration};

use pool_core::types::unix_seconds;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{DAY, KEPT, Unwritten, Workers};
use crate::ledger::{ReadError, ShareLedger};

/// How often targets are written. A crash loses those since the last write.
pub const WRITE_EVERY: Duration = Duration::from_secs(60);
/// The most targets in one write.
const AT_A_TIME: usize = 1_000;
/// The most shares that are read again for the rates; more would keep the disk busy for long.
const MOST_SHARES: u64 = 2_000_000;

/// Reads the last targets.
pub fn load(workers: &Workers, ledger: &ShareLedger) -> Result<(), ReadError> {
    let now = unix_seconds();
    let kept = ledger.last_targets()?.into_iter().filter(|last| last.seen + KEPT.as_secs() >= now);
    kept.for_each(|last| workers.recall(last));
    Ok(())
}

/// Counts the shares of the last day again. Reads from the disk: not for async threads. Ends early once
/// `stop` is cancelled.
pub fn replay(
    workers: &Workers,
    ledger: &ShareLedger,
    last: u64,
    stop: &CancellationToken,
) -> Result<(), ReadError> {
    let since_ms = unix_seconds().saturating_sub(DAY).saturating_mul(1_000);
    let first = ledger.first_share_since(since_ms)?.max(last.saturating_sub(MOST_SHARES - 1));
    for entry in ledger.shares(first, last) {
        if stop.is_cancelled() {
            break;
        }
        let (_, share) = entry?;
        workers.recount(&share.worker, share.target, share.time_ms / 1000);
    }
    Ok(())
}

/// Writes changes once a minute, and once more at the stop. A failed write is retried.
pub async fn keep(workers: Arc<Workers>, ledger: ShareLedger, stop: CancellationToken) {
    let mut ticks = interval(WRITE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let goes_on = stop.run_until_cancelled(ticks.tick()).await.is_some();
        write(&workers, &ledger).await;
        if !goes_on {
            return;
        }
    }
}

async fn write(workers: &Workers, ledger: &ShareLedger) {
    let Unwritten { mut targets, mut forgotten } = workers.take_unwritten(unix_seconds());
    while !targets.is_empty() || !forgotten.is_empty() {
        let next = Unwritten {
            targets: targets.split_off(targets.len().saturating_sub(AT_A_TIME)),
            forgotten: forgotten.split_off(forgotten.len().saturating_sub(AT_A_TIME)),
        };
        if let Err(reason) = ledger.keep_targets(next.targets.clone(), next.forgotten.clone()).await {
            tracing::debug!(%reason, "could not write the last targets; retrying");
            workers.still_unwritten(next);
            workers.still_unwritten(Unwritten { targets, forgotten });
            return;
        }
    }
}
