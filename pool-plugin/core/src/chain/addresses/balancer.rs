//! Who gets which address. Pure.
//!
//! A new miner gets the address that has, with it, the least work for what it may still land: so the work
//! comes close to the proportion of the budgets, whatever the miners' hash rates and the order in which they
//! come. Rates are estimates, and no money depends on them: floating point is good enough.

/// The addresses by number, and how much work each has.
#[derive(Debug)]
pub(super) struct Balancer {
    /// `None` before the chain was seen.
    epoch: Option<u32>,
    places: Vec<Place>,
}

#[derive(Clone, Debug)]
struct Place {
    /// Solutions that may still be sent in this epoch.
    left: u64,
    /// The total weight of the miners assigned to it.
    load: f64,
}

impl Balancer {
    /// The budgets are not known yet: all are taken as equal.
    pub(super) fn new(count: usize) -> Self {
        Self { epoch: None, places: vec![Place { left: 1, load: 0.0 }; count.max(1)] }
    }

    pub(super) fn turn(&mut self, epoch: u32, left: &[Option<u64>]) {
        self.epoch = Some(epoch);
        for (place, left) in self.places.iter_mut().zip(left) {
            place.load = 0.0;
            place.left = left.unwrap_or(place.left);
        }
    }

    /// Returns whether a miner may have to change because of it.
    pub(super) fn note_left(&mut self, epoch: u32, left: &[Option<u64>]) -> bool {
        if self.epoch != Some(epoch) {
            return false;
        }
        let mut changed = false;
        for (place, left) in self.places.iter_mut().zip(left) {
            let left = left.unwrap_or(place.left);
            changed |= (left == 0) != (place.left == 0);
            place.left = left;
        }
        changed
    }

    /// Assigns an address to a new miner; returns it, and the epoch it holds for.
    pub(super) fn assignment(&mut self, weight: f64) -> (usize, Option<u32>) {
        self.assign_to(self.choose(weight), weight)
    }

    pub(super) fn assign_to(&mut self, place: usize, weight: f64) -> (usize, Option<u32>) {
        if let Some(place) = self.places.get_mut(place) {
            place.load += weight;
        }
        (place, self.epoch)
    }

    /// An assignment made in another epoch is not counted any more: nothing to free.
    pub(super) fn leave(&mut self, place: usize, epoch: Option<u32>, weight: f64) {
        if let Some(place) = self.places.get_mut(place).filter(|_| epoch == self.epoch) {
            place.load = (place.load - weight).max(0.0);
        }
    }

    /// Whether an assignment of epoch `of` is outdated for a session that continues in `epoch`. `None`: the session
    /// does not know of the new epoch yet, so nothing here concerns it.
    pub(super) fn has_turned(&self, of: Option<u32>, epoch: u32) -> Option<bool> {
        self.epoch.is_none_or(|current| current == epoch).then_some(of != self.epoch)
    }

    pub(super) fn should_leave(&self, place: usize) -> bool {
        self.places.get(place).is_none_or(|place| place.left == 0) && self.has_room()
    }

    fn has_room(&self) -> bool {
        self.places.iter().any(|place| place.left > 0)
    }

    fn choose(&self, weight: f64) -> usize {
        let has_room = self.has_room();
        let cost = |place: &Place| match (place.left, has_room) {
            (0, true) => f64::INFINITY,
            (left, _) => (place.load + weight) / left.max(1) as f64,
        };
        let costs = self.places.iter().map(cost).enumerate();
        costs.min_by(|(_, one), (_, other)| one.total_cmp(other)).map_or(0, |(place, _)| place)
    }
}
