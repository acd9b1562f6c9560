//! Finds of the next epoch, which wait for its first block.

#[cfg(test)]
mod tests;

use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
};

use pool_core::{
    chain::Puzzle,
    types::{Address, BLOCKS_PER_EPOCH, MAX_SOLUTIONS_PER_BLOCK, Solution, SolutionId},
};

use super::ReleaseQueue;

/// How many of them are kept per address: no epoch lands more. The chain may stand still on an epoch's last
/// block for any time, and miners keep finding solutions.
pub const MOST_EARLY: usize = BLOCKS_PER_EPOCH as usize * MAX_SOLUTIONS_PER_BLOCK;

impl ReleaseQueue {
    /// Keeps the best of what waits for the epoch after `epoch`, [`MOST_EARLY`] per address. The returned
    /// ones will not be released.
    pub fn drop_surplus(&mut self, epoch: u32) -> HashSet<SolutionId> {
        let mut early: HashMap<Address, Vec<(Reverse<u64>, SolutionId)>> = HashMap::new();
        for (id, entry) in self.entries.iter().filter(|(_, entry)| entry.epoch > epoch && !entry.released) {
            let Solution { address, target, .. } = entry.solution;
            early.entry(address).or_default().push((Reverse(target), *id));
        }
        let mut surplus = HashSet::new();
        for mut best_first in early.into_values().filter(|early| early.len() > MOST_EARLY) {
            best_first.sort_unstable();
            surplus.extend(best_first.split_off(MOST_EARLY).into_iter().map(|(_, id)| id));
        }
        self.entries.retain(|id, _| !surplus.contains(id));
        surplus
    }

    /// What each address may still send in the next epoch, of these limits, once its first block has released
    /// what waits for it. `turned`: the puzzle with that block.
    pub fn left_after_turn(&self, turned: &Puzzle, limits: &HashMap<Address, u64>) -> HashMap<Address, u64> {
        let mut left = self.budget(turned.epoch, limits);
        let chosen = self.choose(turned, &left);
        for (address, left) in &mut left {
            let goes_out = chosen.get(address).map_or(0, |count| *count as u64);
            *left = left.saturating_sub(goes_out + self.first_of(address, turned.epoch));
        }
        left
    }
}
