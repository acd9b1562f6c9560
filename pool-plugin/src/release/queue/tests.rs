use pool_core::{chain::sim::SimChain, types::EpochHash};
use proptest::prelude::*;

use super::{super::peers::MAX_PER_WINDOW, *};

pub(super) const OURS: Address = Address([7; 32]);

pub(super) fn puzzle(epoch: u32, proof_target: u64) -> Puzzle {
    Puzzle {
        height: epoch * 360,
        epoch,
        epoch_hash: SimChain::epoch_hash(epoch),
        next_epoch_hash: None,
        proof_target,
        coinbase_target: 1_000_000,
    }
}

pub(super) fn solution(epoch: u32, counter: u64, target: u64) -> Solution {
    Solution { epoch_hash: SimChain::epoch_hash(epoch), address: OURS, counter, target }
}

fn peer(port: u16) -> Peer {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    Peer { validator: true, trusted: true, ..Peer::chosen(address) }
}

pub(super) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(super) fn left(count: u64) -> HashMap<Address, u64> {
    HashMap::from([(OURS, count)])
}

/// A queue on a client that has seen these peers twice.
pub(super) fn queue(ports: &[u16]) -> ReleaseQueue {
    let mut queue = ReleaseQueue { own_consensus: false, ..ReleaseQueue::new(Policy::Immediate) };
    let peers: Vec<Peer> = ports.iter().map(|port| peer(*port)).collect();
    queue.look(&peers, seconds(0));
    queue.look(&peers, seconds(1));
    queue
}

/// Plans and carries out: every offer arrives. Returns the hand-overs as (counter, ports).
pub(super) fn release(
    queue: &mut ReleaseQueue,
    puzzle: &Puzzle,
    limit: u64,
    now: Duration,
) -> Vec<(u64, Vec<u16>)> {
    let plan = queue.plan(puzzle, &left(limit), now);
    for hand_over in &plan.hand_overs {
        for peer in &hand_over.peers {
            queue.offered(hand_over.solution.id(), *peer, true, now);
        }
    }
    let ports = |one: &HandOver| one.peers.iter().map(SocketAddr::port).collect();
    plan.hand_overs.iter().map(|one| (one.solution.counter, ports(one))).collect()
}

pub(super) fn waits(queue: &mut ReleaseQueue, puzzle: &Puzzle, limit: u64) -> HashMap<Wait, usize> {
    queue.plan(puzzle, &left(limit), seconds(2)).status.waiting
}

#[test]
fn the_best_go_first_to_every_peer_and_the_rest_are_held() {
    let mut queue = queue(&[1, 2]);
    for (counter, target) in [(1, 300), (2, 900), (3, 500)] {
        assert!(queue.add(solution(0, counter, target), 0, Past::Fresh));
    }
    let plan = queue.plan(&puzzle(0, 100), &left(2), seconds(1));
    assert_eq!(plan.newly_waiting, [(solution(0, 1, 300).id(), Wait::StakeLimit)]);
    let gone = release(&mut queue, &puzzle(0, 100), 2, seconds(1));
    assert_eq!(gone, [(2, vec![1, 2]), (3, vec![1, 2])]);
    assert!(release(&mut queue, &puzzle(0, 100), 2, seconds(2)).is_empty());
}

#[test]
fn an_abort_gives_its_place_back_and_a_landing_takes_it_for_good() {
    let mut queue = queue(&[1]);
    for counter in 1..=3 {
        queue.add(solution(0, counter, 1000 - counter), 0, Past::Fresh);
    }
    assert_eq!(release(&mut queue, &puzzle(0, 100), 1, seconds(1)), [(1, vec![1])]);
    // Aborted: the chain still has one left.
    queue.settle(solution(0, 1, 999).id(), 0);
    assert_eq!(release(&mut queue, &puzzle(0, 100), 1, seconds(2)), [(2, vec![1])]);
    // Landed: it has none.
    queue.settle(solution(0, 2, 998).id(), 0);
    assert!(release(&mut queue, &puzzle(0, 100), 0, seconds(3)).is_empty());
}

