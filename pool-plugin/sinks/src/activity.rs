//! What the sinks show and the share ledger does not keep: miners' addresses, and refused shares.
//!
//! Kept in memory and bounded, so that nobody can fill it and no session ever waits for a sink. It is lost
//! with the process: a refusal that no sink had written by then is never counted; none is counted twice.

use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use parking_lot::Mutex;
use pool_core::types::Worker;

/// Workers and accounts remembered, at least.
const REMEMBERED: usize = 50_000;

/// The most workers with refusals that wait to be written.
const WAITING: usize = 100_000;

/// The sessions write here and the sinks read. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Activity(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    latest_logins: Recent<String, Login>,
    new_logins: HashMap<String, Login>,
    addresses: Recent<Worker, IpAddr>,
    refused: HashMap<Worker, u64>,
    uncounted: u64,
}

/// The latest login of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    pub worker: Worker,
    pub peer: SocketAddr,
}

/// What happened since the last call of `take`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// One per account.
    pub logins: Vec<Login>,
    /// The sum of the assigned targets of each worker's refused shares.
    pub refused: Vec<(Worker, u64)>,
}

impl News {
    pub fn is_empty(&self) -> bool {
        self.logins.is_empty() && self.refused.is_empty()
    }
}

impl Activity {
    pub fn logged_in(&self, worker: Worker, peer: SocketAddr) {
        let mut inner = self.0.lock();
        let login = Login { worker: worker.clone(), peer };
        inner.addresses.insert(worker, peer.ip());
        let account = &login.worker.account;
        if inner.new_logins.len() < WAITING || inner.new_logins.contains_key(account) {
            inner.new_logins.insert(account.clone(), login.clone());
        }
        inner.latest_logins.insert(account.clone(), login);
    }

    /// Notes the address of a worker's share; a share may name another machine than the login did.
    pub fn accepted(&self, worker: &Worker, from: IpAddr) {
        let mut inner = self.0.lock();
        if inner.addresses.get(worker) != Some(&from) {
            inner.addresses.insert(worker.clone(), from);
        }
    }

    /// Counts a refused share that was assigned `target`.
    pub fn refused(&self, worker: &Worker, target: u64) {
        let mut inner = self.0.lock();
        if let Some(sum) = inner.refused.get_mut(worker) {
            *sum = sum.saturating_add(target);
        } else if inner.refused.len() < WAITING {
            inner.refused.insert(worker.clone(), target);
        } else {
            inner.uncounted += 1;
        }
    }

    /// The address of the worker's last share or login, if remembered.
    pub fn address_of(&self, worker: &Worker) -> Option<IpAddr> {
        self.0.lock().addresses.get(worker).copied()
    }

    /// Returns what is new; the caller must write it.
    pub fn take(&self) -> News {
        let mut inner = self.0.lock();
        News {
            logins: std::mem::take(&mut inner.new_logins).into_values().collect(),
            refused: std::mem::take(&mut inner.refused).into_iter().collect(),
        }
    }

    /// The latest remembered login of every account, for a server that lost its data.
    pub fn all_logins(&self) -> Vec<Login> {
        self.0.lock().latest_logins.values().cloned().collect()
    }

    /// Refused shares without room since the start.
    pub fn uncounted(&self) -> u64 {
        self.0.lock().uncounted
    }
}

/// A map that remembers at least the latest [`REMEMBERED`] keys, and at most twice as many.
#[derive(Debug)]
struct Recent<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self { young: HashMap::new(), old: HashMap::new() }
    }
}

impl<K: Eq + Hash, V> Recent<K, V> {
    fn insert(&mut self, key: K, value: V) {
        if self.young.len() >= REMEMBERED && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.old.remove(&key);
        self.young.insert(key, value);
    }

    fn get(&self, key: &K) -> Option<&V> {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    fn values(&self) -> impl Iterator<Item = &V> {
        self.young.values().chain(self.old.values())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worker(account: &str, name: &str) -> Worker {
        Worker { account: account.into(), name: name.into() }
    }

    fn peer(last: u8) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, last], 4000))
    }

    #[test]
    fn refusals_add_up_by_worker_and_are_handed_over_once() {
        let activity = Activity::default();
        activity.refused(&worker("ann", "a"), 5);
        activity.refused(&worker("ann", "a"), u64::MAX);
        activity.refused(&worker("ann", "b"), 7);
        let mut news = activity.take();
        news.refused.sort();
        assert_eq!(news.refused, [(worker("ann", "a"), u64::MAX), (worker("ann", "b"), 7)]);
        assert!(activity.take().is_empty());
    }

    #[test]
    fn the_latest_login_of_an_account_counts() {
        let activity = Activity::default();
        activity.logged_in(worker("ann", "a"), peer(1));
        activity.logged_in(worker("ann", "b"), peer(2));
        let latest = Login { worker: worker("ann", "b"), peer: peer(2) };
        assert_eq!(activity.all_logins(), std::slice::from_ref(&latest));
        assert_eq!(activity.take().logins, [latest]);
        assert!(activity.take().is_empty());
        assert_eq!(activity.address_of(&worker("ann", "a")), Some(peer(1).ip()));
    }

    #[test]
    fn a_share_tells_from_where_its_worker_mines() {
        let activity = Activity::default();
        activity.logged_in(worker("ann", "a"), peer(1));
        activity.accepted(&worker("ann", "a"), peer(3).ip());
        activity.accepted(&worker("ann", "c"), peer(4).ip());
        assert_eq!(activity.address_of(&worker("ann", "a")), Some(peer(3).ip()));
        assert_eq!(activity.address_of(&worker("ann", "c")), Some(peer(4).ip()));
        assert_eq!(activity.address_of(&worker("ann", "d")), None);
    }

    #[test]
    fn nobody_can_fill_it() {
        let activity = Activity::default();
        for number in 0..(WAITING + 10) {
            let worker = worker(&number.to_string(), "");
            activity.refused(&worker, 1);
            activity.logged_in(worker, peer(1));
        }
        assert_eq!(activity.uncounted(), 10);
        assert!(activity.all_logins().len() <= 2 * REMEMBERED);
        let news = activity.take();
        assert_eq!((news.refused.len(), news.logins.len()), (WAITING, WAITING));
        let newest = worker(&(WAITING + 9).to_string(), "");
        assert!(activity.address_of(&newest).is_some(), "the newest are remembered");
    }
}
