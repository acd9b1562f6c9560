//! Peers of the simulated chain: what they count, remember and drop.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    net::SocketAddr,
};

use tokio::time::{Duration, Instant};

use crate::{chain::Peer, types::SolutionId};

/// A peer that gets more solutions than this in [`INTERVAL`] disconnects.
pub const MAX_PER_INTERVAL: usize = 64;
/// The span over which a peer counts.
pub const INTERVAL: Duration = Duration::from_secs(60);
/// For this long after it connects a peer is listed but cannot be written to: messages are lost.
pub const HANDSHAKE: Duration = Duration::from_millis(500);

/// What a peer did with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    NotConnected,
    /// Never arrives.
    Lost,
    /// The peer disconnected: too many solutions.
    TooMany,
    /// The peer knew the id, and looked no further.
    SeenBefore,
    New,
}

#[derive(Debug, Default)]
pub(super) struct Peers {
    connected: Vec<Connection>,
    /// Survives reconnects, as at the real peer.
    memory: HashMap<SocketAddr, Memory>,
}

#[derive(Debug)]
struct Connection {
    peer: Peer,
    /// Its height is the network's.
    at_tip: bool,
    since: Instant,
    lossy: bool,
}

#[derive(Debug, Default)]
struct Memory {
    recent: VecDeque<Instant>,
    seen: HashSet<SolutionId>,
    log: Vec<(Instant, SolutionId)>,
}

impl Peers {
    pub(super) fn connect(&mut self, peer: Peer, at_tip: bool, now: Instant) {
        self.disconnect(&peer.address);
        self.connected.push(Connection { peer, at_tip, since: now, lossy: false });
    }

    pub(super) fn disconnect(&mut self, address: &SocketAddr) {
        self.connected.retain(|connection| connection.peer.address != *address);
    }

    pub(super) fn set_lossy(&mut self, address: &SocketAddr, lossy: bool) {
        if let Some(connection) = self.connected.iter_mut().find(|one| one.peer.address == *address) {
            connection.lossy = lossy;
        }
    }

    /// `tip`: the network's.
    pub(super) fn list(&self, tip: u32) -> Vec<Peer> {
        let now = |Connection { peer, at_tip, .. }: &Connection| match at_tip {
            true => Peer { height: Some(tip), ..*peer },
            false => *peer,
        };
        self.connected.iter().map(now).collect()
    }

    /// What reached the peer, and when: also what it knew before and what made it disconnect.
    pub(super) fn received(&self, address: &SocketAddr) -> Vec<(Instant, SolutionId)> {
        self.memory.get(address).map(|memory| memory.log.clone()).unwrap_or_default()
    }

    pub(super) fn deliver(&mut self, address: &SocketAddr, id: SolutionId, now: Instant) -> Delivery {
        let Some(connection) = self.connected.iter().find(|one| one.peer.address == *address) else {
            return Delivery::NotConnected;
        };
        if connection.lossy || now.duration_since(connection.since) < HANDSHAKE {
            return Delivery::Lost;
        }
        let memory = self.memory.entry(*address).or_default();
        memory.log.push((now, id));
        memory.recent.push_back(now);
        while memory.recent.front().is_some_and(|first| now.duration_since(*first) > INTERVAL) {
            memory.recent.pop_front();
        }
        if memory.recent.len() > MAX_PER_INTERVAL {
            self.disconnect(address);
            return Delivery::TooMany;
        }
        if memory.seen.insert(id) { Delivery::New } else { Delivery::SeenBefore }
    }
}
