//! Which solution goes to which peer now. Pure: values in, decisions out, time is a parameter.
//!
//! The caller passes the queue what was found, what the chain settled and who is connected, asks for a
//! [`Plan`], carries it out, and reports each hand-over. A solution is *released* from the first hand-over
//! that reached a peer, and from then on holds a place in its address's stake limit until the chain settles
//! it or its epoch ends. The [policy](super::policy) decides which ones are released when there are more than
//! may land.
//!
//! On the last block of an epoch finds of the next one come in. They wait for that epoch's first block, and
//! take places of their own epoch only.
//!
//! A place must not be given away twice, even after a crash: what the network has and the database does not
//! know could still land. A fresh find is sent at once, and recorded as released at the same time. One that
//! was held is recorded as held, so its release is marked first and its hand-over waits for the mark, a
//! moment at most. And unrecorded solutions that a restart finds among the shares go before all others.

mod early;
mod planner;
#[cfg(test)]
mod tests;
mod wait;

use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
    net::SocketAddr,
    time::Duration,
};

use self::planner::{Planner, Step};
pub use self::{early::MOST_EARLY, wait::Wait};
use pool_core::{
    chain::{Epoch, Peer, Puzzle},
    types::{Address, BLOCKS_PER_EPOCH, Solution, SolutionId},
};

use super::{
    peers::{ConnectionNumber, PeerBook},
    policy::{Finds, Policy, Situation},
};

/// A solution that has not landed is offered again to a peer that got it this long ago: the message may have
/// been lost, or the peer not yet ready for it.
pub const REPEAT_AFTER: Duration = Duration::from_secs(90);

/// Repetitions only go to peers that were sent fewer than this many solutions within the window, so that a
/// fresh find never waits for them.
pub const REPEAT_ROOM: usize = 20;

/// How long the release of a held solution waits for its mark: a hanging disk must not cost a block.
pub const MARK_PATIENCE: Duration = Duration::from_secs(1);

/// The only queue between finds and the network.
#[derive(Debug)]
pub struct ReleaseQueue {
    entries: HashMap<SolutionId, HeldSolution>,
    /// Landed or aborted, each with its epoch, until that ends: if found again, they are ignored.
    settled: HashMap<SolutionId, u32>,
    peers: PeerBook,
    policy: Policy,
    finds: HashMap<Address, Finds>,
    /// The chain's height at the latest plan.
    height: u32,
    /// Assumed until the node says otherwise.
    own_consensus: bool,
    /// The node does not follow the network: nothing is sent.
    holding: bool,
}

#[derive(Debug)]
struct HeldSolution {
    solution: Solution,
    epoch: u32,
    released: bool,
    /// The chain's height at that time; `None` if that was before a restart.
    released_at: Option<u32>,
    /// The database has it as held.
    held: bool,
    /// When its release began to wait for its mark.
    marking: Option<Duration>,
    /// It is unknown whether the network has it.
    unsure: bool,
    /// In this process: a restarted node's consensus has forgotten what it got.
    submitted: bool,
    offered: HashMap<ConnectionNumber, Duration>,
    waits: Option<Wait>,
}

/// The history of a solution that comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Past {
    /// It was just found.
    Fresh,
    /// The database has it as held: nobody else has it.
    Held,
    /// It was released before a restart: the network may have it.
    Released,
    /// A restart found it without a record: the network may have it.
    Unsure,
}

/// A solution, and its receivers.
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
    /// Releases to be marked before they are carried out.
    pub marks: Vec<SolutionId>,
    /// What has begun to wait, or waits for a different reason than at the last plan.
    pub newly_waiting: Vec<(SolutionId, Wait)>,
    /// What each address may still send after this plan.
    pub left: HashMap<Address, u64>,
    pub status: QueueStatus,
}

/// How much is on its way and how much waits, per reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueStatus {
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

impl ReleaseQueue {
    pub fn new(policy: Policy) -> Self {
        Self {
            entries: HashMap::new(),
            settled: HashMap::new(),
            peers: PeerBook::default(),
            policy,
            finds: HashMap::new(),
            height: 0,
            own_consensus: true,
            holding: false,
        }
    }

    /// Adds a solution. `false` if the queue knows it, or the chain has settled it.
    pub fn add(&mut self, solution: Solution, epoch: u32, past: Past) -> bool {
        let id = solution.id();
        if self.settled.contains_key(&id) || self.entries.contains_key(&id) {
            return false;
        }
        let entry = HeldSolution {
            solution,
            epoch,
            released: past == Past::Released,
            released_at: None,
            held: past == Past::Held,
            marking: None,
            unsure: past == Past::Unsure,
            submitted: false,
            offered: HashMap::new(),
            waits: None,
        };
        self.entries.insert(id, entry);
        self.finds.entry(solution.address).or_default().count(epoch);
        true
    }

    /// A block landed or aborted this solution. Unknown ids do no harm: anyone's may be named.
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

    /// Notes the connected peers; to be called once a second.
    pub fn look(&mut self, peers: &[Peer], now: Duration) {
        self.peers.look(peers, now);
        for entry in self.entries.values_mut() {
            entry.offered.retain(|number, _| self.peers.is_connected(*number));
        }
    }

    /// Whether nothing may be sent from the next plan on.
    pub fn hold(&mut self, holding: bool) {
        self.holding = holding;
    }