#[test]
fn what_was_released_before_a_restart_holds_its_place() {
    let mut queue = queue(&[1]);
    queue.add(solution(0, 1, 200), 0, Past::Released);
    queue.add(solution(0, 2, 900), 0, Past::Fresh);
    // The one already out is offered again, the better one has to wait.
    assert_eq!(release(&mut queue, &puzzle(0, 100), 1, seconds(1)), [(1, vec![1])]);
}

#[test]
fn an_unreadable_limit_holds_what_is_not_out_yet() {
    let mut queue = queue(&[1]);
    queue.add(solution(0, 1, 200), 0, Past::Released);
    queue.add(solution(0, 2, 200), 0, Past::Fresh);
    let plan = queue.plan(&puzzle(0, 100), &HashMap::new(), seconds(1));
    assert_eq!(plan.hand_overs.len(), 1);
    assert_eq!(plan.status.waiting, HashMap::from([(Wait::UnknownLimit, 1)]));
}

#[test]
fn below_a_risen_proof_target_a_solution_waits_for_its_fall() {
    let mut queue = queue(&[1]);
    queue.add(solution(0, 1, 200), 0, Past::Fresh);
    assert_eq!(waits(&mut queue, &puzzle(0, 201), 9), HashMap::from([(Wait::ProofTarget, 1)]));
    assert_eq!(release(&mut queue, &puzzle(0, 200), 9, seconds(2)), [(1, vec![1])]);
    // Already out: not offered to another peer either, while it could not land.
    queue.look(&[peer(1), peer(2)], seconds(2));
    queue.look(&[peer(1), peer(2)], seconds(3));
    assert!(release(&mut queue, &puzzle(0, 201), 9, seconds(3)).is_empty());
    assert_eq!(release(&mut queue, &puzzle(0, 200), 9, seconds(4)), [(1, vec![2])]);
}

#[test]
fn a_solution_of_the_next_epoch_waits_for_it_and_expires_after() {
    let mut queue = queue(&[1]);
    let early = solution(1, 1, 200);
    queue.add(early, 1, Past::Fresh);
    assert_eq!(waits(&mut queue, &puzzle(0, 100), 9), HashMap::from([(Wait::Epoch, 1)]));
    assert!(queue.expire(1).is_empty());
    assert_eq!(release(&mut queue, &puzzle(1, 100), 9, seconds(2)), [(1, vec![1])]);
    assert_eq!(queue.expire(2), [Expired { id: early.id(), released: true, waited: None }]);
    assert!(queue.expire(2).is_empty());
}

#[test]
fn a_foreign_epoch_hash_is_never_released() {
    let mut queue = queue(&[1]);
    queue.add(Solution { epoch_hash: EpochHash([3; 32]), ..solution(0, 1, 200) }, 0, Past::Fresh);
    assert!(release(&mut queue, &puzzle(0, 100), 9, seconds(2)).is_empty());
}

#[test]
fn a_settled_solution_found_again_is_old_news_until_its_epoch_ends() {
    let mut queue = queue(&[1]);
    let one = solution(0, 1, 200);
    queue.settle(one.id(), 0);
    assert!(!queue.add(one, 0, Past::Fresh));
    assert!(queue.add(solution(0, 2, 200), 0, Past::Fresh));
    assert!(!queue.add(solution(0, 2, 200), 0, Past::Fresh));
    queue.expire(1);
    assert!(queue.settled.is_empty() && queue.entries.is_empty());
}

