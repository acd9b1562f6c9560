//! One round of decisions.

use std::{collections::HashMap, net::SocketAddr, time::Duration};

use pool_core::{chain::Puzzle, types::Address};

use super::{super::peers::Writable, HandOver, HeldSolution, REPEAT_AFTER, REPEAT_ROOM, Wait};

/// The next step for a solution.
pub(super) enum Step {
    HandOver(HandOver),
    /// Its release has to be marked first.
    Mark,
}

/// The state of one round of decisions: budgets and room shrink as they are given away.
pub(super) struct Planner<'a> {
    pub(super) puzzle: &'a Puzzle,
    pub(super) now: Duration,
    pub(super) own_consensus: bool,
    pub(super) holding: bool,
    pub(super) budget: HashMap<Address, u64>,
    /// How many of its best each address still releases in this round.
    pub(super) chosen: HashMap<Address, usize>,
    pub(super) peers: Vec<Writable>,
}

impl Planner<'_> {
    /// The receivers of a solution among those peers that do not have it yet; `None` if all have it, or it
    /// waits for its mark.
    pub(super) fn fresh(&mut self, entry: &HeldSolution) -> Result<Option<Step>, Wait> {
        entry.may_land(self.puzzle)?;
        if self.holding {
            return if entry.released { Ok(None) } else { Err(Wait::Network) };
        }
        if entry.waits_for_mark(self.now) {
            return Ok(None);
        }
        if !entry.released {
            self.within_limit(entry)?;
        }
        let submit = self.own_consensus && !entry.submitted;
        let peers = self.take_room(|peer| peer.room > 0 && !entry.offered.contains_key(&peer.number));
        if !submit && peers.is_empty() {
            return self.nobody_to_give(entry);
        }
        if !entry.released {
            self.spend(entry);
            if entry.held {
                return Ok(Some(Step::Mark));
            }
        }
        Ok(Some(Step::HandOver(HandOver { solution: entry.solution, submit, peers })))
    }

    fn within_limit(&self, entry: &HeldSolution) -> Result<(), Wait> {
        let address = &entry.solution.address;
        match self.budget.get(address) {
            None => Err(Wait::UnknownLimit),
            Some(0) => Err(Wait::StakeLimit),
            Some(_) if entry.goes_first() => Ok(()),
            Some(_) if self.chosen.get(address).is_none_or(|count| *count == 0) => Err(Wait::Better),
            Some(_) => Ok(()),
        }
    }

    fn spend(&mut self, entry: &HeldSolution) {
        let address = &entry.solution.address;
        if let Some(left) = self.budget.get_mut(address) {
            *left = left.saturating_sub(1);
        }
        // The policy chose among the others.
        if let Some(count) = self.chosen.get_mut(address).filter(|_| !entry.goes_first()) {
            *count = count.saturating_sub(1);
        }
    }

    fn nobody_to_give(&self, entry: &HeldSolution) -> Result<Option<Step>, Wait> {
        if entry.released {
            return Ok(None);
        }
        Err(if self.peers.is_empty() { Wait::NoPeer } else { Wait::Pace })
    }

    pub(super) fn repeat(&mut self, entry: &HeldSolution) -> Option<HandOver> {
        if self.holding || !entry.released || entry.may_land(self.puzzle).is_err() {
            return None;
        }
        let now = self.now;
        let peers = self.take_room(|peer| {
            let offered = entry.offered.get(&peer.number);
            peer.recent < REPEAT_ROOM && offered.is_some_and(|at| now.saturating_sub(*at) >= REPEAT_AFTER)
        });
        (!peers.is_empty()).then_some(HandOver { solution: entry.solution, submit: false, peers })
    }

    fn take_room(&mut self, wanted: impl Fn(&Writable) -> bool) -> Vec<SocketAddr> {
        let chosen = self.peers.iter_mut().filter(|peer| wanted(peer));
        chosen
            .map(|peer| {
                peer.room -= 1;
                peer.recent += 1;
                peer.address
            })
            .collect()
    }
}
