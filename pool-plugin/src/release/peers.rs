//! Which peers can be written to, and how much each may still be sent. Pure: time is a parameter.

use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    time::Duration,
};

use pool_core::chain::Peer;

/// The most solutions sent to a peer in a [`WINDOW`]. It disconnects at more than 64 in a minute, no matter who
/// found them: the difference is left for what the node itself relays.
pub const MAX_PER_WINDOW: usize = 60;

/// Longer than the minute a peer counts by, since messages sent apart may arrive together.
pub const WINDOW: Duration = Duration::from_secs(65);

/// One connection of a peer: a peer that reconnects gets another number.
pub(super) type ConnectionNumber = u64;

#[derive(Debug, Default)]
pub(super) struct PeerBook {
    connections: HashMap<SocketAddr, Connection>,
    /// When each address was sent a solution; outlives its connections, as the peer's own count does.
    sent: HashMap<SocketAddr, VecDeque<Duration>>,
    next_number: ConnectionNumber,
}

#[derive(Clone, Copy, Debug)]
struct Connection {
    number: ConnectionNumber,
    validator: bool,
    /// A peer is listed before it can be written to: it counts once a second look finds it again.
    writable: bool,
}

/// A peer that can be written to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Writable {
    pub(super) address: SocketAddr,
    pub(super) number: ConnectionNumber,
    /// How many solutions it may be sent now.
    pub(super) room: usize,
    /// How many it was sent within the window.
    pub(super) recent: usize,
    validator: bool,
}

impl PeerBook {
    /// Notes the peers listed now. To be called at intervals of a second or more.
    pub(super) fn look(&mut self, peers: &[Peer], now: Duration) {
        let mut connections = HashMap::with_capacity(peers.len());
        for peer in peers {
            let connection = match self.connections.get(&peer.address) {
                Some(known) => Connection { writable: true, validator: peer.validator, ..*known },
                None => self.connection(peer.validator),
            };
            connections.insert(peer.address, connection);
        }
        self.connections = connections;
        self.sent.retain(|_, times| {
            forget_old(times, now);
            !times.is_empty()
        });
    }

    fn connection(&mut self, validator: bool) -> Connection {
        self.next_number += 1;
        Connection { number: self.next_number, validator, writable: false }
    }

    /// The peers that can be written to, validators first: they are nearest to a block.
    pub(super) fn writable(&self, now: Duration) -> Vec<Writable> {
        let mut writable: Vec<Writable> = self
            .connections
            .iter()
            .filter(|(_, connection)| connection.writable)
            .map(|(address, connection)| {
                let recent = self.recent(address, now);
                let room = MAX_PER_WINDOW.saturating_sub(recent);
                let Connection { number, validator, .. } = *connection;
                Writable { address: *address, number, room, recent, validator }
            })
            .collect();
        writable.sort_by_key(|peer| (!peer.validator, peer.address));
        writable
    }

    fn recent(&self, address: &SocketAddr, now: Duration) -> usize {
        let Some(times) = self.sent.get(address) else { return 0 };
        times.iter().filter(|sent| now.saturating_sub(**sent) < WINDOW).count()
    }

    /// A solution went to this peer. Returns the connection it went over.
    pub(super) fn sent(&mut self, address: SocketAddr, now: Duration) -> Option<ConnectionNumber> {
        let times = self.sent.entry(address).or_default();
        forget_old(times, now);
        times.push_back(now);
        self.connections.get(&address).map(|connection| connection.number)
    }

    /// The peer was gone; when it is listed again, that is a new connection.
    pub(super) fn gone(&mut self, address: &SocketAddr) {
        self.connections.remove(address);
    }

    pub(super) fn is_connected(&self, number: ConnectionNumber) -> bool {
        self.connections.values().any(|connection| connection.number == number)
    }
}

fn forget_old(times: &mut VecDeque<Duration>, now: Duration) {
    while times.front().is_some_and(|sent| now.saturating_sub(*sent) >= WINDOW) {
        times.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(port: u16, validator: bool) -> Peer {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        Peer { validator, ..Peer::chosen(address) }
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_peer_counts_from_the_second_look_on_and_validators_come_first() {
        let mut book = PeerBook::default();
        let (client, validator) = (peer(1, false), peer(2, true));
        book.look(&[client], seconds(0));
        assert!(book.writable(seconds(0)).is_empty());
        book.look(&[client, validator], seconds(1));
        assert_eq!(book.writable(seconds(1)).len(), 1);
        book.look(&[client, validator], seconds(2));
        let order: Vec<SocketAddr> = book.writable(seconds(2)).iter().map(|one| one.address).collect();
        assert_eq!(order, [validator.address, client.address]);
    }

    #[test]
    fn a_peer_that_was_away_is_a_new_connection_with_its_old_count() {
        let mut book = PeerBook::default();
        let one = peer(1, true);
        book.look(&[one], seconds(0));
        book.look(&[one], seconds(1));
        let first = book.sent(one.address, seconds(1)).unwrap();
        book.look(&[], seconds(2));
        assert!(!book.is_connected(first));
        book.look(&[one], seconds(3));
        assert!(book.writable(seconds(3)).is_empty());
        book.look(&[one], seconds(4));
        let again = book.writable(seconds(4))[0];
        assert!(again.number != first && again.room == MAX_PER_WINDOW - 1);
    }

    #[test]
    fn room_comes_back_as_the_window_slides() {
        let mut book = PeerBook::default();
        let one = peer(1, true);
        book.look(&[one], seconds(0));
        book.look(&[one], seconds(1));
        for _ in 0..MAX_PER_WINDOW - 1 {
            book.sent(one.address, seconds(1));
        }
        book.sent(one.address, seconds(2));
        assert_eq!(book.writable(seconds(2))[0].room, 0);
        assert_eq!(book.writable(seconds(65))[0].room, 0);
        assert_eq!(book.writable(seconds(66))[0].room, MAX_PER_WINDOW - 1);
        assert_eq!(book.writable(seconds(67))[0].room, MAX_PER_WINDOW);
    }

    #[test]
    fn a_peer_found_gone_must_be_seen_twice_again() {
        let mut book = PeerBook::default();
        let one = peer(1, true);
        book.look(&[one], seconds(0));
        book.look(&[one], seconds(1));
        book.gone(&one.address);
        book.look(&[one], seconds(2));
        assert!(book.writable(seconds(2)).is_empty());
    }
}
