//! The pool's addresses, each with its own stake, and the address that each miner works for.
//!
//! What an address may land in an epoch follows from its stake, and a counter solves the puzzle of one
//! address only. So miners are spread over the addresses in proportion to what these may still land: when an
//! epoch begins, when a miner connects, and when an address has no room left. Otherwise nobody changes within
//! an epoch.
//!
//! # Layout
//! - [`spread`]: who gets which, as values.
//! - this file: the shared state; [`Seat`]: a session's part of it.
//!
//! Who reports what: the chain watcher the start of an epoch, before any session sees it; the release queue
//! what may still be sent; the sessions which address they work for.

mod spread;

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

use self::spread::Spread;
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
    spread: Mutex<Spread>,
    /// Counts how often an address ran out of room, or got room again.
    changes: watch::Sender<u64>,
}

impl Addresses {
    /// From a configuration, which has at least one.
    pub fn new(all: Vec<Address>) -> Arc<Self> {
        let spread = Mutex::new(Spread::new(all.len()));
        Arc::new(Self { all, spread, changes: watch::Sender::new(0) })
    }

    /// All of them, in the operator's order.
    pub fn all(&self) -> &[Address] {
        &self.all
    }

    /// The epoch is now `epoch`: every miner is assigned again. `left`: what each address may land in it; an
    /// address for which this is not known keeps its last value.
    pub fn turn(&self, epoch: u32, left: impl Fn(&Address) -> Option<u64>) {
        let left: Vec<_> = self.all.iter().map(left).collect();
        self.spread.lock().turn(epoch, &left);
    }

    /// What each address may still send in `epoch`; where it is not known, nothing changes.
    pub fn note_left(&self, epoch: u32, left: impl Fn(&Address) -> Option<u64>) {
        let left: Vec<_> = self.all.iter().map(left).collect();
        if self.spread.lock().note_left(epoch, &left) {
            self.changes.send_modify(|count| *count += 1);
        }
    }

    /// Changes when sessions have to check their addresses, except at the start of an epoch.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// A seat of no weight yet.
    pub fn seat(self: &Arc<Self>) -> Seat {
        let (place, epoch) = self.spread.lock().seat(0.0);
        Seat { addresses: Arc::clone(self), place, epoch, weight: 0.0 }
    }

    fn address(&self, place: usize) -> Address {
        self.all.get(place).copied().unwrap_or_default()
    }
}

/// A session's place at an address; dropping it frees the place.
#[derive(Debug)]
pub struct Seat {
    addresses: Arc<Addresses>,
    place: usize,
    epoch: Option<u32>,
    weight: f64,
}

/// The result of checking a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    Seated,
    /// Another address would be better, and the miner has to reconnect for it.
    Reconnect,
}

impl Seat {
    pub fn address(&self) -> Address {
        self.addresses.address(self.place)
    }

    /// Chooses a place for a miner of this weight: its share target, as a stand-in for its rate.
    pub fn take(&mut self, weight: u64, learns: Learns) {
        let mut spread = self.addresses.spread.lock();
        spread.leave(self.place, self.epoch, self.weight);
        self.weight = weight as f64;
        (self.place, self.epoch) = match learns {
            Learns::Never => spread.seat_at(0, self.weight),
            Learns::WithEachJob | Learns::WhenItConnects => spread.seat(self.weight),
        };
    }

