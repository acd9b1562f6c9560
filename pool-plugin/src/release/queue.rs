//! Which solution goes to which peer now. Pure: values in, decisions out, time is a parameter.
//!
//! The caller tells the queue what was found, what the chain settled and who is connected, asks for a
//! [`Plan`], carries it out, and tells the queue how each hand-over went. A solution is *released* from the
//! first hand-over that reached anyone, and from then on holds a place in its address's stake limit until
//! the chain settles it or its epoch ends.

#[cfg(test)]
mod tests;

use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
    net::SocketAddr,
    time::Duration,
};

use super::peers::{ConnectionNumber, PeerBook, Writable};
use crate::{
    chain::{Peer, Puzzle},
    types::{Address, Solution, SolutionId},
};

/// A solution that has not landed is offered again to a peer that had it this long ago: the message may
/// have been lost, or the peer not yet ready for it.
pub const REPEAT_AFTER: Duration = Duration::from_secs(90);

/// Repetitions only go to peers that were sent fewer than this many solutions within the window, so that a
/// fresh find never waits for them.
pub const REPEAT_ROOM: usize = 20;

/// The one queue between finds and the network.
#[derive(Debug)]
pub struct ReleaseQueue {
    entries: HashMap<SolutionId, Entry>,
    /// Landed or aborted, each with its epoch, until that ends: found again, they are old news.
    settled: HashMap<SolutionId, u32>,
    peers: PeerBook,
    /// Assumed until the node says otherwise.
    own_consensus: bool,
}

#[derive(Debug)]
struct Entry {
    solution: Solution,
    epoch: u32,
    released: bool,
    /// In this process: a restarted node's consensus has forgotten what it was given.
    submitted: bool,
    offered: HashMap<ConnectionNumber, Duration>,
    waits: Option<Wait>,
}

/// Why a solution is not on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wait {
    /// Its address may land no more than what is released already.
    StakeLimit,
    /// The stake limit could not be read.
    UnknownLimit,
    /// The proof target has risen above it.
    ProofTarget,
    /// Its epoch is not the chain's current one.
    Epoch,
    /// No peer can be written to.
    NoPeer,
    /// Every peer had its share of this minute.
    Pace,
}

/// A solution, and where it is to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandOver {
    pub solution: Solution,
    /// Whether to enter it into the node's own consensus.
    pub submit: bool,
    pub peers: Vec<SocketAddr>,
}

/// What to do now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Best target first; repetitions last.
    pub hand_overs: Vec<HandOver>,
    /// What has begun to wait, or waits for another reason than at the last plan.
    pub newly_waiting: Vec<(SolutionId, Wait)>,
    pub status: Status,
}

/// How much is on its way and how much waits, per reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Handed to the network, not settled.
    pub released: usize,
    pub waiting: HashMap<Wait, usize>,
}

/// A solution whose epoch ended before it was settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expired {
    pub id: SolutionId,
    /// Whether it had been handed to the network.
    pub released: bool,
    pub waited: Option<Wait>,
}

impl Default for ReleaseQueue {
    fn default() -> Self {
        Self {
            entries: HashMap::new(),
            settled: HashMap::new(),
            peers: PeerBook::default(),
            own_consensus: true,
        }
    }
}

impl ReleaseQueue {
    /// Takes a solution in. `released`: the network may have it already, from before a restart. `false` if
    /// the queue knows it, or the chain has settled it.
    pub fn add(&mut self, solution: Solution, epoch: u32, released: bool) -> bool {
        let id = solution.id();
        if self.settled.contains_key(&id) || self.entries.contains_key(&id) {
            return false;
        }
        let entry =
            Entry { solution, epoch, released, submitted: false, offered: HashMap::new(), waits: None };
        self.entries.insert(id, entry);
        true
    }

    /// A block landed this solution or gave up on it. Forgotten ids do no harm: anyone's may be named.
    pub fn settle(&mut self, id: SolutionId, epoch: u32) {
        let epoch = self.entries.remove(&id).map_or(epoch, |entry| entry.epoch);
        self.settled.insert(id, epoch);
    }

    /// Drops what can no longer land because the chain is in `epoch`.
    pub fn expire(&mut self, epoch: u32) -> Vec<Expired> {
        self.settled.retain(|_, of| *of >= epoch);
        let over = self.entries.extract_if(|_, entry| entry.epoch < epoch);
        over.map(|(id, entry)| Expired { id, released: entry.released, waited: entry.waits }).collect()
    }

    /// Takes note of the connected peers; to be called once a second.
    pub fn look(&mut self, peers: &[Peer], now: Duration) {
        self.peers.look(peers, now);
        for entry in self.entries.values_mut() {
            entry.offered.retain(|number, _| self.peers.is_connected(*number));
        }
    }

    /// The addresses whose limits a plan needs.
    pub fn addresses(&self) -> HashSet<Address> {
        self.entries.values().map(|entry| entry.solution.address).collect()
    }

