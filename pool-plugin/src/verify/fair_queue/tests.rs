use std::collections::BinaryHeap;

use proptest::prelude::*;

use super::*;

fn drain<T>(queue: &mut FairQueue<T>) -> Vec<T> {
    std::iter::from_fn(|| queue.pop()).collect()
}

fn stranger(address: u8, session: u64) -> Lane {
    Lane::UnauthenticatedSession(Source::of([10, 0, 0, address].into()), session)
}

#[test]
fn a_busy_session_does_not_delay_the_others() {
    let mut queue = FairQueue::default();
    for n in 0..1000 {
        queue.push(Lane::Proven(1), (1, n));
    }
    queue.push(Lane::Proven(2), (2, 0));
    queue.push(Lane::Proven(3), (3, 0));
    let first: Vec<_> = (0..4).filter_map(|_| queue.pop()).collect();
    assert_eq!(first, [(1, 0), (2, 0), (3, 0), (1, 1)]);
    assert_eq!(queue.len(), 998);
}

#[test]
fn strangers_take_turns_by_address_however_many_connections_they_open() {
    let mut queue = FairQueue::default();
    for n in 0..1000 {
        queue.push(stranger(1, n), (1, n));
    }
    queue.push(stranger(2, 5000), (2, 0));
    let place = drain(&mut queue).iter().position(|item| *item == (2, 0));
    assert_eq!(place, Some(1));
}

#[test]
fn strangers_of_one_address_take_turns_too() {
    let mut queue = FairQueue::default();
    for n in 0..1000 {
        queue.push(stranger(1, 1), ("busy", n));
    }
    queue.push(stranger(1, 2), ("calm", 0));
    assert_eq!(drain(&mut queue).iter().position(|(who, _)| *who == "calm"), Some(1));
}

#[test]
fn strangers_take_a_sixteenth_and_all_of_it_when_nobody_else_waits() {
    let mut queue = FairQueue::default();
    for n in 0..1000u64 {
        queue.push(stranger((n % 200) as u8, n), "stranger");
        queue.push(Lane::Proven(n % 10), "proven");
    }
    let first: Vec<_> = (0..400).filter_map(|_| queue.pop()).collect();
    assert_eq!(first.iter().filter(|who| **who == "stranger").count(), 25);
    assert_eq!(first.len() + drain(&mut queue).len(), 2000, "nothing is skipped");
}

#[test]
fn low_priority_waits_for_the_rest_but_not_for_ever() {
    let mut queue = FairQueue::default();
    assert!(queue.push_low(stranger(9, 9), "low"));
    queue.push(Lane::Proven(1), "high");
    assert_eq!(drain(&mut queue), ["high", "low"]);

    let mut busy = FairQueue::default();
    assert!(busy.push_low(stranger(9, 9), "low"));
    for _ in 0..100 {
        busy.push(Lane::Proven(1), "high");
    }
    let place = drain(&mut busy).iter().position(|item| *item == "low");
    assert!(place.unwrap() < LOW_TURN as usize);
}

#[test]
fn low_priority_is_bounded_for_a_lane_and_in_all() {
    let mut queue = FairQueue::default();
    let taken = (0..100).filter(|n| queue.push_low(Lane::Proven(1), *n)).count();
    assert_eq!(taken, LOW_CAPACITY_OF_LANE);
    let others = (0..1000u64).filter(|n| queue.push_low(Lane::Proven(n + 2), 0)).count();
    assert_eq!(taken + others, LOW_CAPACITY);
}

/// The waits of honest shares, in evaluations, sorted. Time is counted in evaluations: there is one thread.
///
/// Fifty proven miners keep it busy 80 % of the time, each with its own schedule. `flooders` connections from
/// `addresses` addresses keep as many bogus shares waiting as a session may have in flight; a new one comes
/// as soon as one is done.
fn waits_of_the_honest(flooders: u64, addresses: u64) -> Vec<u64> {
    const IN_FLIGHT: u64 = 32;
    const HONEST: u64 = 50;
    const BETWEEN: u64 = HONEST * 100 / 80;
    let mut queue = FairQueue::default();
    let bogus = |flooder: u64| stranger((flooder % addresses.max(1)) as u8, flooder);
    for flooder in 0..flooders {
        (0..IN_FLIGHT).for_each(|_| queue.push(bogus(flooder), (flooder, None)));
    }
    // When each miner finds its next share: a fixed, uneven pattern.
    let mut next: BinaryHeap<_> =
        (0..HONEST).map(|miner| std::cmp::Reverse((miner * 7 % BETWEEN, miner))).collect();
    let mut pattern = 1u64;
    let mut waits = Vec::new();
    for now in 0..200_000u64 {
        while let Some(std::cmp::Reverse((at, miner))) = next.peek().copied().filter(|due| due.0.0 <= now) {
            next.pop();
            queue.push(Lane::Proven(miner), (miner, Some(at)));
            pattern = pattern.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            next.push(std::cmp::Reverse((at + 1 + (pattern >> 33) % (2 * BETWEEN), miner)));
        }
        match queue.pop() {
            Some((_, Some(found_at))) => waits.push(now + 1 - found_at),
            Some((flooder, None)) => queue.push(bogus(flooder), (flooder, None)),
            None => {}
        }
    }
    waits.sort_unstable();
    waits
}

/// F26: a flood of shares that cost the pool an evaluation each and the sender nothing.
#[test]
fn a_flood_of_bogus_shares_leaves_the_p99_of_the_honest_within_twice_that_of_calm() {
    let p99 = |waits: &[u64]| waits[waits.len() * 99 / 100];
    let calm = waits_of_the_honest(0, 0);
    let flood = waits_of_the_honest(200, 20);
    assert!(calm.len().abs_diff(flood.len()) <= 50, "every honest share is checked, flood or not");
    assert!(p99(&flood) <= 2 * p99(&calm), "p99: {} calm, {} under the flood", p99(&calm), p99(&flood));
    let flood_of_many_addresses = waits_of_the_honest(1000, 250);
    assert!(p99(&flood_of_many_addresses) <= 2 * p99(&calm));
}

proptest! {
    #[test]
    fn every_item_comes_out_once_and_in_its_lanes_order(lanes in prop::collection::vec((0u8..5, any::<bool>()), 0..200)) {
        let mut queue = FairQueue::default();
        let lane_of = |(number, proven): (u8, bool)| match proven {
            true => Lane::Proven(number.into()),
            false => stranger(number % 2, number.into()),
        };
        for (n, who) in lanes.iter().enumerate() {
            queue.push(lane_of(*who), (*who, n));
        }
        prop_assert_eq!(queue.len(), lanes.len());
        let out = drain(&mut queue);
        prop_assert_eq!(out.len(), lanes.len());
        prop_assert!(queue.is_empty() && queue.proven.is_done() && queue.strangers.is_done());
        prop_assert!(queue.proven.waiting.is_empty() && queue.strangers.waiting.is_empty());
        for who in (0..5).flat_map(|number| [(number, true), (number, false)]) {
            let order: Vec<usize> = out.iter().filter(|(of, _)| *of == who).map(|(_, n)| *n).collect();
            prop_assert!(order.is_sorted());
        }
    }
}
