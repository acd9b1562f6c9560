//! The pool's addresses, each with its own stake, and the address that each miner works for.
//!
//! What an address may land in an epoch follows from its stake, and a counter solves the puzzle of one
//! address only. So miners are spread over the addresses in proportion to what these may still land: when an
//! epoch begins, when a miner connects, and when an address has no room left. Otherwise nobody changes within
//! an epoch.
//!
//! # Layout
//! - [`balancer`]: who gets which, as values.
//! - this file: the shared state; [`Assignment`]: a session's part of it.
//!
//! Who reports what: the chain watcher the start of an epoch, before any session sees it; the release queue
//! what may still be sent; the sessions which address they work for.

mod balancer;

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

use self::balancer::Balancer;
use crate::types::Address;

/// How a miner learns its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learns {
    /// Each job carries it: a change costs nothing.
    WithEachJob,
    /// When it connects: to change, it has to reconnect.
    WhenItConnects,
    /// Not from the pool: it is configured with the first one.
    Never,
}

/// The pool's addresses; never empty.
#[derive(Debug)]
pub struct Addresses {
    all: Vec<Address>,
    balancer: Mutex<Balancer>,
    /// Counts how often an address ran out of room, or got room again.
    changes: watch::Sender<u64>,
}

impl Addresses {
    /// From a configuration, which has at least one.
    pub fn new(all: Vec<Address>) -> Arc<Self> {
        let balancer = Mutex::new(Balancer::new(all.len()));
        Arc::new(Self { all, balancer, changes: watch::Sender::new(0) })
    }

    /// All of them, in the operator's order.
    pub fn all(&self) -> &[Address] {
        &self.all
    }

    /// The epoch is now `epoch`: every miner is assigned again. `left`: what each address may land in it; an
    /// address for which this is not known keeps its last value.
    pub fn turn(&self, epoch: u32, left: impl Fn(&Address) -> Option<u64>) {
        let left: Vec<_> = self.all.iter().map(left).collect();
        self.balancer.lock().turn(epoch, &left);
    }

    /// What each address may still send in `epoch`; where it is not known, nothing changes.
    pub fn note_left(&self, epoch: u32, left: impl Fn(&Address) -> Option<u64>) {
        let left: Vec<_> = self.all.iter().map(left).collect();
        if self.balancer.lock().note_left(epoch, &left) {
            self.changes.send_modify(|count| *count += 1);
        }
    }

    /// Changes when sessions have to check their addresses, except at the start of an epoch.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// An assignment of no weight yet.
    pub fn assignment(self: &Arc<Self>) -> Assignment {
        let (place, epoch) = self.balancer.lock().assignment(0.0);
        Assignment { addresses: Arc::clone(self), place, epoch, weight: 0.0 }
    }

    fn address(&self, place: usize) -> Address {
        self.all.get(place).copied().unwrap_or_default()
    }
}

/// A session's place at an address; dropping it frees the place.
#[derive(Debug)]
pub struct Assignment {
    addresses: Arc<Addresses>,
    place: usize,
    epoch: Option<u32>,
    weight: f64,
}

/// The result of checking an assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recheck {
    Keep,
    /// Another address would be better, and the miner has to reconnect for it.
    Reconnect,
}

impl Assignment {
    pub fn address(&self) -> Address {
        self.addresses.address(self.place)
    }

    /// Chooses a place for a miner of this weight: its share target, as a stand-in for its rate.
    pub fn take(&mut self, weight: u64, learns: Learns) {
        let mut balancer = self.addresses.balancer.lock();
        balancer.leave(self.place, self.epoch, self.weight);
        self.weight = weight as f64;
        (self.place, self.epoch) = match learns {
            Learns::Never => balancer.assign_to(0, self.weight),
            Learns::WithEachJob | Learns::WhenItConnects => balancer.assignment(self.weight),
        };
    }

