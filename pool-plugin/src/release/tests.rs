//! The release queue over the simulated chain and a real ledger.

pub(crate) mod harness;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;
use pool_core::{
    chain::{Chain, ChainState, SyncState, addresses::Addresses, sim::SimChain},
    health::{HealthBoard, Part},
    types::{BLOCKS_PER_EPOCH, Solution, Worker},
};
use tokio::{
    sync::{mpsc, watch},
    time::{Duration, sleep},
};
use tokio_util::sync::CancellationToken;

use self::harness::{OURS, Pool, ids, until};
use super::{policy::Policy, records::SolutionStore, *};
use crate::ledger::{
    ReadError, WriteError,
    records::{ShareKey, SolutionRecord, SolutionState},
};

#[tokio::test(start_paused = true)]
async fn a_find_is_released_at_once_and_recorded() {
    let pool = Pool::new().await;
    let solution = pool.find_new(1, 200).await;
    assert_eq!(pool.sim.mempool(), [solution]);
    until(|| pool.state(&solution) == Some(SolutionState::Released)).await;
}

#[tokio::test(start_paused = true)]
async fn the_node_checks_a_solution_ahead_of_its_block_once_a_peer_has_it() {
    let pool = Pool::new().await;
    pool.sim.disconnect(pool.sim.peers()[0].address);
    let solution = pool.find_new(1, 200).await;
    assert!(pool.sim.checked_ahead().is_empty());
    pool.sim.connect_client(2);
    sleep(Duration::from_secs(3)).await;
    until(|| pool.sim.mempool() == [solution]).await;
    assert_eq!(pool.sim.checked_ahead(), [solution.id()]);
}

#[tokio::test(start_paused = true)]
async fn with_the_peers_cut_a_find_lands_through_one_that_connects_later() {
    let pool = Pool::new().await;
    let cut = pool.sim.peers()[0].address;
    // The message is lost, and then the peer.
    pool.sim.set_lossy(cut, true);
    let lost = pool.find_new(1, 200).await;
    pool.sim.disconnect(cut);
    let unsent = pool.find_new(2, 300).await;
    assert!(pool.sim.mempool().is_empty());
    assert_eq!(pool.reason(Part::Release), Some("no_peer"));

    pool.sim.connect_client(2);
    sleep(Duration::from_secs(3)).await;
    until(|| pool.sim.mempool().len() == 2).await;
    assert_eq!(ids(&pool.sim.mempool()), ids(&[lost, unsent]), "the one that waited is marked first");
    pool.sim.produce_block();
    pool.until_accounted().await;
    for solution in [lost, unsent] {
        assert!(matches!(pool.state(&solution), Some(SolutionState::Landed { height: 1, .. })));
    }
    assert_eq!(pool.reason(Part::Release), Some("flowing"));
}

#[tokio::test(start_paused = true)]
async fn a_lost_message_is_repeated_to_the_same_peer() {
    let pool = Pool::new().await;
    let peer = pool.sim.peers()[0].address;
    pool.sim.set_lossy(peer, true);
    let solution = pool.find_new(1, 200).await;
    pool.sim.set_lossy(peer, false);
    sleep(queue::REPEAT_AFTER + Duration::from_secs(1)).await;
    assert_eq!(pool.sim.mempool(), [solution]);
}

#[tokio::test(start_paused = true)]
async fn over_the_stake_limit_a_solution_is_held_until_its_epoch_ends() {
    let pool = Pool::new().await;
    pool.sim.set_limit(OURS, 1);
    let first = pool.find_new(1, 200).await;
    let held = pool.find_new(2, 900).await;
    assert_eq!(pool.sim.mempool(), [first]);
    assert_eq!(pool.reason(Part::Release), Some("stake_limit"));
    pool.sim.produce_block();
    pool.until_accounted().await;
    // Landed: the chain counts it now, and the place stays taken.
    sleep(Duration::from_secs(5)).await;
    assert!(pool.sim.mempool().is_empty());
    until(|| pool.state(&held) == Some(SolutionState::Found)).await;

    pool.sim.jump_to(BLOCKS_PER_EPOCH);
    pool.until_accounted().await;
    sleep(Duration::from_secs(5)).await;
    assert!(pool.sim.mempool().is_empty());
    assert_eq!(pool.state(&held), Some(SolutionState::Expired));
    // The new epoch has its own place.
    let fresh = pool.find_new(3, 200).await;
    assert_eq!(pool.sim.mempool(), [fresh]);
}