#[test]
fn later_peers_are_offered_what_is_still_open() {
    let mut queue = queue(&[1]);
    queue.add(solution(0, 1, 200), 0, Past::Fresh);
    release(&mut queue, &puzzle(0, 100), 9, seconds(1));
    queue.look(&[peer(1), peer(2)], seconds(2));
    assert!(release(&mut queue, &puzzle(0, 100), 9, seconds(2)).is_empty());
    queue.look(&[peer(1), peer(2)], seconds(3));
    assert_eq!(release(&mut queue, &puzzle(0, 100), 9, seconds(3)), [(1, vec![2])]);
    // A peer that was away gets a new chance as well.
    queue.look(&[peer(2)], seconds(4));
    queue.look(&[peer(1), peer(2)], seconds(5));
    queue.look(&[peer(1), peer(2)], seconds(6));
    assert_eq!(release(&mut queue, &puzzle(0, 100), 9, seconds(6)), [(1, vec![1])]);
}

#[test]
fn without_anyone_to_give_it_to_a_solution_takes_no_place() {
    let mut queue = queue(&[]);
    queue.add(solution(0, 1, 200), 0, Past::Fresh);
    assert_eq!(waits(&mut queue, &puzzle(0, 100), 1), HashMap::from([(Wait::NoPeer, 1)]));
    queue.look(&[peer(1)], seconds(2));
    queue.look(&[peer(1)], seconds(3));
    let plan = queue.plan(&puzzle(0, 100), &left(1), seconds(3));
    assert_eq!(plan.hand_overs.len(), 1);
    // The peer was gone: a better one may have the place.
    assert!(!queue.offered(solution(0, 1, 200).id(), peer(1).address, false, seconds(3)));
    queue.add(solution(0, 2, 900), 0, Past::Fresh);
    queue.look(&[peer(2)], seconds(4));
    queue.look(&[peer(2)], seconds(5));
    assert_eq!(release(&mut queue, &puzzle(0, 100), 1, seconds(5)), [(2, vec![2])]);
}

#[test]
fn a_validator_gives_each_solution_to_its_own_consensus_once() {
    let mut queue = ReleaseQueue::new(Policy::Immediate);
    let one = solution(0, 1, 200);
    queue.add(one, 0, Past::Fresh);
    let plan = queue.plan(&puzzle(0, 100), &left(1), seconds(1));
    assert_eq!(plan.hand_overs, [HandOver { solution: one, submit: true, peers: vec![] }]);
    assert!(queue.submitted(one.id(), true));
    assert!(!queue.submitted(one.id(), true));
    assert!(queue.plan(&puzzle(0, 100), &left(1), seconds(2)).hand_overs.is_empty());
}

#[test]
fn a_client_is_not_asked_for_its_consensus_again() {
    let mut queue = ReleaseQueue::new(Policy::Immediate);
    let one = solution(0, 1, 200);
    queue.add(one, 0, Past::Fresh);
    assert!(queue.plan(&puzzle(0, 100), &left(1), seconds(1)).hand_overs[0].submit);
    assert!(!queue.submitted(one.id(), false));
    let plan = queue.plan(&puzzle(0, 100), &left(1), seconds(1));
    assert_eq!((plan.hand_overs.len(), plan.status.released), (0, 0));
    assert_eq!(plan.status.waiting, HashMap::from([(Wait::NoPeer, 1)]));
}

#[test]
fn a_peers_minute_is_filled_with_the_best_and_no_more() {
    let mut queue = queue(&[1]);
    for counter in 0..100 {
        queue.add(solution(0, counter, 1000 + counter), 0, Past::Fresh);
    }
    let first = release(&mut queue, &puzzle(0, 100), u64::MAX, seconds(1));
    let counters: Vec<u64> = first.iter().map(|(counter, _)| *counter).collect();
    assert_eq!(counters, (40..100).rev().collect::<Vec<u64>>());
    assert_eq!(waits(&mut queue, &puzzle(0, 100), u64::MAX), HashMap::from([(Wait::Pace, 40)]));
    assert_eq!(release(&mut queue, &puzzle(0, 100), u64::MAX, seconds(65)).len(), 0);
    assert_eq!(release(&mut queue, &puzzle(0, 100), u64::MAX, seconds(66)).len(), 40);
}

