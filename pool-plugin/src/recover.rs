//! What a crash left unsaid: finds and near misses, read back from the shares.
//!
//! A share is on the disk with the target it reached, so the shares of the running epoch tell which counters are
//! solutions, or become some when the proof target falls. What is not recorded as a solution was either never one,
//! or the process died before its record was written. So near misses need no table of their own, and leave with the
//! shares.

use std::collections::BTreeMap;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    chain::{ChainState, Puzzle},
    intake::Intake,
    ledger::{ReadError, ShareLedger, records::Share},
    near_misses,
    release::Found,
    types::{Solution, SolutionId},
};

/// A find is recorded within a sync or two; so far before the last share none can be missing for that.
const LAST_MOMENTS_MS: u64 = 30_000;
/// So many of the last shares are looked through at most: starting must not wait.
const LAST_SHARES: u64 = 100_000;

/// The solutions among the last shares that are not recorded: the process died in between, and the network may have
/// them.
pub fn last_finds(ledger: &ShareLedger, puzzle: &Puzzle) -> Result<Vec<Found>, ReadError> {
    let last = ledger.last_seq()?;
    let Some(newest) = ledger.shares(last, last).next().transpose()? else { return Ok(vec![]) };
    let since = ledger.first_share_since(newest.1.time_ms.saturating_sub(LAST_MOMENTS_MS))?;
    let from = since.max(last.saturating_sub(LAST_SHARES));
    best_unrecorded(ledger, puzzle, from, puzzle.proof_target)
}

/// Gives `intake` the near misses of before the start, once the chain tells the epoch.
pub async fn run(
    ledger: ShareLedger,
    intake: &Intake,
    mut state: watch::Receiver<ChainState>,
    stop: CancellationToken,
) {
    let known = async {
        let state = state.wait_for(|state| state.puzzle.is_some()).await.ok()?;
        state.puzzle
    };
    if let Some(Some(puzzle)) = stop.run_until_cancelled(known).await {
        let reading = tokio::task::spawn_blocking(move || {
            let from = ledger.first_share_of(puzzle.epoch)?;
            best_unrecorded(&ledger, &puzzle, from, 0)
        });
        match reading.await {
            Ok(Ok(missed)) => {
                tracing::info!(count = missed.len(), "near misses of before the start are kept");
                intake.remember(missed);
            }
            Ok(Err(error)) => tracing::warn!(%error, "the near misses of before the start are lost"),
            Err(error) => tracing::error!(%error, "the near misses of before the start are lost"),
        }
    }
    stop.cancelled().await;
}

/// The best shares of the puzzle's epoch that reached `least` or more and are not recorded as solutions.
fn best_unrecorded(
    ledger: &ShareLedger,
    puzzle: &Puzzle,
    from_seq: u64,
    least: u64,
) -> Result<Vec<Found>, ReadError> {
    let mut best: BTreeMap<(u64, SolutionId), Found> = BTreeMap::new();
    for row in ledger.shares(from_seq, u64::MAX) {
        let (_, share) = row?;
        let worst = if best.len() < near_misses::CAPACITY { None } else { best.first_key_value() };
        let enough = share.reached >= least && worst.is_none_or(|((target, _), _)| share.reached > *target);
        if share.key.epoch != puzzle.epoch || !enough {
            continue;
        }
        let found = found(share, puzzle);
        let id = found.solution.id();
        if ledger.solution(id)?.is_none() {
            best.insert((found.solution.target, id), found);
        }
        if best.len() > near_misses::CAPACITY {
            best.pop_first();
        }
    }
    Ok(best.into_values().collect())
}

fn found(share: Share, puzzle: &Puzzle) -> Found {
    let Share { key, worker, reached, time_ms, .. } = share;
    let solution = Solution {
        epoch_hash: puzzle.epoch_hash,
        address: key.address,
        counter: key.counter,
        target: reached,
    };
    Found { solution, epoch: key.epoch, finder: worker, found_ms: time_ms }
}