    /// To be called before the session continues in `epoch`: takes another address if the epoch is new, or if
    /// its address has no room and another one has.
    pub fn recheck(&mut self, epoch: u32, weight: u64, learns: Learns) -> Recheck {
        let mut balancer = self.addresses.balancer.lock();
        let Some(turned) = balancer.has_turned(self.epoch, epoch) else { return Recheck::Keep };
        let should_leave = balancer.should_leave(self.place);
        if !turned && !should_leave {
            return Recheck::Keep;
        }
        if learns == Learns::WithEachJob {
            drop(balancer);
            self.take(weight, learns);
            return Recheck::Keep;
        }
        // It stays where it is, and counts there in the new epoch too.
        balancer.leave(self.place, self.epoch, self.weight);
        self.weight = weight as f64;
        (self.place, self.epoch) = balancer.assign_to(self.place, self.weight);
        if should_leave && learns == Learns::WhenItConnects { Recheck::Reconnect } else { Recheck::Keep }
    }
}

impl Drop for Assignment {
    fn drop(&mut self) {
        self.addresses.balancer.lock().leave(self.place, self.epoch, self.weight);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn address(number: usize) -> Address {
        Address([number as u8 + 1; 32])
    }

    fn addresses(count: usize) -> Arc<Addresses> {
        Addresses::new((0..count).map(address).collect())
    }

    fn left(budgets: &[u64]) -> impl Fn(&Address) -> Option<u64> + use<'_> {
        |of| budgets.get(usize::from(of.0[0]) - 1).copied()
    }

    fn assigned(addresses: &Arc<Addresses>, weight: u64) -> Assignment {
        let mut assignment = addresses.assignment();
        assignment.take(weight, Learns::WithEachJob);
        assignment
    }

    fn weight_at(assignments: &[Assignment], number: usize) -> f64 {
        assignments
            .iter()
            .filter(|assignment| assignment.address() == address(number))
            .map(|assignment| assignment.weight)
            .sum()
    }

    #[test]
    fn work_is_spread_in_proportion_to_the_budgets_whatever_the_order() {
        let pool = addresses(3);
        pool.turn(1, left(&[10, 30, 60]));
        // Miners of very different rates.
        let assignments: Vec<Assignment> = (0..1_000u64).map(|n| assigned(&pool, 1 + n * n % 977)).collect();
        let all: f64 = assignments.iter().map(|assignment| assignment.weight).sum();
        for (number, part) in [(0, 0.1), (1, 0.3), (2, 0.6)] {
            let share = weight_at(&assignments, number) / all;
            assert!((share - part).abs() < 0.01, "address {number} has {share} of the work, not {part}");
        }
    }

    #[test]
    fn an_address_that_may_land_no_more_loses_its_miners_and_the_others_keep_theirs() {
        let pool = addresses(3);
        pool.turn(1, left(&[2, 2, 4]));
        let mut changes = pool.changes();
        let mut assignments: Vec<Assignment> = (0..80).map(|_| assigned(&pool, 100)).collect();
        pool.note_left(1, left(&[1, 2, 4]));
        assert!(!changes.has_changed().unwrap(), "less is not nothing");
        let before: Vec<Address> = assignments.iter().map(Assignment::address).collect();
        pool.note_left(1, left(&[0, 2, 4]));
        assert!(changes.has_changed().unwrap());
        changes.mark_unchanged();
        for assignment in &mut assignments {
            assert_eq!(assignment.recheck(1, 100, Learns::WithEachJob), Recheck::Keep);
        }
        for (assignment, before) in assignments.iter().zip(&before) {
            assert_ne!(assignment.address(), address(0));
            assert!(*before == address(0) || *before == assignment.address(), "it had room");
        }
        assert_eq!((weight_at(&assignments, 1), weight_at(&assignments, 2)), (2_700.0, 5_300.0));

        // A counted landing turned out not to be one: a miner that left does not come back.
        pool.note_left(1, left(&[1, 2, 4]));
        let before: Vec<Address> = assignments.iter().map(Assignment::address).collect();
        for (assignment, before) in assignments.iter_mut().zip(before) {
            assignment.recheck(1, 100, Learns::WithEachJob);
            assert_eq!(assignment.address(), before);
        }
    }

