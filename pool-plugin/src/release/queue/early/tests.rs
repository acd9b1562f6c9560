use pool_core::chain::sim::SimChain;

use super::{
    super::{
        tests::{OURS, at, left, puzzle, queue, queue_with, release, seconds, solution, waits},
        *,
    },
    *,
};

/// On epoch 0's last block.
fn last_block() -> Puzzle {
    Puzzle { height: 359, next_epoch_hash: Some(SimChain::epoch_hash(1)), ..puzzle(0, 100) }
}

#[test]
fn finds_of_both_epochs_go_each_in_its_own_time_and_place() {
    let mut queue = queue(&[1]);
    for (counter, target) in [(1, 900), (2, 800)] {
        assert!(queue.add(solution(1, counter, target), 1, Past::Fresh));
    }
    queue.add(solution(0, 3, 200), 0, Past::Fresh);
    // One place is left in the old epoch: it belongs to its own solution, however good the others are.
    assert_eq!(release(&mut queue, &last_block(), 1, seconds(1)), [(3, vec![1])]);
    assert_eq!(waits(&mut queue, &last_block(), 0), HashMap::from([(Wait::NextEpoch, 2)]));
    assert!(queue.expire(0).is_empty());
    // The new epoch has two places, none of which the old one took.
    assert_eq!(queue.expire(1).len(), 1);
    assert_eq!(release(&mut queue, &puzzle(1, 100), 2, seconds(3)), [(1, vec![1]), (2, vec![1])]);
}

#[test]
fn a_full_old_epoch_holds_up_nothing_of_the_next() {
    let mut queue = queue(&[1]);
    queue.add(solution(1, 1, 200), 1, Past::Fresh);
    assert_eq!(waits(&mut queue, &last_block(), 0), HashMap::from([(Wait::NextEpoch, 1)]));
    assert_eq!(release(&mut queue, &puzzle(1, 100), 1, seconds(2)), [(1, vec![1])]);
}

#[test]
fn the_proof_target_of_the_first_block_decides() {
    let mut queue = queue(&[1]);
    queue.add(solution(1, 1, 200), 1, Past::Held);
    assert_eq!(waits(&mut queue, &last_block(), 9), HashMap::from([(Wait::NextEpoch, 1)]));
    assert_eq!(waits(&mut queue, &puzzle(1, 201), 9), HashMap::from([(Wait::ProofTarget, 1)]));
    assert_eq!(queue.plan(&puzzle(1, 200), &left(9), seconds(3)).marks, [solution(1, 1, 200).id()]);
}

/// What a restart finds without a record goes first in its own epoch, and reserves no place in another.
#[test]
fn an_unsure_find_of_the_next_epoch_takes_no_place_of_the_old_one() {
    for policy in [Policy::Immediate, Policy::Auto, Policy::BestOfEpoch] {
        let mut queue = queue_with(policy, &[200]);
        queue.add(solution(1, 2, 900), 1, Past::Unsure);
        assert_eq!(release(&mut queue, &last_block(), 1, seconds(1)), [(1, vec![1])], "{policy:?}");
    }
}

/// On the last block everything held for a better one is sent, up to what a block carries; the early finds
/// neither delay it nor take its place.
#[test]
fn best_of_epoch_sends_old_finds_in_time_for_the_turn() {
    let mut queue = queue_with(Policy::BestOfEpoch, &[110]);
    assert!(release(&mut queue, &at(100), 3, seconds(1)).is_empty());
    for counter in 10..20 {
        queue.add(solution(1, counter, 399), 1, Past::Fresh);
    }
    queue.add(solution(0, 2, 105), 0, Past::Fresh);
    let last = Puzzle { coinbase_target: 400, ..last_block() };
    assert_eq!(release(&mut queue, &last, 3, seconds(2)), [(1, vec![1]), (2, vec![1])]);
    assert_eq!(waits(&mut queue, &last, 1), HashMap::from([(Wait::NextEpoch, 10)]));
}

#[test]
fn no_more_wait_for_the_next_epoch_than_it_can_land_and_they_are_the_best() {
    let mut queue = queue(&[1]);
    let count = MOST_EARLY as u64 + 10;
    for counter in 0..count {
        queue.add(solution(1, counter, 1000 + counter), 1, Past::Fresh);
    }
    queue.add(solution(0, 7, 100), 0, Past::Fresh);
    let dropped = queue.drop_surplus(0);
    let worst: HashSet<SolutionId> = (0..10).map(|counter| solution(1, counter, 0).id()).collect();
    assert_eq!(dropped, worst);
    assert_eq!(queue.entries.len(), MOST_EARLY + 1, "none of the old epoch's");
    assert!(queue.drop_surplus(0).is_empty());
    assert!(queue.drop_surplus(1).is_empty(), "they are the current epoch's now");
}

#[test]
fn what_waits_takes_the_places_it_will_have() {
    let turned = last_block().after_turn().unwrap();
    let left_of = |queue: &ReleaseQueue, limit| queue.left_after_turn(&turned, &left(limit))[&OURS];
    let mut queue = queue(&[1]);
    assert_eq!(left_of(&queue, 3), 3);
    queue.add(solution(0, 1, 900), 0, Past::Released);
    queue.add(solution(1, 2, 900), 1, Past::Fresh);
    queue.add(solution(1, 3, 900), 1, Past::Unsure);
    assert_eq!(left_of(&queue, 3), 1);
    queue.add(solution(1, 4, 99), 1, Past::Fresh);
    assert_eq!(left_of(&queue, 3), 1, "below the proof target");
    queue.add(solution(1, 5, 100), 1, Past::Fresh);
    assert_eq!(left_of(&queue, 3), 0);
    queue.policy = Policy::BestOfEpoch;
    assert_eq!(left_of(&queue, 3), 2, "held for a better one they take no place");
}
