//! What a crash left unrecorded: finds and near misses, read back from the shares.
//!
//! A share is on the disk with the target it reached, so the shares of the open epochs show which counters
//! are solutions, or become some when the proof target falls. Those not recorded as solutions either never
//! were any, or the process died before the record was written. So near misses need no table, and leave with
//! the shares.

use std::collections::{BTreeMap, HashMap};

use pool_core::{
    chain::{ChainState, Epoch, Puzzle},
    types::{Found, Solution, SolutionId},
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    ledger::{ReadError, ShareLedger, records::Share},
    release::near_misses,
};

/// A find is recorded within a sync or two: further than this before the last share none can be missing.
const LAST_MOMENTS_MS: u64 = 30_000;
/// The most shares that are read, counted from the last one: the start must not take long.
const LAST_SHARES: u64 = 100_000;

/// The solutions among the last shares without a record: the process died in between, and the network may
/// have them.
pub fn last_finds(ledger: &ShareLedger, puzzle: &Puzzle) -> Result<Vec<Found>, ReadError> {
    let last = ledger.last_seq()?;
    let Some(newest) = ledger.shares(last, last).next().transpose()? else { return Ok(vec![]) };
    let since = ledger.first_share_since(newest.1.time_ms.saturating_sub(LAST_MOMENTS_MS))?;
    let from = since.max(last.saturating_sub(LAST_SHARES));
    best_unrecorded(ledger, puzzle, from, puzzle.proof_target)
}

/// Gives `keep` the near misses from before the start, once the epoch is known.
pub async fn run(
    ledger: ShareLedger,
    keep: impl FnOnce(Vec<Found>) + Send,
    mut state: watch::Receiver<ChainState>,
    stop: CancellationToken,
) {
    let known = async {
        let state = state.wait_for(|state| state.puzzle.is_some()).await.ok()?;
        state.puzzle
    };
    if let Some(Some(puzzle)) = stop.run_until_cancelled(known).await {
        let reading = tokio::task::spawn_blocking(move || {
            let from = ledger.share_before_epoch(puzzle.epoch)?;
            best_unrecorded(&ledger, &puzzle, from, 0)
        });
        match reading.await {
            Ok(Ok(missed)) => {
                tracing::info!(count = missed.len(), "kept near misses from before the start");
                keep(missed);
            }
            Ok(Err(error)) => tracing::warn!(%error, "lost the near misses from before the start"),
            Err(error) => tracing::error!(%error, "lost the near misses from before the start"),
        }
    }
    stop.cancelled().await;
}

/// The best shares of each open epoch that reached `least` or more and are not recorded as solutions.
fn best_unrecorded(
    ledger: &ShareLedger,
    puzzle: &Puzzle,
    from_seq: u64,
    least: u64,
) -> Result<Vec<Found>, ReadError> {
    let mut best_of: HashMap<Epoch, BTreeMap<(u64, SolutionId), Found>> = HashMap::new();
    for row in ledger.shares(from_seq, u64::MAX) {
        let (_, share) = row?;
        let Some(epoch) = puzzle.open_epochs().find(|epoch| epoch.number == share.key.epoch) else {
            continue;
        };
        let best = best_of.entry(epoch).or_default();
        let worst = if best.len() < near_misses::CAPACITY { None } else { best.first_key_value() };
        let enough = share.reached >= least && worst.is_none_or(|((target, _), _)| share.reached > *target);
        if !enough {
            continue;
        }
        let found = found(share, epoch);
        let id = found.solution.id();
        if ledger.solution(id)?.is_none() {
            best.insert((found.solution.target, id), found);
        }
        if best.len() > near_misses::CAPACITY {
            best.pop_first();
        }
    }
    Ok(best_of.into_values().flat_map(BTreeMap::into_values).collect())
}

fn found(share: Share, epoch: Epoch) -> Found {
    let Share { key, worker, reached, time_ms, .. } = share;
    let solution =
        Solution { epoch_hash: epoch.hash, address: key.address, counter: key.counter, target: reached };
    Found { solution, epoch: epoch.number, finder: worker, found_ms: time_ms }
}

#[cfg(test)]
mod tests {
    use pool_core::{
        chain::{Chain, sim::SimChain},
        types::{Address, Network, Worker},
    };
    use tempfile::TempDir;

    use super::*;
    use crate::ledger::records::ShareKey;

    /// A ledger with a share for each pair of epoch and target, in this order.
    async fn ledger_with(dir: &TempDir, shares: &[(u32, u64)]) -> ShareLedger {
        let ledger = ShareLedger::open(dir.path(), Network::Testnet).unwrap();
        for (counter, (epoch, reached)) in shares.iter().enumerate() {
            let key = ShareKey { epoch: *epoch, address: Address::default(), counter: counter as u64 };
            let worker = Worker { account: "ann".into(), name: String::new() };
            let reservation = ledger.reserve(key).unwrap();
            ledger.append(reservation, worker, 10, *reached, 1_000).await.unwrap();
        }
        ledger
    }

    fn at(height: u32) -> Puzzle {
        let sim = SimChain::new();
        sim.jump_to(height);
        sim.puzzle().unwrap()
    }

    fn found_in(found: &[Found]) -> Vec<(u32, u64)> {
        let mut found: Vec<_> = found.iter().map(|one| (one.epoch, one.solution.target)).collect();
        found.sort_unstable();
        found
    }

    /// The chain stood on epoch 1's last block for long: shares of two epochs are mixed over a long stretch.
    #[tokio::test]
    async fn the_near_misses_of_an_epoch_are_found_wherever_its_shares_begin() {
        let dir = TempDir::new().unwrap();
        let mut shares = vec![(0, 50), (0, 50), (1, 60), (0, 50), (1, 60)];
        let mixed = |number: u64| (if number.is_multiple_of(3) { 2 } else { 1 }, 70 + number % 5);
        shares.extend((0..40).map(mixed));
        shares.extend([(2, 90); 3]);
        let ledger = ledger_with(&dir, &shares).await;
        let of = |epoch: u32| {
            let mut of: Vec<_> = shares.iter().copied().filter(|(number, _)| *number == epoch).collect();
            of.sort_unstable();
            of
        };
        for (height, expected) in [(719, [of(1), of(2)].concat()), (720, of(2)), (900, of(2))] {
            let puzzle = at(height);
            let from = ledger.share_before_epoch(puzzle.epoch).unwrap();
            let missed = best_unrecorded(&ledger, &puzzle, from, 0).unwrap();
            assert_eq!(found_in(&missed), expected, "{height}");
            assert!(missed.iter().all(|one| one.solution.epoch_hash == SimChain::epoch_hash(one.epoch)));
        }
    }

    #[tokio::test]
    async fn each_open_epoch_has_room_for_its_best() {
        let dir = TempDir::new().unwrap();
        let mut shares = vec![(1, 20)];
        shares.extend((0..near_misses::CAPACITY as u64 + 9).map(|number| (0, 30 + number)));
        let ledger = ledger_with(&dir, &shares).await;
        let missed = best_unrecorded(&ledger, &at(359), 1, 0).unwrap();
        assert_eq!(missed.len(), near_misses::CAPACITY + 1);
        assert_eq!(found_in(&missed).last(), Some(&(1, 20)));
    }
}
