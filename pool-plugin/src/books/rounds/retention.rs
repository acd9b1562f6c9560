//! Retires old shares: those older than the configured time that no future block can pay for.
//!
//! Dumps and totals keep what a share was worth. A share stays in any case while a round without a dump, the
//! open round, or the scheme's window may need it.

use std::time::Duration;

use pool_core::{accounting::terms::Scheme, types::unix_ms};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::ledger::{ReadError, ShareLedger, WriteError, records::Round};

const LOOK_INTERVAL: Duration = Duration::from_secs(3600);

/// A PPLNS window is measured in the proof target of a future block, which may have risen by then: this many
/// times the window of the last block is kept.
const PROOF_TARGET_MAY_RISE: u128 = 4;

/// Rounds whose dumps are checked for.
const ROUNDS_LOOKED_AT: usize = 1_000;

/// Shares read at a time.
const PAGE: u64 = 4_096;

/// Checks every hour until `stop`. `keep_shares`, which is asked each time, has how long shares are kept at least.
pub async fn run(ledger: ShareLedger, keep_shares: impl Fn() -> Duration + Send, stop: CancellationToken) {
    let mut looks = interval(LOOK_INTERVAL);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(looks.tick()).await.is_some() {
        let kept_ms = u64::try_from(keep_shares().as_millis()).unwrap_or(u64::MAX);
        let until_ms = unix_ms().saturating_sub(kept_ms);
        match retire_before(&ledger, until_ms).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "retired old shares"),
            Err(error) => tracing::warn!(%error, "could not retire old shares; will retry"),
        }
    }
}

/// Retires the shares that were accepted before `until_ms` (Unix milliseconds) and that nothing needs;
/// returns their number.
pub async fn retire_before(ledger: &ShareLedger, until_ms: u64) -> Result<u64, WriteError> {
    let before = ledger.shares_from()?;
    let of = ledger.clone();
    let looked = tokio::task::spawn_blocking(move || keep_from(&of, until_ms)).await;
    let keep_from = looked.map_err(|error| WriteError::Storage(error.to_string()))??;
    Ok(ledger.retire(keep_from).await?.saturating_sub(before))
}

fn keep_from(ledger: &ShareLedger, until_ms: u64) -> Result<u64, ReadError> {
    let by_age = ledger.first_share_since(until_ms)?;
    if by_age <= ledger.shares_from()? {
        return Ok(by_age);
    }
    let rounds = ledger.rounds()?;
    let mut keep_from = by_age;
    for round in rounds.iter().rev().take(ROUNDS_LOOKED_AT) {
        if round.basis.is_some() && ledger.dump_mark(round.height)?.is_none() {
            // Without its dump the reach of its window is unknown.
            return ledger.shares_from();
        }
    }
    if let Some(last) = rounds.last() {
        keep_from = keep_from.min(last.last_seq.saturating_add(1));
    }
    Ok(keep_from.min(window_from(ledger, rounds.last())?))
}

/// The oldest share that the window of a future block may reach.
fn window_from(ledger: &ShareLedger, last: Option<&Round>) -> Result<u64, ReadError> {
    let Some(terms) = ledger.terms()?.pop() else { return Ok(u64::MAX) };
    let Scheme::Pplns { window } = terms.rules.scheme else { return Ok(u64::MAX) };
    // Before the first block the length of a window is unknown.
    let Some(basis) = last.and_then(|round| round.basis.as_ref()) else { return ledger.shares_from() };
    let mut work = PROOF_TARGET_MAY_RISE * u128::from(window) * u128::from(basis.proof_target);
    let (first, mut end) = (ledger.shares_from()?.max(terms.reach_seq), ledger.last_seq()?.saturating_add(1));
    while end > first {
        let page = end.saturating_sub(PAGE).max(first);
        let shares = ledger.shares(page, end - 1).collect::<Result<Vec<_>, _>>()?;
        for (seq, share) in shares.iter().rev() {
            work = work.saturating_sub(share.target.into());
            if work == 0 {
                return Ok(*seq);
            }
        }
        end = page;
    }
    Ok(first)
}
