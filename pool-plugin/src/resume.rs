//! After a backup was restored: when shares are credited again.
//!
//! Which shares of the last epochs were credited before is lost with what came after the backup. So none is
//! credited until an epoch begins whose puzzle nobody knew then: the one after the epoch the synced chain is
//! in. Until then shares are refused as stale; what solves the puzzle goes to the network as ever.

use std::time::Duration;

use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{chain::ChainState, ledger::ShareLedger};

const PAUSE: Duration = Duration::from_secs(1);

/// Waits for a synced chain and lets the ledger take shares from the next epoch on; at once done if no
/// backup was restored.
pub async fn run(ledger: ShareLedger, mut state: watch::Receiver<ChainState>, stop: CancellationToken) {
    if ledger.is_restored() == Ok(true) {
        tracing::warn!("a backup was restored: shares are credited from the next epoch on");
        stop.run_until_cancelled(resume(&ledger, &mut state)).await;
    }
    stop.cancelled().await;
}

async fn resume(ledger: &ShareLedger, state: &mut watch::Receiver<ChainState>) {
    let trusted = |state: &ChainState| state.sync.synced && state.puzzle.is_some();
    let Ok(epoch) =
        state.wait_for(trusted).await.map(|state| state.puzzle.map_or(u32::MAX, |puzzle| puzzle.epoch))
    else {
        return;
    };
    while let Err(error) = ledger.resume(epoch.saturating_add(1)).await {
        tracing::error!(%error, "shares are not credited yet; trying again");
        sleep(PAUSE).await;
    }
}