    /// To be called before the session continues in `epoch`: takes another address if the epoch is new, or if
    /// its address has no room and another one has.
    pub fn look(&mut self, epoch: u32, weight: u64, learns: Learns) -> Look {
        let mut spread = self.addresses.spread.lock();
        let Some(turned) = spread.has_turned(self.epoch, epoch) else { return Look::Seated };
        let should_leave = spread.should_leave(self.place);
        if !turned && !should_leave {
            return Look::Seated;
        }
        if learns == Learns::WithEachJob {
            drop(spread);
            self.take(weight, learns);
            return Look::Seated;
        }
        // It stays where it is, and counts there in the new epoch too.
        spread.leave(self.place, self.epoch, self.weight);
        self.weight = weight as f64;
        (self.place, self.epoch) = spread.seat_at(self.place, self.weight);
        if should_leave && learns == Learns::WhenItConnects { Look::Reconnect } else { Look::Seated }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.addresses.spread.lock().leave(self.place, self.epoch, self.weight);
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

    fn seated(addresses: &Arc<Addresses>, weight: u64) -> Seat {
        let mut seat = addresses.seat();
        seat.take(weight, Learns::WithEachJob);
        seat
    }

    fn weight_at(seats: &[Seat], number: usize) -> f64 {
        seats.iter().filter(|seat| seat.address() == address(number)).map(|seat| seat.weight).sum()
    }

    #[test]
    fn work_is_spread_in_proportion_to_the_budgets_whatever_the_order() {
        let pool = addresses(3);
        pool.turn(1, left(&[10, 30, 60]));
        // Miners of very different rates.
        let seats: Vec<Seat> = (0..1_000u64).map(|n| seated(&pool, 1 + n * n % 977)).collect();
        let all: f64 = seats.iter().map(|seat| seat.weight).sum();
        for (number, part) in [(0, 0.1), (1, 0.3), (2, 0.6)] {
            let share = weight_at(&seats, number) / all;
            assert!((share - part).abs() < 0.01, "address {number} has {share} of the work, not {part}");
        }
    }

    #[test]
    fn an_address_that_may_land_no_more_loses_its_miners_and_the_others_keep_theirs() {
        let pool = addresses(3);
        pool.turn(1, left(&[2, 2, 4]));
        let mut changes = pool.changes();
        let mut seats: Vec<Seat> = (0..80).map(|_| seated(&pool, 100)).collect();
        pool.note_left(1, left(&[1, 2, 4]));
        assert!(!changes.has_changed().unwrap(), "less is not nothing");
        let before: Vec<Address> = seats.iter().map(Seat::address).collect();
        pool.note_left(1, left(&[0, 2, 4]));
        assert!(changes.has_changed().unwrap());
        changes.mark_unchanged();
        for seat in &mut seats {
            assert_eq!(seat.look(1, 100, Learns::WithEachJob), Look::Seated);
        }
        for (seat, before) in seats.iter().zip(&before) {
            assert_ne!(seat.address(), address(0));
            assert!(*before == address(0) || *before == seat.address(), "it had room");
        }
        assert_eq!((weight_at(&seats, 1), weight_at(&seats, 2)), (2_700.0, 5_300.0));

        // A counted landing turned out not to be one: a miner that left does not come back.
        pool.note_left(1, left(&[1, 2, 4]));
        let before: Vec<Address> = seats.iter().map(Seat::address).collect();
        for (seat, before) in seats.iter_mut().zip(before) {
            seat.look(1, 100, Learns::WithEachJob);
            assert_eq!(seat.address(), before);
        }
    }

    #[test]
    fn without_room_anywhere_everybody_stays() {
        let pool = addresses(2);
        pool.turn(1, left(&[1, 1]));
        let mut seats: Vec<Seat> = (0..10).map(|_| seated(&pool, 100)).collect();
        let before: Vec<Address> = seats.iter().map(Seat::address).collect();
        pool.note_left(1, left(&[0, 0]));
        for (seat, before) in seats.iter_mut().zip(before) {
            seat.look(1, 100, Learns::WithEachJob);
            assert_eq!(seat.address(), before);
        }
        // The stake of the next epoch is another.
        pool.turn(2, left(&[0, 1]));
        for seat in &mut seats {
            seat.look(2, 100, Learns::WithEachJob);
            assert_eq!(seat.address(), address(1));
        }
    }

    #[test]
    fn a_session_that_lags_behind_the_turn_keeps_its_old_epochs_address() {
        let pool = addresses(2);
        pool.turn(1, left(&[1, 0]));
        let mut seat = seated(&pool, 100);
        pool.turn(2, left(&[0, 1]));
        pool.note_left(1, left(&[7, 7]));
        seat.look(1, 100, Learns::WithEachJob);
        assert_eq!(seat.address(), address(0), "the session does not know of the epoch yet");
        seat.look(2, 100, Learns::WithEachJob);
        assert_eq!(seat.address(), address(1), "the room left in the last epoch does not count");
    }

    #[test]
    fn who_learns_the_address_when_it_connects_has_to_connect_anew() {
        let pool = addresses(2);
        pool.turn(1, left(&[5, 1]));
        let mut seat = pool.seat();
        seat.take(100, Learns::WhenItConnects);
        assert_eq!(seat.address(), address(0));
        pool.turn(2, left(&[1, 9]));
        assert_eq!(seat.look(2, 100, Learns::WhenItConnects), Look::Seated);
        assert_eq!(seat.address(), address(0), "it knows no other");
        pool.note_left(2, left(&[0, 9]));
        assert_eq!(seat.look(2, 100, Learns::WhenItConnects), Look::Reconnect);
        let mut fixed = pool.seat();
        fixed.take(100, Learns::Never);
        assert_eq!(fixed.look(2, 100, Learns::Never), Look::Seated);
        assert_eq!(fixed.address(), address(0), "the first, with or without room");
    }

    #[test]
    fn a_seat_that_is_given_up_counts_no_more() {
        let pool = addresses(2);
        pool.turn(1, left(&[1, 1]));
        let heavy = seated(&pool, 1_000_000);
        assert_eq!(heavy.address(), address(0));
        assert_eq!(seated(&pool, 1).address(), address(1));
        drop(heavy);
        assert_eq!(seated(&pool, 1).address(), address(0));
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
            let mut seats: Vec<Seat> = (0..8).map(|n| seated(&pool, 10 + n)).collect();
            for (what, which, new) in steps {
                match what {
                    0 => { epoch += 1; budgets = new; pool.turn(epoch, left(&budgets)); }
                    1 => { budgets = new; pool.note_left(epoch, left(&budgets)); }
                    2 => seats[which] = seated(&pool, 7),
                    _ => {
                        let seat = &mut seats[which];
                        let (before, turned) = (seat.address(), seat.epoch != Some(epoch));
                        let has_room = budgets[usize::from(before.0[0]) - 1] > 0;
                        seat.look(epoch, 10, Learns::WithEachJob);
                        prop_assert!(turned || !has_room || seat.address() == before);
                        let now = budgets[usize::from(seat.address().0[0]) - 1];
                        prop_assert!(now > 0 || budgets.iter().all(|left| *left == 0));
                    }
                }
            }
        }
    }
}
