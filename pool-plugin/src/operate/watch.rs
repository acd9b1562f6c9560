//! Reports on the parts that do not report themselves: the node and the share ledger.

use pool_core::{
    chain::{
        ChainHandle, ChainState,
        health::{MIN_SYNCED_VALIDATORS, Node, chain, synced_validators},
        syncing::{Progress, Syncing},
    },
    health::{HealthBoard, Part},
    types::unix_timestamp,
};
use tokio::{
    sync::watch,
    time::{Duration, Instant, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use crate::ledger::{LedgerHealth, health::ledger};

/// A shortage of validators is reported once it has lasted this many checks, a second apart.
const PATIENCE: u32 = 5;

/// How often the log shows how the node catches up.
const SYNC_INTERVAL: Duration = Duration::from_secs(10);

/// How the node catches up, while it does.
fn progress(syncing: &mut Syncing, state: &ChainState, now: Duration) -> Option<Progress> {
    let behind = state.sync.behind.filter(|_| !state.sync.synced());
    match (state.puzzle, behind) {
        (Some(puzzle), Some(behind)) => Some(syncing.look(puzzle.height, behind, now)),
        _ => {
            syncing.forget();
            None
        }
    }
}

/// Reports on the node and the share ledger each second, until `stop`.
pub async fn run(
    chain_handle: ChainHandle,
    state: watch::Receiver<ChainState>,
    ledger_health: watch::Receiver<LedgerHealth>,
    board: HealthBoard,
    stop: CancellationToken,
) {
    let mut looks = interval(Duration::from_secs(1));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut syncing, started, mut said) = (Syncing::default(), Instant::now(), None);
    let mut peers = Peers::default();
    while stop.run_until_cancelled(looks.tick()).await.is_some() {
        let latest = *state.borrow();
        let progress = progress(&mut syncing, &latest, started.elapsed());
        let node = Node {
            state: &latest,
            protocol: &chain_handle.protocol(),
            progress: progress.as_ref(),
            peers: peers.look(&chain_handle, &latest),
            now: unix_timestamp(),
        };
        board.report(Part::Chain, chain(&node));
        if let Some(progress) = progress
            && said.is_none_or(|said: Instant| said.elapsed() >= SYNC_INTERVAL)
        {
            said = Some(Instant::now());
            tracing::info!("the node is syncing: {progress}");
        }
        board.report(Part::Ledger, ledger(&ledger_health.borrow()));
    }
}

/// Counts the peers; a shortage of validators counts only once it lasts.
#[derive(Debug, Default)]
struct Peers {
    looks_short: u32,
}

impl Peers {
    /// How many peers there are, and how many of them are validators in step; `None` on a validator.
    fn look(&mut self, chain: &ChainHandle, state: &ChainState) -> Option<(usize, usize)> {
        if chain.in_consensus() {
            return None;
        }
        let connected = chain.peers();
        let validators = synced_validators(&connected, state.puzzle.map_or(0, |puzzle| puzzle.height));
        self.looks_short = if validators < MIN_SYNCED_VALIDATORS { self.looks_short + 1 } else { 0 };
        let seen =
            if self.looks_short < PATIENCE { validators.max(MIN_SYNCED_VALIDATORS) } else { validators };
        Some((connected.len(), seen))
    }
}

#[cfg(test)]
mod tests {
    use pool_core::{
        chain::{Chain, SyncState, sim::SimChain},
        health::Level,
    };

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_lasting_shortage_of_validators_is_reported_and_its_end_at_once() {
        let sim = SimChain::new();
        let ours = sim.connect_validator(1);
        sim.connect_validator(2);
        let state = ChainState { puzzle: Some(sim.puzzle().unwrap()), sync: SyncState::simple(true) };
        let (_sender, receiver) = watch::channel(state);
        let (_ledger, ledger_health) = watch::channel(LedgerHealth::Ok);
        let (board, stop) = (HealthBoard::default(), CancellationToken::new());
        let task = tokio::spawn(run(sim.clone(), receiver, ledger_health, board.clone(), stop.clone()));
        let level = || board.latest().0.get(&Part::Chain).map(|report| report.level);

        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(level(), Some(Level::Green));
        sim.disconnect(ours);
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(level(), Some(Level::Green));
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(level(), Some(Level::Red));
        sim.connect_validator(3);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(level(), Some(Level::Green));
        stop.cancel();
        task.await.unwrap();
    }
}