#[test]
fn what_does_not_land_is_offered_again_but_never_before_a_fresh_find() {
    let mut queue = queue(&[1]);
    for counter in 0..30 {
        queue.add(solution(0, counter, 900), 0, Past::Fresh);
    }
    assert_eq!(release(&mut queue, &puzzle(0, 100), 99, seconds(1)).len(), 30);
    assert!(release(&mut queue, &puzzle(0, 100), 99, seconds(90)).is_empty());
    queue.add(solution(0, 99, 200), 0, Past::Fresh);
    let again = release(&mut queue, &puzzle(0, 100), 99, seconds(91));
    assert_eq!(again[0].0, 99);
    assert_eq!(again.len(), REPEAT_ROOM);
}

#[derive(Clone, Debug)]
enum Event {
    Find { counter: u64, count: u64, target: u64, next_epoch: bool },
    Look { ports: Vec<u16> },
    Pass { seconds: u64 },
    Settle { nth: usize, landed: bool },
    ProofTarget(u64),
    EpochFlip,
    LosePeer,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0u64..2000, 1u64..120, 50u64..400, any::<bool>()).prop_map(
            |(counter, count, target, next_epoch)| Event::Find { counter, count, target, next_epoch }
        ),
        6 => proptest::collection::vec(1u16..5, 0..4).prop_map(|ports| Event::Look { ports }),
        4 => (0u64..50).prop_map(|seconds| Event::Pass { seconds }),
        4 => (any::<usize>(), any::<bool>()).prop_map(|(nth, landed)| Event::Settle { nth, landed }),
        1 => (50u64..400).prop_map(Event::ProofTarget),
        1 => Just(Event::EpochFlip),
        1 => Just(Event::LosePeer),
    ]
}

/// What a chain and its peers would see.
struct World {
    queue: ReleaseQueue,
    now: Duration,
    puzzle: Puzzle,
    limit: u64,
    landed: u64,
    out: Vec<SolutionId>,
    sent: HashMap<SocketAddr, Vec<Duration>>,
    looks: [HashSet<SocketAddr>; 2],
    lose_peer: bool,
}

impl World {
    fn new(limit: u64) -> Self {
        Self {
            queue: ReleaseQueue { own_consensus: false, ..ReleaseQueue::new(Policy::Immediate) },
            now: Duration::ZERO,
            puzzle: puzzle(0, 100),
            limit,
            landed: 0,
            out: vec![],
            sent: HashMap::new(),
            looks: [HashSet::new(), HashSet::new()],
            lose_peer: false,
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Find { counter, count, target, next_epoch } => {
                let epoch = self.puzzle.epoch + u32::from(next_epoch);
                for counter in counter..counter + count {
                    let found = solution(epoch, counter, target + counter % 7);
                    self.queue.add(found, epoch, Past::Fresh);
                }
            }
            Event::Look { ports } => {
                let peers: Vec<Peer> =
                    ports.iter().collect::<HashSet<_>>().into_iter().map(|port| peer(*port)).collect();
                self.now += seconds(1);
                self.queue.look(&peers, self.now);
                self.looks.swap(0, 1);
                self.looks[1] = peers.iter().map(|peer| peer.address).collect();
            }
            Event::Pass { seconds: passed } => self.now += seconds(passed),
            Event::Settle { nth, landed } if !self.out.is_empty() => {
                let id = self.out.swap_remove(nth % self.out.len());
                self.landed += u64::from(landed);
                self.queue.settle(id, self.puzzle.epoch);
            }
            Event::Settle { .. } => {}
            Event::ProofTarget(target) => self.puzzle.proof_target = target,
            Event::EpochFlip => {
                self.puzzle = puzzle(self.puzzle.epoch + 1, self.puzzle.proof_target);
                self.landed = 0;
                self.out.clear();
                self.queue.expire(self.puzzle.epoch);
            }
            Event::LosePeer => self.lose_peer = true,
        }
    }