    #[test]
    fn without_room_anywhere_everybody_stays() {
        let pool = addresses(2);
        pool.turn(1, left(&[1, 1]));
        let mut assignments: Vec<Assignment> = (0..10).map(|_| assigned(&pool, 100)).collect();
        let before: Vec<Address> = assignments.iter().map(Assignment::address).collect();
        pool.note_left(1, left(&[0, 0]));
        for (assignment, before) in assignments.iter_mut().zip(before) {
            assignment.recheck(1, 100, Learns::WithEachJob);
            assert_eq!(assignment.address(), before);
        }
        // The stake of the next epoch is another.
        pool.turn(2, left(&[0, 1]));
        for assignment in &mut assignments {
            assignment.recheck(2, 100, Learns::WithEachJob);
            assert_eq!(assignment.address(), address(1));
        }
    }

    #[test]
    fn a_session_that_lags_behind_the_turn_keeps_its_old_epochs_address() {
        let pool = addresses(2);
        pool.turn(1, left(&[1, 0]));
        let mut assignment = assigned(&pool, 100);
        pool.turn(2, left(&[0, 1]));
        pool.note_left(1, left(&[7, 7]));
        assignment.recheck(1, 100, Learns::WithEachJob);
        assert_eq!(assignment.address(), address(0), "the session does not know of the epoch yet");
        assignment.recheck(2, 100, Learns::WithEachJob);
        assert_eq!(assignment.address(), address(1), "the room left in the last epoch does not count");
    }

    #[test]
    fn who_learns_the_address_when_it_connects_has_to_connect_anew() {
        let pool = addresses(2);
        pool.turn(1, left(&[5, 1]));
        let mut assignment = pool.assignment();
        assignment.take(100, Learns::WhenItConnects);
        assert_eq!(assignment.address(), address(0));
        pool.turn(2, left(&[1, 9]));
        assert_eq!(assignment.recheck(2, 100, Learns::WhenItConnects), Recheck::Keep);
        assert_eq!(assignment.address(), address(0), "it knows no other");
        pool.note_left(2, left(&[0, 9]));
        assert_eq!(assignment.recheck(2, 100, Learns::WhenItConnects), Recheck::Reconnect);
        let mut fixed = pool.assignment();
        fixed.take(100, Learns::Never);
        assert_eq!(fixed.recheck(2, 100, Learns::Never), Recheck::Keep);
        assert_eq!(fixed.address(), address(0), "the first, with or without room");
    }

    #[test]
    fn a_seat_that_is_given_up_counts_no_more() {
        let pool = addresses(2);
        pool.turn(1, left(&[1, 1]));
        let heavy = assigned(&pool, 1_000_000);
        assert_eq!(heavy.address(), address(0));
        assert_eq!(assigned(&pool, 1).address(), address(1));
        drop(heavy);
        assert_eq!(assigned(&pool, 1).address(), address(0));
    }

    proptest! {
        #[test]
        fn nobody_changes_within_an_epoch_but_from_an_address_without_room(
            steps in prop::collection::vec((0usize..6, 0usize..8, prop::array::uniform3(0u64..3)), 1..200),
        ) {
            let pool = addresses(3);
            let mut budgets = [2u64; 3];
            let mut epoch = 1;
            pool.turn(epoch, left(&budgets));
            let mut assignments: Vec<Assignment> = (0..8).map(|n| assigned(&pool, 10 + n)).collect();
            for (what, which, new) in steps {
                match what {
                    0 => { epoch += 1; budgets = new; pool.turn(epoch, left(&budgets)); }
                    1 => { budgets = new; pool.note_left(epoch, left(&budgets)); }
                    2 => assignments[which] = assigned(&pool, 7),
                    _ => {
                        let assignment = &mut assignments[which];
                        let (before, turned) = (assignment.address(), assignment.epoch != Some(epoch));
                        let has_room = budgets[usize::from(before.0[0]) - 1] > 0;
                        assignment.recheck(epoch, 10, Learns::WithEachJob);
                        prop_assert!(turned || !has_room || assignment.address() == before);
                        let now = budgets[usize::from(assignment.address().0[0]) - 1];
                        prop_assert!(now > 0 || budgets.iter().all(|left| *left == 0));
                    }
                }
            }
        }
    }
}
