//! A queue that serves its users in turn, so that nobody can make the others wait, and a second, small one of
//! low priority. Pure.
//!
//! There are two classes. Sessions that have shown good shares take turns with each other. The others,
//! strangers, take turns by address first, since connections cost nothing, and by session within an address.
//! While both classes wait, fifteen of sixteen turns go to the proven sessions: a flood of bogus shares, from
//! however many connections, takes a sixteenth of their verification at most. Strangers get that, and all
//! that the proven leave. Nothing is ever skipped.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
};

use pool_core::source::Source;

/// The most low-priority items that may wait, in all lanes together.
const LOW_CAPACITY: usize = 256;
/// The most low-priority items that may wait in one lane.
const LOW_CAPACITY_OF_LANE: usize = 8;
/// Once in so many picks a low-priority item goes first, so that a full queue does not starve them.
const LOW_TURN: u64 = 16;
/// Once in so many picks the strangers go before the proven.
const STRANGERS_TURN: u64 = 16;

/// Items of one lane are served in order, one per turn: a session, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// It has shown good shares.
    Proven(u64),
    /// It has not, and there may be any number of them at its address.
    UnauthenticatedSession(Source, u64),
}

/// Items waiting.
#[derive(Debug)]
pub struct FairQueue<T> {
    proven: Rotation<u64, VecDeque<T>>,
    strangers: Rotation<Source, Rotation<u64, VecDeque<T>>>,
    low: VecDeque<(Lane, T)>,
    len: usize,
    picks: u64,
}

/// Queues that take turns.
#[derive(Debug)]
struct Rotation<K, Q> {
    waiting: HashMap<K, Q>,
    /// Every waiting key, once.
    turns: VecDeque<K>,
}

/// A source of items.
trait Waiting: Default {
    type Item;
    fn take(&mut self) -> Option<Self::Item>;
    fn is_done(&self) -> bool;
}

impl<T> Waiting for VecDeque<T> {
    type Item = T;

    fn take(&mut self) -> Option<T> {
        self.pop_front()
    }

    fn is_done(&self) -> bool {
        self.is_empty()
    }
}

impl<K: Copy + Eq + Hash, Q: Waiting> Waiting for Rotation<K, Q> {
    type Item = Q::Item;

    /// From the queue whose turn it is; its next turn is the last one.
    fn take(&mut self) -> Option<Q::Item> {
        let key = self.turns.pop_front()?;
        let queue = self.waiting.get_mut(&key)?;
        let item = queue.take();
        match queue.is_done() {
            true => drop(self.waiting.remove(&key)),
            false => self.turns.push_back(key),
        }
        item
    }

    fn is_done(&self) -> bool {
        self.turns.is_empty()
    }
}

impl<K: Copy + Eq + Hash, Q: Default> Rotation<K, Q> {
    fn of(&mut self, key: K) -> &mut Q {
        self.waiting.entry(key).or_insert_with(|| {
            self.turns.push_back(key);
            Q::default()
        })
    }
}

// Not derived: that would require defaults of the keys.
impl<K, Q> Default for Rotation<K, Q> {
    fn default() -> Self {
        Self { waiting: HashMap::new(), turns: VecDeque::new() }
    }
}

impl<T> Default for FairQueue<T> {
    fn default() -> Self {
        Self {
            proven: Rotation::default(),
            strangers: Rotation::default(),
            low: VecDeque::new(),
            len: 0,
            picks: 0,
        }
    }
}

impl<T> FairQueue<T> {
    /// Waiting items, those of low priority excluded.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn push(&mut self, lane: Lane, item: T) {
        match lane {
            Lane::Proven(session) => self.proven.of(session),
            Lane::UnauthenticatedSession(source, session) => self.strangers.of(source).of(session),
        }
        .push_back(item);
        self.len += 1;
    }

    /// Queues `item` for when nothing else waits. `false`: there is no room, and it is dropped.
    pub fn push_low(&mut self, lane: Lane, item: T) -> bool {
        let of_lane = self.low.iter().filter(|(other, _)| *other == lane).count();
        if self.low.len() >= LOW_CAPACITY || of_lane >= LOW_CAPACITY_OF_LANE {
            return false;
        }
        self.low.push_back((lane, item));
        true
    }

    /// The next item.
    pub fn pop(&mut self) -> Option<T> {
        self.picks = self.picks.wrapping_add(1);
        if self.picks.is_multiple_of(LOW_TURN) {
            self.pop_low().or_else(|| self.pop_turn())
        } else {
            self.pop_turn().or_else(|| self.pop_low())
        }
    }

    fn pop_low(&mut self) -> Option<T> {
        self.low.pop_front().map(|(_, item)| item)
    }

    fn pop_turn(&mut self) -> Option<T> {
        let item = match self.picks % STRANGERS_TURN == 1 {
            true => self.strangers.take().or_else(|| self.proven.take()),
            false => self.proven.take().or_else(|| self.strangers.take()),
        }?;
        self.len = self.len.saturating_sub(1);
        Some(item)
    }
}

#[cfg(test)]
mod tests;