    fn release(&mut self) -> Result<(), TestCaseError> {
        let left = left(self.limit - self.landed);
        let plan = self.queue.plan(&self.puzzle, &left, self.now);
        let fresh = |one: &&HandOver| !self.out.contains(&one.solution.id());
        let targets: Vec<u64> = plan.hand_overs.iter().filter(fresh).map(|one| one.solution.target).collect();
        prop_assert!(targets.is_sorted_by(|one, next| one >= next), "not best first");
        let writable: HashSet<SocketAddr> = self.looks[0].intersection(&self.looks[1]).copied().collect();
        for hand_over in &plan.hand_overs {
            prop_assert_eq!(hand_over.solution.epoch_hash, self.puzzle.epoch_hash);
            prop_assert!(hand_over.solution.target >= self.puzzle.proof_target);
            for peer in &hand_over.peers {
                prop_assert!(writable.contains(peer), "offered to an unknown peer");
                self.offer(hand_over.solution.id(), *peer)?;
            }
        }
        prop_assert!(self.out.len() as u64 + self.landed <= self.limit, "over the stake limit");
        Ok(())
    }

    fn offer(&mut self, id: SolutionId, peer: SocketAddr) -> Result<(), TestCaseError> {
        if std::mem::take(&mut self.lose_peer) {
            self.queue.offered(id, peer, false, self.now);
            self.looks[1].remove(&peer);
            return Ok(());
        }
        let times = self.sent.entry(peer).or_default();
        times.push(self.now);
        let minute = times.iter().filter(|sent| self.now - **sent <= seconds(60)).count();
        prop_assert!(minute <= MAX_PER_WINDOW, "{minute} in a minute");
        if self.queue.offered(id, peer, true, self.now) {
            prop_assert!(!self.out.contains(&id), "released twice");
            self.out.push(id);
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn never_over_budget_nor_pace_nor_of_another_epoch(
        limit in 0u64..150,
        events in proptest::collection::vec(event(), 1..60),
    ) {
        let mut world = World::new(limit);
        for event in events {
            world.happen(event);
            world.release()?;
        }
    }
}

/// A queue with a policy, on a client that has seen a peer twice.
pub(super) fn queue_with(policy: Policy, targets: &[u64]) -> ReleaseQueue {
    let mut queue = ReleaseQueue { policy, ..queue(&[1]) };
    for (counter, target) in (1..).zip(targets) {
        queue.add(solution(0, counter, *target), 0, Past::Fresh);
    }
    queue
}

pub(super) fn at(height: u32) -> Puzzle {
    Puzzle { height, coinbase_target: 400, ..puzzle(0, 100) }
}

#[test]
fn best_of_epoch_holds_what_may_be_bettered_and_sends_one_unbeatable_a_block() {
    let mut queue = queue_with(Policy::BestOfEpoch, &[110, 399, 400, 900]);
    assert_eq!(release(&mut queue, &at(5), 3, seconds(1)), [(4, vec![1])]);
    assert!(release(&mut queue, &at(5), 3, seconds(1)).is_empty());
    assert_eq!(waits(&mut queue, &at(5), 3), HashMap::from([(Wait::Better, 3)]));
    assert_eq!(release(&mut queue, &at(6), 3, seconds(2)), [(3, vec![1])]);
    assert!(release(&mut queue, &at(7), 3, seconds(3)).is_empty());
}

#[test]
fn best_of_epoch_sends_the_best_of_the_rest_before_the_epoch_ends() {
    let mut queue = queue_with(Policy::BestOfEpoch, &[110, 120, 150, 130]);
    let last = BLOCKS_PER_EPOCH - super::super::policy::RESERVE;
    let mut gone = vec![];
    for height in last - 10..BLOCKS_PER_EPOCH {
        let sent = release(&mut queue, &at(height), 2, seconds(height.into()));
        gone.extend(sent.iter().map(|(counter, _)| (height, *counter)));
    }
    // Two blocks before the reserve the first of two, then the other.
    assert_eq!(gone, [(last - 1, 3), (last, 4)]);
    assert_eq!(waits(&mut queue, &at(359), 2), HashMap::from([(Wait::StakeLimit, 2)]));
}

#[test]
fn auto_sends_all_while_the_budget_is_ample_and_holds_when_it_is_not() {
    let mut ample = queue_with(Policy::Auto, &[110, 120]);
    assert_eq!(release(&mut ample, &at(350), 5, seconds(1)).len(), 2);
    let mut scarce = queue_with(Policy::Auto, &[110, 120]);
    assert!(release(&mut scarce, &at(180), 3, seconds(1)).is_empty());
    assert_eq!(waits(&mut scarce, &at(180), 3), HashMap::from([(Wait::Better, 2)]));
}

#[test]
fn a_restart_does_not_release_another_in_the_place_of_one_on_its_way() {
    let mut queue = queue_with(Policy::BestOfEpoch, &[900, 800]);
    queue.add(solution(0, 9, 700), 0, Past::Released);
    assert_eq!(release(&mut queue, &at(5), 2, seconds(1))[0].0, 1);
    assert!(release(&mut queue, &at(6), 2, seconds(2)).iter().all(|(counter, _)| *counter != 2));
}

#[test]
fn what_was_held_is_marked_before_it_goes_out() {
    let mut queue = queue(&[1]);
    for (counter, target) in [(1, 900), (2, 300)] {
        queue.add(solution(0, counter, target), 0, Past::Fresh);
    }
    let (first, second) = (solution(0, 1, 900).id(), solution(0, 2, 300).id());
    assert_eq!(release(&mut queue, &puzzle(0, 100), 1, seconds(1)), [(1, vec![1])]);
    assert!(queue.record(first), "fresh: its record says that it was sent");
    assert!(!queue.record(second), "held");

    let plan = queue.plan(&puzzle(0, 100), &left(2), seconds(2));
    assert_eq!((plan.marks, plan.hand_overs.len()), (vec![second], 0));
    queue.mark(second, seconds(2));
    let plan = queue.plan(&puzzle(0, 100), &left(2), seconds(2));
    assert_eq!((plan.marks.len(), plan.hand_overs.len()), (0, 0), "the mark is on its way");
    assert_eq!((plan.status.released, plan.left[&OURS]), (2, 0), "and the place taken");
    queue.marked(second);
    assert_eq!(release(&mut queue, &puzzle(0, 100), 2, seconds(2)), [(2, vec![1])]);
}

#[test]
fn a_mark_that_does_not_come_holds_up_nothing_for_long() {
    let mut queue = queue(&[1]);
    queue.add(solution(0, 1, 900), 0, Past::Held);
    let plan = queue.plan(&puzzle(0, 100), &left(1), seconds(2));
    assert_eq!(plan.marks.len(), 1);
    queue.mark(plan.marks[0], seconds(2));
    let soon = seconds(2) + MARK_PATIENCE - Duration::from_millis(1);
    assert!(release(&mut queue, &puzzle(0, 100), 1, soon).is_empty());
    assert_eq!(release(&mut queue, &puzzle(0, 100), 1, seconds(2) + MARK_PATIENCE), [(1, vec![1])]);
}

#[test]
fn what_the_network_may_have_goes_before_all_others_whatever_the_policy() {
    for policy in [Policy::Immediate, Policy::Auto, Policy::BestOfEpoch] {
        let mut queue = ReleaseQueue { policy, ..queue(&[1]) };
        queue.add(solution(0, 1, 900), 0, Past::Fresh);
        queue.add(solution(0, 2, 200), 0, Past::Unsure);
        queue.add(solution(0, 3, 300), 0, Past::Fresh);
        assert_eq!(release(&mut queue, &puzzle(0, 100), 1, seconds(1)), [(2, vec![1])], "{policy:?}");
        // All places are taken.
        queue.add(solution(0, 4, 200), 0, Past::Unsure);
        assert!(release(&mut queue, &puzzle(0, 100), 1, seconds(2)).is_empty());
    }
}
