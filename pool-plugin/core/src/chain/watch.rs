//! Follows the node: publishes the puzzle after each block, and whether to trust it.

use std::sync::Arc;

use tokio::{
    sync::watch,
    time::{Duration, Instant, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use super::{
    ChainHandle, ChainState, Puzzle,
    following::{Observation, OtherVersion, Patience, SyncState, Tracker},
    limit_of_next_epoch,
    newer_version_file::NewerVersionFile,
};
use crate::{
    chain::addresses::Addresses,
    types::{Address, unix_timestamp},
};

/// A node can fall behind, or lose its peers, without a block that would show it.
const SYNC_INTERVAL: Duration = Duration::from_secs(1);

/// What the watcher needs besides the chain.
#[derive(Debug)]
pub struct Setup {
    /// These see a new epoch to mine before anyone else.
    pub addresses: Arc<Addresses>,
    pub patience: Patience,
    /// What an earlier run has seen of a newer consensus version.
    pub newer: NewerVersionFile,
}

/// Keeps `state` current until `stop`. When the ledger does not answer, the last puzzle stays, and it is
/// asked again every second.
pub async fn run(
    chain: ChainHandle,
    setup: Setup,
    state: watch::Sender<ChainState>,
    stop: CancellationToken,
) {
    let (mut blocks, mut other_versions) = (chain.subscribe_blocks(), chain.subscribe_other_versions());
    let mut looks = interval(SYNC_INTERVAL);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let Setup { addresses, patience, newer } = setup;
    let tracker = Tracker::new(patience, newer.content());
    let started = Instant::now();
    let mut watcher =
        Watcher { chain, addresses, state, stale: true, failing: false, tracker, newer, started };
    let (mut node_runs, mut versions_run) = (true, true);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            block = blocks.changed(), if node_runs => {
                // The sender belongs to the node: without it the checks continue, and report that the node
                // does not follow.
                node_runs = block.is_ok();
                watcher.stale = true;
            }
            noted = other_versions.changed(), if versions_run => {
                versions_run = noted.is_ok();
                let noted = *other_versions.borrow_and_update();
                watcher.note(noted);
            }
            _ = looks.tick() => {}
        }
        watcher.refresh();
    }
}

struct Watcher {
    chain: ChainHandle,
    addresses: Arc<Addresses>,
    state: watch::Sender<ChainState>,
    /// The puzzle has to be read again.
    stale: bool,
    failing: bool,
    tracker: Tracker,
    newer: NewerVersionFile,
    started: Instant,
}

impl Watcher {
    fn note(&mut self, noted: Option<OtherVersion>) {
        if let Some(other) = noted {
            self.tracker.note(&other, &self.chain.peers(), unix_timestamp());
        }
    }

    fn refresh(&mut self) {
        let last = *self.state.borrow();
        let sync = self.sync();
        // Blocks that came while the node caught up were not necessarily all announced.
        self.stale |= sync != last.sync;
        let puzzle = if self.stale { self.read_puzzle().or(last.puzzle) } else { last.puzzle };
        let next = ChainState { puzzle, sync };
        if next == last {
            return;
        }
        if next.sync.following != last.sync.following {
            log_change(last.sync, next.sync, puzzle);
        }
        self.newer.keep(sync.newer);
        if let Some(puzzle) = next.puzzle
            && last.puzzle.is_none_or(|last| last.mined_epoch() != puzzle.mined_epoch())
        {
            self.addresses.turn(puzzle.mined_epoch().number, |address| self.may_land(&puzzle, address));
        }
        self.state.send_replace(next);
    }

    fn sync(&mut self) -> SyncState {
        self.tracker.observe(&Observation {
            now: self.started.elapsed(),
            unix: unix_timestamp(),
            tip: self.chain.tip().ok(),
            peers: &self.chain.peers(),
            trusted: self.chain.trusted_peers(),
            committee: self.chain.committee_height(),
            known: self.chain.protocol().known,
        })
    }

    /// What the address may land in the epoch that is mined; `None` if the ledger does not say.
    fn may_land(&self, puzzle: &Puzzle, address: &Address) -> Option<u64> {
        match puzzle.next_epoch() {
            Some(_) => limit_of_next_epoch(&*self.chain, address).ok(),
            None => self.chain.solutions_left(address).ok(),
        }
    }

    fn read_puzzle(&mut self) -> Option<Puzzle> {
        match self.chain.puzzle() {
            Ok(puzzle) => {
                (self.stale, self.failing) = (false, false);
                Some(puzzle)
            }
            Err(error) => {
                if !self.failing {
                    tracing::error!(%error, "cannot read the puzzle; keeping the last one");
                }
                self.failing = true;
                None
            }
        }
    }
}

fn log_change(last: SyncState, now: SyncState, puzzle: Option<Puzzle>) {
    let height = puzzle.map(|puzzle| puzzle.height);
    let (state, behind) = (now.following, now.behind);
    match (last.synced(), now.synced()) {
        (_, true) => tracing::info!(height, %state, "the node follows the network"),
        (true, false) => tracing::warn!(height, behind, %state, "the node no longer follows the network"),
        (false, false) => tracing::warn!(height, behind, %state, "the node does not follow the network yet"),
    }
}

#[cfg(test)]
mod tests {
    use tokio::{task::JoinHandle, time::sleep};

    use super::*;
    use crate::chain::{
        Chain,
        addresses::{Assignment, Learns},
        following::{Access, Following},
        sim::SimChain,
    };