#[tokio::test(start_paused = true)]
async fn a_rise_of_the_proof_target_holds_a_solution_until_it_falls() {
    let pool = Pool::new().await;
    pool.sim.set_proof_target(500);
    pool.sim.produce_block();
    sleep(Duration::from_millis(1)).await;
    let solution = pool.find_new(1, 400).await;
    sleep(Duration::from_secs(10)).await;
    assert!(pool.sim.received(pool.sim.peers()[0].address).is_empty());
    pool.sim.set_proof_target(400);
    pool.sim.produce_block();
    until(|| pool.sim.mempool() == [solution]).await;
}

#[tokio::test(start_paused = true)]
async fn five_hundred_finds_go_out_at_the_pace_a_peer_takes_best_first() {
    let pool = Pool::new().await;
    pool.sim.connect_client(2);
    sleep(Duration::from_secs(3)).await;
    let finds: Vec<Solution> =
        (0..500).map(|counter| pool.sim.solution(OURS, counter, 1000 + counter)).collect();
    finds.iter().for_each(|solution| pool.find(*solution));
    sleep(Duration::from_secs(10 * 65)).await;

    let best_first: Vec<SolutionId> = finds.iter().rev().map(Solution::id).collect();
    let peers = pool.sim.peers();
    assert_eq!(peers.len(), 2, "a peer disconnected");
    for peer in peers {
        let received = pool.sim.received(peer.address);
        // Repetitions come after the first time.
        let mut seen = std::collections::HashSet::new();
        let firsts: Vec<SolutionId> =
            received.iter().map(|(_, id)| *id).filter(|id| seen.insert(*id)).collect();
        assert_eq!(firsts, best_first);
        for (index, (at, _)) in received.iter().enumerate() {
            let minute =
                received[..=index].iter().filter(|(other, _)| *at - *other <= Duration::from_secs(60));
            assert!(minute.count() <= peers::MAX_PER_WINDOW);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_epoch_flip_expires_what_did_not_land() {
    let pool = Pool::new().await;
    let solution = pool.find_new(1, 200).await;
    pool.sim.jump_to(BLOCKS_PER_EPOCH - 1);
    pool.until_accounted().await;
    until(|| pool.state(&solution) == Some(SolutionState::Released)).await;
    pool.sim.produce_block_with(&[], &[]);
    pool.until_accounted().await;
    assert_eq!(pool.state(&solution), Some(SolutionState::Expired));
    let before = pool.sim.received(pool.sim.peers()[0].address).len();
    pool.sim.connect_client(2);
    sleep(Duration::from_secs(200)).await;
    assert_eq!(pool.sim.received(pool.sim.peers()[0].address).len(), before);
}

#[tokio::test(start_paused = true)]
async fn a_solution_of_the_next_epoch_is_released_when_that_begins() {
    let pool = Pool::new().await;
    let early = Solution { epoch_hash: SimChain::epoch_hash(1), ..pool.sim.solution(OURS, 1, 200) };
    let finder = Worker { account: "ann".into(), name: String::new() };
    let found = Found { solution: early, epoch: 1, finder, found_ms: 1 };
    pool.sim.jump_to(BLOCKS_PER_EPOCH - 1);
    pool.send(found);
    sleep(Duration::from_secs(3)).await;
    assert!(pool.sim.received(pool.sim.peers()[0].address).is_empty());
    pool.sim.produce_block();
    until(|| pool.sim.mempool() == [early]).await;
}

/// A find of epoch 1 while epoch 0's last block is the latest.
async fn find_early(pool: &Pool, counter: u64, target: u64) -> Solution {
    let solution = SimChain::solution_of(1, OURS, counter, target);
    let finder = Worker { account: "ann".into(), name: String::new() };
    pool.send(Found { solution, epoch: 1, finder, found_ms: 1 });
    until(|| pool.state(&solution) == Some(SolutionState::Found)).await;
    solution
}

#[tokio::test(start_paused = true)]
async fn a_find_before_the_turn_outlives_crashes_and_lands_once_in_its_own_epoch() {
    let mut pool = Pool::new().await;
    pool.sim.set_limit(OURS, 1);
    let peer = pool.sim.peers()[0].address;
    let landed = pool.find_new(1, 200).await;
    pool.sim.produce_block();
    pool.until_accounted().await;
    pool.sim.jump_to(BLOCKS_PER_EPOCH - 1);
    // The old epoch's only place is taken, which does not affect the new one's find.
    let early = find_early(&pool, 2, 300).await;
    assert_eq!(pool.reason(Part::Release), Some("flowing"));
    // No block for an hour, with a crash and a stop in it.
    for _ in 0..2 {
        sleep(Duration::from_secs(1_800)).await;
        let (sim, folder) = pool.crash().await;
        pool = Pool::on(sim, folder);
        pool.settle_in().await;
    }
    let (sim, folder) = pool.stop().await;
    let pool = Pool::on(sim, folder);
    pool.settle_in().await;
    sleep(Duration::from_secs(5)).await;
    assert_eq!(pool.state(&early), Some(SolutionState::Found));
    assert!(pool.sim.mempool().is_empty());
    let received = |pool: &Pool| pool.sim.received(peer).iter().filter(|(_, id)| *id == early.id()).count();
    assert_eq!(received(&pool), 0, "a validator would refuse it for good");

    assert!(pool.sim.produce_block().solutions.is_empty());
    until(|| pool.sim.mempool() == [early]).await;
    let block = pool.sim.produce_block();
    assert_eq!(block.solutions.iter().map(|one| one.solution).collect::<Vec<_>>(), [early]);
    pool.until_accounted().await;
    let state = pool.state(&early);
    assert!(matches!(state, Some(SolutionState::Landed { height: 361, .. })), "{state:?}");
    assert!(matches!(pool.state(&landed), Some(SolutionState::Landed { height: 1, .. })));
    sleep(Duration::from_secs(200)).await;
    assert_eq!(received(&pool), 1, "never twice");
}

#[tokio::test(start_paused = true)]
async fn old_finds_still_go_out_before_the_turn_and_take_no_place_of_the_next_epoch() {
    let pool = Pool::new().await;
    pool.sim.set_limit(OURS, 1);
    pool.sim.jump_to(BLOCKS_PER_EPOCH - 1);
    let early = find_early(&pool, 1, 900).await;
    let old = pool.find_new(2, 200).await;
    assert_eq!(pool.sim.mempool(), [old]);
    let block = pool.sim.produce_block();
    assert_eq!((block.height, block.solutions.len()), (BLOCKS_PER_EPOCH, 1));
    until(|| pool.sim.mempool() == [early]).await;
    assert_eq!(pool.sim.produce_block().solutions.len(), 1);
    pool.until_accounted().await;
    for (solution, height) in [(old, 360), (early, 361)] {
        let state = pool.state(&solution);
        assert!(matches!(state, Some(SolutionState::Landed { height: at, .. }) if at == height), "{state:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_proof_target_that_rises_with_the_turn_holds_an_early_find_until_it_falls() {
    let pool = Pool::new().await;
    pool.sim.jump_to(BLOCKS_PER_EPOCH - 1);
    let early = find_early(&pool, 1, 200).await;
    pool.sim.set_proof_target(201);
    pool.sim.produce_block();
    sleep(Duration::from_secs(10)).await;
    assert!(pool.sim.received(pool.sim.peers()[0].address).is_empty());
    pool.sim.set_proof_target(200);
    pool.sim.produce_block();
    until(|| pool.sim.mempool() == [early]).await;
}

/// The node misses the epoch's first block and sees a later one.
#[tokio::test(start_paused = true)]
async fn an_early_find_goes_out_when_the_node_skips_the_epochs_first_block() {
    let pool = Pool::new().await;
    pool.sim.jump_to(BLOCKS_PER_EPOCH - 1);
    let early = find_early(&pool, 1, 200).await;
    pool.sim.freeze();
    pool.sim.jump_to(BLOCKS_PER_EPOCH + 2);
    sleep(Duration::from_secs(5)).await;
    assert!(pool.sim.mempool().is_empty());
    pool.sim.thaw();
    until(|| pool.sim.mempool() == [early]).await;
}

/// The process dies between a share and the record of its find, on an epoch's last block.
#[tokio::test(start_paused = true)]
async fn an_early_find_that_died_before_its_record_is_released_with_the_turn() {
    let pool = Pool::new().await;
    pool.sim.jump_to(BLOCKS_PER_EPOCH - 1);
    let mut finds = vec![];
    for (epoch, counter) in [(1, 1), (0, 2), (1, 3)] {
        let key = ShareKey { epoch, address: OURS, counter };
        let reservation = pool.ledger.reserve(key).unwrap();
        let worker = Worker { account: "bob".into(), name: "rig".into() };
        pool.ledger.append(reservation, worker, 10, 200, 5_000).await.unwrap();
        finds.push(SimChain::solution_of(epoch, OURS, counter, 200));
    }
    let (sim, folder) = pool.crash().await;
    let pool = Pool::on(sim, folder);
    pool.settle_in().await;
    assert_eq!(pool.sim.mempool(), [finds[1]], "the old epoch's at once");
    until(|| pool.state(&finds[0]) == Some(SolutionState::Found)).await;
    pool.sim.produce_block();
    until(|| pool.sim.mempool().len() == 2).await;
    let block = pool.sim.produce_block();
    assert_eq!((block.solutions.len(), block.aborted.len()), (2, 0));
    pool.until_accounted().await;
    let record = pool.ledger.solution(finds[2].id()).unwrap().unwrap();
    assert_eq!((record.epoch, record.finder.unwrap().account), (1, "bob".to_owned()));
}

/// The chain stands still on the last block, and every attempt is a solution.
#[tokio::test(start_paused = true)]
async fn without_the_next_block_finds_stay_and_are_bounded() {
    let pool = Pool::new().await;
    pool.sim.jump_to(BLOCKS_PER_EPOCH - 1);
    let finder = Worker { account: "ann".into(), name: String::new() };
    let count = queue::MOST_EARLY as u64 + 5;
    let finds: Vec<Solution> =
        (0..count).map(|counter| SimChain::solution_of(1, OURS, counter, 1_000 + counter)).collect();
    let best = finds[finds.len() - 1];
    for solution in &finds {
        pool.send(Found { solution: *solution, epoch: 1, finder: finder.clone(), found_ms: 1 });
    }
    until(|| pool.state(&best) == Some(SolutionState::Found)).await;
    assert!(finds.iter().all(|find| pool.state(find) == Some(SolutionState::Found)));
    sleep(Duration::from_secs(3_600)).await;
    let waiting = queue::MOST_EARLY.to_string() + " for the next epoch";
    let text = pool.health.latest().0[&Part::Release].text.clone();
    assert!(text.ends_with(&waiting), "{text}");
    pool.sim.produce_block();
    until(|| pool.sim.mempool().len() == peers::MAX_PER_WINDOW).await;
    assert_eq!(pool.sim.mempool()[0], best, "best first");
}

#[tokio::test(start_paused = true)]
async fn a_validator_needs_no_peer() {
    let sim = SimChain::new();
    sim.enable_own_consensus();
    let pool = Pool::on(sim, Arc::new(tempfile::tempdir().unwrap()));
    pool.settle_in().await;
    let solution = pool.find_new(1, 200).await;
    sleep(Duration::from_secs(5)).await;
    assert_eq!(pool.sim.own_submissions(), [solution.id()]);
    until(|| pool.state(&solution) == Some(SolutionState::Released)).await;
}

#[tokio::test(start_paused = true)]
async fn an_abort_gives_the_place_to_the_next() {
    let pool = Pool::new().await;
    pool.sim.set_limit(OURS, 1);
    let aborted = pool.find_new(1, 900).await;
    let next = pool.find_new(2, 200).await;
    assert_eq!(pool.sim.mempool(), [aborted]);
    until(|| pool.state(&aborted) == Some(SolutionState::Released)).await;
    pool.sim.produce_block_with(&[], &[aborted.id()]);
    pool.until_accounted().await;
    until(|| pool.sim.mempool() == [next]).await;
    assert!(matches!(pool.state(&aborted), Some(SolutionState::Aborted { height: 1, .. })));
}

#[tokio::test(start_paused = true)]
async fn a_restart_takes_up_what_is_open_and_remembers_its_place_in_the_limit() {
    let pool = Pool::new().await;
    pool.sim.set_limit(OURS, 1);
    let peer = pool.sim.peers()[0].address;
    pool.sim.set_lossy(peer, true);
    let released = pool.find_new(1, 200).await;
    let held = pool.find_new(2, 900).await;
    until(|| pool.state(&released) == Some(SolutionState::Released)).await;
    until(|| pool.state(&held) == Some(SolutionState::Found)).await;
    let (sim, folder) = pool.crash().await;

    sim.set_lossy(peer, false);
    let pool = Pool::on(sim, folder);
    pool.settle_in().await;
    assert_eq!(pool.sim.mempool(), [released]);
    assert_eq!(pool.reason(Part::Release), Some("stake_limit"));
}

#[tokio::test(start_paused = true)]
async fn a_settled_solution_found_again_after_a_restart_takes_no_place() {
    let pool = Pool::new().await;
    pool.sim.set_limit(OURS, 2);
    let landed = pool.find_new(1, 900).await;
    pool.sim.produce_block();
    pool.until_accounted().await;
    let (sim, folder) = pool.stop().await;

    let pool = Pool::on(sim, folder);
    pool.settle_in().await;
    pool.find(landed);
    until(|| pool.reason(Part::Release).is_some()).await;
    tokio::task::spawn_blocking(|| ()).await.unwrap();
    sleep(Duration::from_secs(2)).await;
    let next = pool.find_new(2, 200).await;
    assert_eq!(pool.sim.mempool(), [next]);
    assert!(matches!(pool.state(&landed), Some(SolutionState::Landed { .. })));
}

#[tokio::test(start_paused = true)]
async fn finds_sent_while_stopping_are_broadcast_and_recorded() {
    let pool = Pool::new().await;
    let solutions: Vec<Solution> = (0..20).map(|counter| pool.sim.solution(OURS, counter, 200)).collect();
    solutions.iter().for_each(|solution| pool.find(*solution));
    let (sim, folder) = pool.stop().await;
    assert_eq!(sim.mempool().len(), 20);
    let pool = Pool::on(sim, folder);
    for solution in &solutions {
        assert_eq!(pool.state(solution), Some(SolutionState::Released));
    }
}

/// A ledger whose disk fails, or hangs, on demand.
#[derive(Clone, Default)]
struct BrokenStore(Arc<Broken>);

#[derive(Default)]
struct Broken {
    failing: AtomicBool,
    hanging: AtomicBool,
    marks: AtomicUsize,
    records: Mutex<HashMap<SolutionId, SolutionRecord>>,
}

impl BrokenStore {
    async fn write(
        &self,
        change: impl FnOnce(&mut HashMap<SolutionId, SolutionRecord>) + Send,
    ) -> Result<(), WriteError> {
        if self.0.hanging.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        if self.0.failing.load(Ordering::Relaxed) {
            return Err(WriteError::Storage("no space left on device".into()));
        }
        change(&mut self.0.records.lock());
        Ok(())
    }

    fn state(&self, solution: &Solution) -> Option<SolutionState> {
        self.0.records.lock().get(&solution.id()).map(|record| record.state.clone())
    }
}

impl SolutionStore for BrokenStore {
    fn expect_found(&self, _: &SolutionRecord) {}

    async fn record_found(&self, record: SolutionRecord) -> Result<(), WriteError> {
        self.write(|records| drop(records.insert(record.solution.id(), record))).await
    }

    async fn mark_released(&self, id: SolutionId) -> Result<(), WriteError> {
        self.0.marks.fetch_add(1, Ordering::Relaxed);
        self.write(|records| {
            records.get_mut(&id).unwrap().state = SolutionState::Released;
        })
        .await
    }

    fn solution(&self, id: SolutionId) -> Result<Option<SolutionRecord>, ReadError> {
        Ok(self.0.records.lock().get(&id).cloned())
    }

    fn open_solutions(&self) -> Result<Vec<SolutionRecord>, ReadError> {
        if self.0.failing.load(Ordering::Relaxed) {
            return Err(ReadError::Closed);
        }
        Ok(vec![])
    }

    fn unrecorded_finds(&self, _: &pool_core::chain::Puzzle) -> Result<Vec<Found>, ReadError> {
        Ok(vec![])
    }
}

struct Queue {
    sim: Arc<SimChain>,
    store: BrokenStore,
    finds: FoundSender,
    health: HealthBoard,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
    _state: watch::Sender<ChainState>,
}

/// The release queue alone, over a store that can break.
async fn queue_on(store: BrokenStore) -> Queue {
    let sim = SimChain::new();
    sim.connect_validator(1);
    let (finds, found) = mpsc::unbounded_channel();
    let (_, settled) = mpsc::unbounded_channel();
    let latest = ChainState { puzzle: Some(sim.puzzle().unwrap()), sync: SyncState::simple(true) };
    let (_state, state) = watch::channel(latest);
    let (health, stop) = (HealthBoard::default(), CancellationToken::new());
    let inbox = Inbox::new(found, settled).shared();
    let task = tokio::spawn(run(
        sim.clone(),
        Setup { policy: Policy::Immediate, addresses: Addresses::new(vec![OURS]) },
        state,
        store.clone(),
        inbox,
        health.clone(),
        stop.clone(),
    ));
    sleep(Duration::from_millis(2100)).await;
    Queue { sim, store, finds, health, stop, task, _state }
}

impl Queue {
    async fn find(&self, counter: u64) -> Solution {
        let solution = self.sim.solution(OURS, counter, 200);
        let finder = Worker { account: "ann".into(), name: "rig".into() };
        self.finds.send(Found { solution, epoch: 0, finder, found_ms: 1 }).unwrap();
        sleep(Duration::from_millis(1)).await;
        solution
    }
}

#[tokio::test(start_paused = true)]
async fn a_failing_disk_does_not_stop_a_broadcast_and_is_tried_again() {
    let queue = queue_on(BrokenStore::default()).await;
    queue.store.0.failing.store(true, Ordering::Relaxed);
    let solution = queue.find(1).await;
    assert_eq!(queue.sim.mempool(), [solution]);
    sleep(Duration::from_secs(60)).await;
    let report = queue.health.latest().0[&Part::Release].clone();
    assert_eq!(report.reason, "unwritten");
    assert!(report.text.contains("no space left on device"));
    queue.store.0.failing.store(false, Ordering::Relaxed);
    sleep(Duration::from_secs(10)).await;
    assert_eq!(queue.store.state(&solution), Some(SolutionState::Released));
    assert_eq!(queue.health.latest().0[&Part::Release].reason, "flowing");
}

#[tokio::test(start_paused = true)]
async fn a_hanging_disk_does_not_stop_a_broadcast() {
    let queue = queue_on(BrokenStore::default()).await;
    queue.store.0.hanging.store(true, Ordering::Relaxed);
    let solutions = [queue.find(1).await, queue.find(2).await];
    assert_eq!(queue.sim.mempool(), solutions);
}

#[tokio::test(start_paused = true)]
async fn a_find_that_goes_out_at_once_is_recorded_so_in_one_write() {
    let queue = queue_on(BrokenStore::default()).await;
    let solution = queue.find(1).await;
    assert_eq!(queue.store.state(&solution), Some(SolutionState::Released));
    assert_eq!(queue.store.0.marks.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn what_was_held_goes_out_when_its_release_is_marked_or_after_a_moment() {
    let queue = queue_on(BrokenStore::default()).await;
    queue.sim.set_limit(OURS, 0);
    let held = [queue.find(1).await, queue.find(2).await];
    assert!(held.iter().all(|one| queue.store.state(one) == Some(SolutionState::Found)));
    queue.sim.set_limit(OURS, 1);
    sleep(Duration::from_millis(1_010)).await;
    let [first] = queue.sim.mempool()[..] else { panic!("{:?}", queue.sim.mempool()) };
    assert_eq!(queue.store.state(&first), Some(SolutionState::Released), "no later than it was sent");

    queue.store.0.hanging.store(true, Ordering::Relaxed);
    queue.sim.set_limit(OURS, 2);
    sleep(Duration::from_millis(1_010)).await;
    assert_eq!(queue.sim.mempool(), [first]);
    sleep(Duration::from_millis(1_010)).await;
    assert_eq!(queue.sim.mempool().len(), 2, "a hanging disk loses no block");
}

/// The process dies after a find was sent, and before its record was written: only its share is stored.
#[tokio::test(start_paused = true)]
async fn a_find_that_died_before_its_record_keeps_its_place() {
    let pool = Pool::new().await;
    pool.sim.set_limit(OURS, 0);
    let held = pool.find_new(1, 900).await;
    until(|| pool.state(&held) == Some(SolutionState::Found)).await;
    let sent = pool.sim.solution(OURS, 2, 200);
    let key = ShareKey { epoch: 0, address: OURS, counter: 2 };
    let worker = Worker { account: "bob".into(), name: "rig".into() };
    let reservation = pool.ledger.reserve(key).unwrap();
    pool.ledger.append(reservation, worker.clone(), 10, 200, 5_000).await.unwrap();
    let (sim, folder) = pool.crash().await;
    sim.set_limit(OURS, 1);
    sim.offer(sim.peers()[0].address, &sent);

    let pool = Pool::on(sim, folder);
    pool.settle_in().await;
    assert_eq!(pool.sim.mempool(), [sent], "and not the better one, which would be lost");
    until(|| pool.state(&sent) == Some(SolutionState::Released)).await;
    let block = pool.sim.produce_block();
    assert_eq!((block.solutions.len(), block.aborted.len()), (1, 0));
    pool.until_accounted().await;
    let record = pool.ledger.solution(sent.id()).unwrap().unwrap();
    assert!(matches!(record.state, SolutionState::Landed { .. }));
    assert_eq!((record.finder, record.found_ms), (Some(worker), 5_000));
    assert_eq!(pool.state(&held), Some(SolutionState::Found));
}

#[tokio::test(start_paused = true)]
async fn a_network_without_peers_does_not_stop_the_write() {
    let queue = queue_on(BrokenStore::default()).await;
    queue.sim.disconnect(queue.sim.peers()[0].address);
    let solution = queue.find(1).await;
    assert_eq!(queue.store.state(&solution), Some(SolutionState::Found));
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_although_the_disk_fails_and_writes_if_it_recovers() {
    let queue = queue_on(BrokenStore::default()).await;
    queue.store.0.failing.store(true, Ordering::Relaxed);
    let solution = queue.find(1).await;
    queue.stop.cancel();
    drop(queue.finds);
    let store = queue.store.clone();
    tokio::spawn(async move {
        sleep(Duration::from_millis(250)).await;
        store.0.failing.store(false, Ordering::Relaxed);
    });
    queue.task.await.unwrap();
    assert_eq!(queue.store.state(&solution), Some(SolutionState::Released));

    let queue = queue_on(BrokenStore::default()).await;
    queue.store.0.failing.store(true, Ordering::Relaxed);
    queue.find(1).await;
    queue.stop.cancel();
    queue.task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn open_solutions_that_cannot_be_read_do_not_hold_up_a_find() {
    let store = BrokenStore::default();
    store.0.failing.store(true, Ordering::Relaxed);
    let queue = queue_on(store).await;
    let solution = queue.find(1).await;
    assert_eq!(queue.sim.mempool(), [solution]);
}
