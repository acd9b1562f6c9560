//! A queue that serves its lanes in turn, so that one busy session cannot make the others wait, and a
//! second, small one of low priority. Pure.

use std::collections::{HashMap, VecDeque};

/// The most low-priority items that wait, of all lanes together.
const LOW_CAPACITY: usize = 256;
/// The most low-priority items that wait of one lane.
const LOW_CAPACITY_OF_LANE: usize = 8;
/// Every so many picks a low-priority item goes first, so that a full queue does not starve them.
const LOW_TURN: u64 = 16;

/// Whose items are served in order, one a turn. A session has a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lane(pub u64);

/// Items waiting, by lane.
#[derive(Debug)]
pub struct FairQueue<T> {
    lanes: HashMap<Lane, VecDeque<T>>,
    /// Every lane that has items, once.
    turns: VecDeque<Lane>,
    low: VecDeque<(Lane, T)>,
    len: usize,
    picks: u64,
}

impl<T> Default for FairQueue<T> {
    fn default() -> Self {
        Self { lanes: HashMap::new(), turns: VecDeque::new(), low: VecDeque::new(), len: 0, picks: 0 }
    }
}

impl<T> FairQueue<T> {
    /// Items waiting, those of low priority not counted.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn push(&mut self, lane: Lane, item: T) {
        let items = self.lanes.entry(lane).or_default();
        if items.is_empty() {
            self.turns.push_back(lane);
        }
        items.push_back(item);
        self.len += 1;
    }

    /// Queues `item` for when nothing else waits. `false` if there is no room: it is gone.
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
        let lane = self.turns.pop_front()?;
        let items = self.lanes.get_mut(&lane)?;
        let item = items.pop_front();
        if items.is_empty() {
            self.lanes.remove(&lane);
        } else {
            self.turns.push_back(lane);
        }
        self.len = self.len.saturating_sub(1);
        item
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn drain<T>(queue: &mut FairQueue<T>) -> Vec<T> {
        std::iter::from_fn(|| queue.pop()).collect()
    }

    #[test]
    fn a_flood_does_not_delay_the_others() {
        let mut queue = FairQueue::default();
        for n in 0..1000 {
            queue.push(Lane(1), (1, n));
        }
        queue.push(Lane(2), (2, 0));
        queue.push(Lane(3), (3, 0));
        let first: Vec<_> = (0..4).filter_map(|_| queue.pop()).collect();
        assert_eq!(first, [(1, 0), (2, 0), (3, 0), (1, 1)]);
        assert_eq!(queue.len(), 998);
    }

    #[test]
    fn low_priority_waits_for_the_rest_but_not_for_ever() {
        let mut queue = FairQueue::default();
        assert!(queue.push_low(Lane(9), "low"));
        queue.push(Lane(1), "high");
        assert_eq!(drain(&mut queue), ["high", "low"]);

        let mut busy = FairQueue::default();
        assert!(busy.push_low(Lane(9), "low"));
        for _ in 0..100 {
            busy.push(Lane(1), "high");
        }
        let place = drain(&mut busy).iter().position(|item| *item == "low");
        assert!(place.unwrap() < LOW_TURN as usize);
    }

    #[test]
    fn low_priority_is_bounded_for_a_lane_and_in_all() {
        let mut queue = FairQueue::default();
        let taken = (0..100).filter(|n| queue.push_low(Lane(1), *n)).count();
        assert_eq!(taken, LOW_CAPACITY_OF_LANE);
        let others = (0..1000u64).filter(|n| queue.push_low(Lane(n + 2), 0)).count();
        assert_eq!(taken + others, LOW_CAPACITY);
    }

    proptest! {
        #[test]
        fn every_item_comes_out_once_and_in_its_lanes_order(lanes in prop::collection::vec(0u64..5, 0..200)) {
            let mut queue = FairQueue::default();
            for (n, lane) in lanes.iter().enumerate() {
                queue.push(Lane(*lane), (*lane, n));
            }
            prop_assert_eq!(queue.len(), lanes.len());
            let out = drain(&mut queue);
            prop_assert_eq!(out.len(), lanes.len());
            prop_assert!(queue.is_empty() && queue.lanes.is_empty() && queue.turns.is_empty());
            for lane in 0..5 {
                let order: Vec<usize> = out.iter().filter(|(of, _)| *of == lane).map(|(_, n)| *n).collect();
                prop_assert!(order.is_sorted());
            }
        }
    }
}
