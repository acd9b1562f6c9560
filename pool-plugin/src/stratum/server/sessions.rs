//! The current sessions, for the admin: their workers, and a way to send them orders.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Weak},
};

use parking_lot::Mutex;
use pool_core::types::{Worker, unix_ms};
use serde::Serialize;

use crate::stratum::guard::{Order, PeerState, access::parse_network};

/// The sessions, by their number.
#[derive(Default)]
pub struct Sessions(Mutex<HashMap<u64, OpenSession>>);

struct OpenSession {
    id: String,
    peer: SocketAddr,
    since_ms: u64,
    login: Option<Worker>,
    // Weak, so that a listed session holds no place.
    peer_state: Weak<PeerState>,
}

/// A session as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Shown {
    pub session: String,
    pub peer: String,
    /// When it connected, in milliseconds since 1970.
    pub since_ms: u64,
    /// Empty before the login.
    pub account: String,
    pub worker: String,
    pub accepted: u64,
    pub refused: u64,
}

impl Sessions {
    pub(super) fn open(&self, id: &str, peer: SocketAddr, peer_state: &Arc<PeerState>) {
        let entry = OpenSession {
            id: id.to_owned(),
            peer,
            since_ms: unix_ms(),
            login: None,
            peer_state: Arc::downgrade(peer_state),
        };
        self.0.lock().insert(peer_state.number(), entry);
    }

    pub(super) fn log_in(&self, peer_state: &PeerState, worker: &Worker) {
        if let Some(entry) = self.0.lock().get_mut(&peer_state.number()) {
            entry.login = Some(worker.clone());
        }
    }

    pub(super) fn close(&self, peer_state: &PeerState) {
        self.0.lock().remove(&peer_state.number());
    }

    /// All of them, the oldest first.
    pub fn list(&self) -> Vec<Shown> {
        let mut sessions = self.0.lock();
        // A session that panicked could not remove itself.
        sessions.retain(|_, entry| entry.peer_state.strong_count() > 0);
        let mut numbered: Vec<(u64, Shown)> =
            sessions.iter().filter_map(|(number, entry)| Some((*number, entry.show()?))).collect();
        drop(sessions);
        numbered.sort_by_key(|(number, _)| *number);
        numbered.into_iter().map(|(_, shown)| shown).collect()
    }

    /// Gives an order to the sessions that `who` names: a session id, an account, `account.worker`, an
    /// address or a network. Returns how many there were.
    pub fn order(&self, who: &str, order: &Order) -> usize {
        let network = parse_network(who).ok();
        let is_meant = |entry: &OpenSession| {
            entry.id == who
                || network.is_some_and(|network| network.contains(&entry.peer.ip().to_canonical()))
                || entry.login.as_ref().is_some_and(|login| is_login(login, who))
        };
        let meant: Vec<_> = {
            let sessions = self.0.lock();
            sessions
                .values()
                .filter(|entry| is_meant(entry))
                .filter_map(|entry| entry.peer_state.upgrade())
                .collect()
        };
        meant.iter().for_each(|peer_state| peer_state.order(order.clone()));
        meant.len()
    }
}

impl OpenSession {
    fn show(&self) -> Option<Shown> {
        let (accepted, refused) = self.peer_state.upgrade()?.shares();
        let (account, worker) = match &self.login {
            Some(login) => (login.account.clone(), login.name.clone()),
            None => Default::default(),
        };
        let (session, peer) = (self.id.clone(), self.peer.to_string());
        Some(Shown { session, peer, since_ms: self.since_ms, account, worker, accepted, refused })
    }
}

fn is_login(login: &Worker, who: &str) -> bool {
    match who.strip_prefix(login.account.as_str()) {
        Some("") => true,
        Some(rest) => rest.strip_prefix('.') == Some(login.name.as_str()),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stratum::guard::Gate;

    fn session(
        sessions: &Sessions,
        id: &str,
        peer: &str,
        login: &str,
    ) -> (Arc<PeerState>, tokio::sync::mpsc::Receiver<Order>) {
        let peer: SocketAddr = peer.parse().unwrap();
        let Ok(ticket) = Gate::new(9).enter(peer.ip()) else { panic!("refused") };
        let (peer_state, orders) = PeerState::new(ticket, false);
        let peer_state = Arc::new(peer_state);
        sessions.open(id, peer, &peer_state);
        sessions.log_in(&peer_state, &pool_core::login::parse_login(login).unwrap());
        (peer_state, orders)
    }

    #[test]
    fn sessions_are_meant_by_id_login_and_address() {
        let sessions = Sessions::default();
        let (_first, mut first) = session(&sessions, "aa", "198.51.100.1:9", "alice.rig1");
        let (_second, mut second) = session(&sessions, "bb", "198.51.100.2:9", "alice.rig2");
        let (_third, mut third) = session(&sessions, "cc", "[2001:db8::1]:9", "bob");
        for (who, meant) in [
            ("aa", [true, false, false]),
            ("alice", [true, true, false]),
            ("alice.rig2", [false, true, false]),
            ("198.51.100.0/24", [true, true, false]),
            ("2001:db8::1", [false, false, true]),
            ("carol", [false; 3]),
        ] {
            let count = sessions.order(who, &Order::ResendWork);
            assert_eq!(count, meant.iter().filter(|is| **is).count(), "{who}");
            let got = [&mut first, &mut second, &mut third].map(|orders| orders.try_recv().is_ok());
            assert_eq!(got, meant, "{who}");
        }
    }

    #[test]
    fn the_list_has_those_that_live() {
        let sessions = Sessions::default();
        let (first, _orders) = session(&sessions, "aa", "198.51.100.1:9", "alice.rig1");
        let (second, _orders) = session(&sessions, "bb", "198.51.100.2:9", "bob");
        first.accepted();
        assert_eq!(sessions.list()[0].accepted, 1);
        assert_eq!(sessions.list()[1].account, "bob");
        drop(second);
        sessions.close(&first);
        assert!(sessions.list().is_empty() && sessions.0.lock().is_empty());
    }
}
