//! Looks after the parts that do not report themselves: the chain, its peers and the share ledger.

use tokio::{
    sync::watch,
    time::{Duration, Instant, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use super::{
    HealthBoard, MIN_SYNCED_VALIDATORS, Part, Report, chain, ledger, peers, synced_validators,
    syncing::{Progress, Syncing},
};
use crate::{
    chain::{ChainHandle, ChainState},
    ledger::LedgerHealth,
};

/// A shortage of validators is reported when it has lasted this many looks, a second apart.
const PATIENCE: u32 = 5;

/// How often the log tells how the node catches up.
const SYNC_INTERVAL: Duration = Duration::from_secs(10);

/// How the node catches up, while it does.
fn progress(syncing: &mut Syncing, state: &ChainState, now: Duration) -> Option<Progress> {
    let behind = state.sync.behind.filter(|_| !state.sync.synced);
    match (state.puzzle, behind) {
        (Some(puzzle), Some(behind)) => Some(syncing.look(puzzle.height, behind, now)),
        _ => {
            syncing.forget();
            None
        }
    }
}

/// Reports on the chain, its peers and the share ledger each second, until `stop`.
pub async fn run(
    chain_handle: ChainHandle,
    state: watch::Receiver<ChainState>,
    ledger_health: watch::Receiver<LedgerHealth>,
    board: HealthBoard,
    stop: CancellationToken,
) {
    let mut looks = interval(Duration::from_secs(1));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut syncing, started, mut looks_short, mut told) = (Syncing::default(), Instant::now(), 0, None);
    while stop.run_until_cancelled(looks.tick()).await.is_some() {
        let latest = *state.borrow();
        let progress = progress(&mut syncing, &latest, started.elapsed());
        board.report(Part::Chain, chain(&latest, progress.as_ref()));
        if let Some(progress) = progress
            && told.is_none_or(|told: Instant| told.elapsed() >= SYNC_INTERVAL)
        {
            told = Some(Instant::now());
            tracing::info!("the node syncs: {progress}");
        }
        board.report(Part::Ledger, ledger(&ledger_health.borrow()));
        if chain_handle.in_consensus() {
            let text = "the node is a validator: a find enters its own proposals";
            board.report(Part::Peers, Report::green("own_consensus", text));
            continue;
        }
        let connected = chain_handle.peers();
        let height = latest.puzzle.map_or(0, |puzzle| puzzle.height);
        let validators = synced_validators(&connected, height);
        looks_short = if validators < MIN_SYNCED_VALIDATORS { looks_short + 1 } else { 0 };
        if looks_short == 0 || looks_short >= PATIENCE {
            board.report(Part::Peers, peers(validators, connected.len()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chain::{Chain, sim::SimChain},
        health::Level,
    };

    #[tokio::test(start_paused = true)]
    async fn a_lasting_shortage_of_validators_is_reported_and_its_end_at_once() {
        let sim = SimChain::new();
        let ours = sim.connect_validator(1);
        sim.connect_validator(2);
        let state = ChainState { puzzle: Some(sim.puzzle().unwrap()), sync: sim.sync() };
        let (_sender, receiver) = watch::channel(state);
        let (_ledger, ledger_health) = watch::channel(LedgerHealth::Ok);
        let (board, stop) = (HealthBoard::default(), CancellationToken::new());
        let task = tokio::spawn(run(sim.clone(), receiver, ledger_health, board.clone(), stop.clone()));
        let level = || board.latest().0.get(&Part::Peers).map(|report| report.level);

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