    /// What waits since the last plan, and why.
    pub fn waits(&self) -> HashMap<SolutionId, Wait> {
        self.entries.iter().filter_map(|(id, entry)| Some((*id, entry.waits?))).collect()
    }

    /// The addresses whose limits a plan needs.
    pub fn addresses(&self) -> HashSet<Address> {
        self.entries.values().map(|entry| entry.solution.address).collect()
    }

    /// Decides what goes where. `left`: what the chain says each address may still land in this epoch; read
    /// after the last [`Self::settle`], or a landing would count neither as open nor as landed.
    pub fn plan(&mut self, puzzle: &Puzzle, left: &HashMap<Address, u64>, now: Duration) -> Plan {
        self.height = puzzle.height;
        let budget = self.budget(puzzle.epoch, left);
        let mut planner = Planner {
            puzzle,
            now,
            own_consensus: self.own_consensus,
            holding: self.holding,
            chosen: self.choose(puzzle, &budget),
            budget,
            peers: self.peers.writable(now),
        };
        let mut best_first: Vec<(&SolutionId, &mut HeldSolution)> = self.entries.iter_mut().collect();
        best_first.sort_by_key(|(id, entry)| (!entry.goes_first(), Reverse(entry.solution.target), **id));

        let mut plan = Plan::default();
        for (id, entry) in &mut best_first {
            let waits = match planner.fresh(entry) {
                Ok(None) => None,
                Ok(Some(Step::HandOver(hand_over))) => {
                    plan.hand_overs.push(hand_over);
                    None
                }
                Ok(Some(Step::Mark)) => {
                    plan.marks.push(**id);
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
        plan.left = planner.budget;
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

    /// How many solutions of the address in `epoch` go before all others.
    fn first_of(&self, address: &Address, epoch: u32) -> u64 {
        let of = |entry: &&HeldSolution| entry.solution.address == *address && entry.epoch == epoch;
        self.entries.values().filter(of).filter(|entry| entry.goes_first()).count() as u64
    }

    /// How many of its best each address releases now.
    fn choose(&self, puzzle: &Puzzle, budget: &HashMap<Address, u64>) -> HashMap<Address, usize> {
        let mut held: HashMap<Address, Vec<u64>> = HashMap::new();
        let mut released_in_block: HashMap<Address, usize> = HashMap::new();
        for entry in self.entries.values() {
            let address = entry.solution.address;
            if entry.released {
                let is_fresh = entry.released_at == Some(puzzle.height);
                *released_in_block.entry(address).or_default() += usize::from(is_fresh);
            } else if !entry.goes_first() && entry.may_land(puzzle).is_ok() {
                held.entry(address).or_default().push(entry.solution.target);
            }
        }
        let choose = |(address, mut targets): (Address, Vec<u64>)| {
            targets.sort_unstable_by_key(|target| Reverse(*target));
            let view = Situation {
                held: &targets,
                budget: budget
                    .get(&address)
                    .map_or(0, |left| left.saturating_sub(self.first_of(&address, puzzle.epoch))),
                released_in_block: released_in_block.get(&address).copied().unwrap_or(0),
                blocks_left: BLOCKS_PER_EPOCH - puzzle.height % BLOCKS_PER_EPOCH,
                coinbase_target: puzzle.coinbase_target,
                expected: self.finds.get(&address).map_or(0, |finds| finds.expected(puzzle)),
            };
            (address, self.policy.release(&view))
        };
        held.into_iter().map(choose).collect()
    }

    /// The release of a held solution is on its way to the database.
    pub fn mark(&mut self, id: SolutionId, now: Duration) {
        let height = self.height;
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.release(height);
            entry.marking = Some(now);
        }
    }

    /// The mark is written, or cannot be: the solution is sent.
    pub fn marked(&mut self, id: SolutionId) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.marking = None;
        }
    }

    /// The solution is to be recorded now; returns whether as released. If not, the database has it as held
    /// from then on.
    pub fn record(&mut self, id: SolutionId) -> bool {
        let Some(entry) = self.entries.get_mut(&id) else { return false };
        entry.held = !entry.released;
        entry.released
    }

    /// The result of a planned offer. `true` if it released the solution.
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
        entry.release(self.height)
    }

    /// The result of a planned submission to the node's own consensus; `taken` is `false` if it has none.
    /// `true` if it released the solution.
    pub fn submitted(&mut self, id: SolutionId, taken: bool) -> bool {
        self.own_consensus &= taken;
        let Some(entry) = self.entries.get_mut(&id).filter(|_| taken) else { return false };
        entry.submitted = true;
        entry.release(self.height)
    }
}

impl HeldSolution {
    fn goes_first(&self) -> bool {
        self.unsure && !self.released
    }

    fn waits_for_mark(&self, now: Duration) -> bool {
        self.marking.is_some_and(|since| now.saturating_sub(since) < MARK_PATIENCE)
    }

    fn may_land(&self, puzzle: &Puzzle) -> Result<(), Wait> {
        let epoch = Epoch { number: self.epoch, hash: self.solution.epoch_hash };
        Wait::for_block(puzzle, epoch, self.solution.target).map_or(Ok(()), Err)
    }

    /// `false` if it was released before.
    fn release(&mut self, height: u32) -> bool {
        if self.released {
            return false;
        }
        (self.released, self.released_at) = (true, Some(height));
        true
    }
}