    /// Decides what goes where. `left`: what the chain says each address may still land in this epoch; read
    /// after the last [`Self::settle`], else a landing would be counted as neither open nor landed.
    pub fn plan(&mut self, puzzle: &Puzzle, left: &HashMap<Address, u64>, now: Duration) -> Plan {
        let mut planner = Planner {
            puzzle,
            now,
            own_consensus: self.own_consensus,
            budget: self.budget(puzzle.epoch, left),
            peers: self.peers.writable(now),
        };
        let mut best_first: Vec<(&SolutionId, &mut Entry)> = self.entries.iter_mut().collect();
        best_first.sort_by_key(|(id, entry)| (Reverse(entry.solution.target), **id));

        let mut plan = Plan::default();
        for (id, entry) in &mut best_first {
            let waits = match planner.fresh(entry) {
                Ok(hand_over) => {
                    plan.hand_overs.extend(hand_over);
                    None
                }
                Err(wait) => Some(wait),
            };
            plan.status.released += usize::from(entry.released);
            if let Some(wait) = waits {
                *plan.status.waiting.entry(wait).or_default() += 1;
                if entry.waits != waits {
                    plan.newly_waiting.push((**id, wait));
                }
            }
            entry.waits = waits;
        }
        plan.hand_overs.extend(best_first.iter().filter_map(|(_, entry)| planner.repeat(entry)));
        plan
    }

    /// What each address may still release: its limit less what is on its way.
    fn budget(&self, epoch: u32, left: &HashMap<Address, u64>) -> HashMap<Address, u64> {
        let mut budget = left.clone();
        for entry in self.entries.values().filter(|entry| entry.released && entry.epoch == epoch) {
            if let Some(left) = budget.get_mut(&entry.solution.address) {
                *left = left.saturating_sub(1);
            }
        }
        budget
    }

    /// How a planned offer went. `true` if it released the solution.
    pub fn offered(&mut self, id: SolutionId, peer: SocketAddr, delivered: bool, now: Duration) -> bool {
        if !delivered {
            self.peers.gone(&peer);
            return false;
        }
        let connection = self.peers.sent(peer, now);
        let Some(entry) = self.entries.get_mut(&id) else { return false };
        if let Some(number) = connection {
            entry.offered.insert(number, now);
        }
        !std::mem::replace(&mut entry.released, true)
    }

    /// How a planned submission to the node's own consensus went; `taken` is `false` if it has none. `true`
    /// if it released the solution.
    pub fn submitted(&mut self, id: SolutionId, taken: bool) -> bool {
        self.own_consensus &= taken;
        let Some(entry) = self.entries.get_mut(&id).filter(|_| taken) else { return false };
        entry.submitted = true;
        !std::mem::replace(&mut entry.released, true)
    }
}

/// The state of one round of decisions: budgets and room shrink as they are given away.
struct Planner<'a> {
    puzzle: &'a Puzzle,
    now: Duration,
    own_consensus: bool,
    budget: HashMap<Address, u64>,
    peers: Vec<Writable>,
}

impl Planner<'_> {
    /// Where a solution goes that these peers do not have yet; `None` if all have it.
    fn fresh(&mut self, entry: &Entry) -> Result<Option<HandOver>, Wait> {
        self.may_land(entry)?;
        if !entry.released {
            self.within_limit(&entry.solution.address)?;
        }
        let submit = self.own_consensus && !entry.submitted;
        let peers = self.take_room(|peer| peer.room > 0 && !entry.offered.contains_key(&peer.number));
        if !submit && peers.is_empty() {
            return self.nobody_to_give(entry);
        }
        if !entry.released
            && let Some(left) = self.budget.get_mut(&entry.solution.address)
        {
            *left -= 1;
        }
        Ok(Some(HandOver { solution: entry.solution, submit, peers }))
    }

    fn may_land(&self, entry: &Entry) -> Result<(), Wait> {
        if entry.epoch != self.puzzle.epoch || entry.solution.epoch_hash != self.puzzle.epoch_hash {
            return Err(Wait::Epoch);
        }
        if entry.solution.target < self.puzzle.proof_target {
            return Err(Wait::ProofTarget);
        }
        Ok(())
    }

    fn within_limit(&self, address: &Address) -> Result<(), Wait> {
        match self.budget.get(address) {
            None => Err(Wait::UnknownLimit),
            Some(0) => Err(Wait::StakeLimit),
            Some(_) => Ok(()),
        }
    }

    fn nobody_to_give(&self, entry: &Entry) -> Result<Option<HandOver>, Wait> {
        if entry.released {
            return Ok(None);
        }
        Err(if self.peers.is_empty() { Wait::NoPeer } else { Wait::Pace })
    }

    fn repeat(&mut self, entry: &Entry) -> Option<HandOver> {
        if !entry.released || self.may_land(entry).is_err() {
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
