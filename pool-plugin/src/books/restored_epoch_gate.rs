//! After a backup was restored: when shares are credited again.
//!
//! Which of the last epochs' shares were credited is unknown, since that came after the backup. So none is
//! credited until an epoch is mined whose puzzle nobody knew then: the one after the epoch that is mined on the
//! synced chain. Until then shares are refused as stale; solutions still go to the network.

use std::time::Duration;

use pool_core::chain::ChainState;
use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::ledger::ShareLedger;

const PAUSE: Duration = Duration::from_secs(1);

/// Waits for a synced chain and lets the ledger accept shares from the next epoch on; returns at once if no
/// backup was restored.
pub async fn run(ledger: ShareLedger, mut state: watch::Receiver<ChainState>, stop: CancellationToken) {
    if ledger.is_restored() == Ok(true) {
        tracing::warn!("a backup was restored: shares are credited from the next epoch on");
        stop.run_until_cancelled(restored_epoch_gate(&ledger, &mut state)).await;
    }
    stop.cancelled().await;
}

async fn restored_epoch_gate(ledger: &ShareLedger, state: &mut watch::Receiver<ChainState>) {
    let trusted = |state: &ChainState| state.sync.synced() && state.puzzle.is_some();
    let mined = |state: &ChainState| state.puzzle.map_or(u32::MAX, |puzzle| puzzle.mined_epoch().number);
    let Ok(epoch) = state.wait_for(trusted).await.map(|state| mined(&state)) else { return };
    while let Err(error) = ledger.resume(epoch.saturating_add(1)).await {
        tracing::error!(%error, "cannot credit shares yet; retrying");
        sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use pool_core::{
        chain::{Chain, SyncState, sim::SimChain},
        types::{Address, Network},
    };
    use tempfile::TempDir;

    use super::*;
    use crate::ledger::{ReserveError, records::ShareKey};

    /// Before the loss the pool may have credited shares of every epoch that miners had jobs for.
    #[tokio::test]
    async fn the_first_epoch_to_be_credited_is_one_that_nobody_could_mine_before() {
        for (height, open_from) in [(358, 1), (359, 2), (360, 2)] {
            let dir = TempDir::new().unwrap();
            let ledger = ShareLedger::open(dir.path(), Network::Testnet).unwrap();
            ledger.take_up(vec![]).await.unwrap();
            let sim = SimChain::new();
            sim.connect_validator(1);
            sim.jump_to(height);
            let state = ChainState { puzzle: Some(sim.puzzle().unwrap()), sync: SyncState::simple(true) };
            let (_sender, mut receiver) = watch::channel(state);
            restored_epoch_gate(&ledger, &mut receiver).await;
            let key = |epoch| ShareKey { epoch, address: Address::default(), counter: 1 };
            let closed = ReserveError::EpochClosed { epoch: open_from - 1, open_from };
            assert_eq!(ledger.reserve(key(open_from - 1)).unwrap_err(), closed, "{height}");
            assert!(ledger.reserve(key(open_from)).is_ok(), "{height}");
        }
    }
}