    struct Watched {
        sim: Arc<SimChain>,
        state: watch::Receiver<ChainState>,
        stop: CancellationToken,
        task: JoinHandle<()>,
        _folder: tempfile::TempDir,
    }

    fn watched() -> Watched {
        let (sim, stop) = (SimChain::new(), CancellationToken::new());
        sim.connect_validator(1);
        let (sender, state) = watch::channel(ChainState::default());
        let folder = tempfile::tempdir().unwrap();
        let setup = setup(Addresses::new(vec![]), &folder);
        let task = tokio::spawn(run(sim.clone(), setup, sender, stop.clone()));
        Watched { sim, state, stop, task, _folder: folder }
    }

    fn setup(addresses: Arc<Addresses>, folder: &tempfile::TempDir) -> Setup {
        Setup { addresses, patience: Patience::default(), newer: NewerVersionFile::open(folder.path()) }
    }

    impl Watched {
        fn height(&self) -> Option<u32> {
            self.state.borrow().puzzle.map(|puzzle| puzzle.height)
        }
    }

    const MOMENT: Duration = Duration::from_millis(10);

    #[tokio::test(start_paused = true)]
    async fn the_puzzle_follows_the_blocks_at_once() {
        let watched = watched();
        sleep(MOMENT).await;
        assert_eq!(watched.height(), Some(0));
        for height in 1..4 {
            watched.sim.produce_block();
            sleep(MOMENT).await;
            assert_eq!(watched.height(), Some(height));
        }
        watched.sim.jump_to(360);
        sleep(MOMENT).await;
        let state = *watched.state.borrow();
        assert_eq!(state.puzzle, Some(watched.sim.puzzle().unwrap()));
        assert_eq!((state.sync.following, state.sync.behind), (Following::Following, Some(0)));
        watched.stop.cancel();
        watched.task.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_that_no_longer_follows_is_noticed_without_a_block() {
        let watched = watched();
        sleep(MOMENT).await;
        watched.sim.produce_block();
        watched.sim.freeze();
        watched.sim.produce_block();
        sleep(Duration::from_secs(30)).await;
        let state = *watched.state.borrow();
        assert_eq!((state.sync.following, state.sync.behind), (Following::Stuck, Some(1)));
        assert_eq!((state.sync.access, watched.height()), (Access::Open, Some(1)));
        sleep(Duration::from_secs(40)).await;
        assert_eq!(watched.state.borrow().sync.access, Access::Refusing);
        sleep(Duration::from_secs(240)).await;
        assert_eq!(watched.state.borrow().sync.access, Access::Closed);
        watched.sim.thaw();
        sleep(MOMENT).await;
        assert_eq!(watched.height(), Some(2));
        let sync = watched.state.borrow().sync;
        assert_eq!((sync.following, sync.access), (Following::Following, Access::Open));
    }

    #[tokio::test(start_paused = true)]
    async fn a_ledger_that_fails_leaves_the_last_puzzle_and_is_asked_again() {
        let watched = watched();
        sleep(MOMENT).await;
        watched.sim.fail_reads(Some("the ledger is locked"));
        watched.sim.produce_block();
        sleep(MOMENT).await;
        assert_eq!(watched.height(), Some(0));
        watched.sim.fail_reads(None);
        sleep(SYNC_INTERVAL).await;
        assert_eq!(watched.height(), Some(1));
    }

    /// Addresses are shared out for the epoch that is mined, by what they may land in it.
    #[tokio::test(start_paused = true)]
    async fn the_addresses_turn_with_the_last_block_by_the_limits_of_the_next_epoch() {
        let (sim, stop) = (SimChain::new(), CancellationToken::new());
        sim.connect_validator(1);
        let (one, other) = (Address([1; 32]), Address([2; 32]));
        sim.set_limit(one, 2);
        sim.set_limit(other, 1);
        let addresses = Addresses::new(vec![one, other]);
        let (sender, _state) = watch::channel(ChainState::default());
        let folder = tempfile::tempdir().unwrap();
        let setup = setup(addresses.clone(), &folder);
        let task = tokio::spawn(run(sim.clone(), setup, sender, stop.clone()));
        // The first address has no room left in this epoch.
        sim.produce_block_with(&[sim.solution(one, 1, 200), sim.solution(one, 2, 200)], &[]);
        sim.jump_to(358);
        sleep(MOMENT).await;
        addresses.note_left(0, |address| sim.solutions_left(address).ok());
        let assign = |weight| {
            let mut assignment = addresses.assignment();
            assignment.take(weight, Learns::WithEachJob);
            assignment
        };
        assert_eq!(assign(1).address(), other);
        sim.produce_block();
        sleep(MOMENT).await;
        let assignments = [assign(10), assign(10), assign(10)];
        assert_eq!(assignments.each_ref().map(Assignment::address), [one, one, other], "as 2 to 1");
        // The new epoch itself moves nobody.
        let mut changes = addresses.changes();
        sim.produce_block();
        sleep(MOMENT).await;
        assert!(!changes.has_changed().unwrap());
        changes.mark_unchanged();
        assert_eq!(assign(10).address(), one, "what was assigned before the turn still counts");
        stop.cancel();
        task.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_published_when_nothing_changed() {
        let mut watched = watched();
        sleep(MOMENT).await;
        watched.state.mark_unchanged();
        sleep(10 * SYNC_INTERVAL).await;
        assert!(!watched.state.has_changed().unwrap());
    }
}
