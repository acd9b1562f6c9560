//! All rules together, behind one lock: the port asks before it accepts a connection, sessions report their
//! shares, the admin reads and edits.

use std::{
    io,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use ipnet::IpNet;
use parking_lot::Mutex;
use pool_core::{
    json_lines::BrokenLine,
    reject::Reject,
    source::Source,
    types::{Worker, unix_seconds},
};
use tracing::{info, warn};

use super::{
    access::{Access, AccessLists, AccessRule, Ban, RuleKind},
    access_file,
    connection_limits::ConnectionLimits,
    strikes::{BAN, Outcome, Strikes},
};

/// After our own start nobody is penalised, and an address has more places: all miners reconnect at once, and
/// their shares were mined for another process.
pub const GRACE: Duration = Duration::from_secs(300);
/// By how much the places of an address are multiplied within [`GRACE`].
const GRACE_FACTOR: usize = 8;

/// Decides which connections may enter.
pub struct Gate {
    state: Mutex<GateState>,
    started: Instant,
    /// Connections per address before it has earned more.
    per_address: AtomicUsize,
    /// The file of the operator's entries.
    file: Option<PathBuf>,
    made: Made,
}

/// Bans that were made since the start.
#[derive(Default)]
struct Made {
    addresses: AtomicU64,
    workers: AtomicU64,
    by_operator: AtomicU64,
}

/// Numbers of bans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BanCounts {
    /// In force now.
    pub now: usize,
    /// Made by the pool since its start, of addresses.
    pub addresses: u64,
    /// Made by the pool since its start, of workers at an address.
    pub workers: u64,
    /// Made by the operator since the start.
    pub by_operator: u64,
}

struct GateState {
    lists: AccessLists,
    connection_limits: ConnectionLimits,
    strikes: Strikes,
}

/// A place taken by a connection; given back when dropped.
pub struct Ticket {
    gate: Arc<Gate>,
    source: Source,
    /// Neither limited nor penalised: this machine, and what the operator allows.
    exempt: bool,
}

impl Gate {
    /// A gate without a file.
    pub fn new(per_address: usize) -> Arc<Self> {
        Arc::new(Self::with(AccessLists::default(), per_address, None))
    }

    /// A gate with the operator's lists from `file`, to which its changes are written. Invalid lines are
    /// logged and skipped.
    pub fn open(file: &Path, per_address: usize) -> io::Result<Arc<Self>> {
        let (entries, broken) = access_file::load(file)?;
        for line in broken {
            let (number, reason) = (line.number, line.reason);
            warn!(file = %file.display(), line = number, reason, "ignoring an invalid entry: fix it");
        }
        Ok(Arc::new(Self::with(AccessLists::new(entries), per_address, Some(file.to_owned()))))
    }

    fn with(lists: AccessLists, per_address: usize, file: Option<PathBuf>) -> Self {
        let state =
            GateState { lists, connection_limits: ConnectionLimits::default(), strikes: Strikes::default() };
        let (per_address, made) = (per_address.into(), Made::default());
        Self { state: Mutex::new(state), started: Instant::now(), per_address, file, made }
    }

    /// A gate whose grace time is over.
    #[cfg(test)]
    pub(crate) fn settled(per_address: usize) -> Arc<Self> {
        let mut gate = Self::with(AccessLists::default(), per_address, None);
        gate.started = Instant::now().checked_sub(GRACE).unwrap();
        Arc::new(gate)
    }

    /// Lets a connection in, or says why not.
    pub fn enter(self: &Arc<Self>, ip: IpAddr) -> Result<Ticket, Reject> {
        self.enter_as(ip, Source::of(ip))
    }

    /// Lets a connection in that comes through a listed proxy at `proxy`, or says why not. `client`: the
    /// address it names.
    pub fn enter_behind(self: &Arc<Self>, proxy: IpAddr, client: Option<IpAddr>) -> Result<Ticket, Reject> {
        let source = Source::behind(proxy, client);
        let named = client.filter(|_| !source.is_unnamed());
        self.enter_as(named.unwrap_or(proxy), source)
    }

    fn enter_as(self: &Arc<Self>, ip: IpAddr, source: Source) -> Result<Ticket, Reject> {
        let now = Instant::now();
        let mut state = self.state.lock();
        let exempt = match state.lists.look_up(ip, unix_seconds()) {
            Access::Banned(left) => return Err(Reject::Banned(minutes(left))),
            Access::Allowed => true,
            Access::Unlisted => source.is_this_machine(),
        };
        let per_address = self.per_address.load(Relaxed);
        let base = match (exempt, self.in_grace(now)) {
            (true, _) => usize::MAX,
            (false, true) => per_address.saturating_mul(GRACE_FACTOR),
            (false, false) => per_address,
        };
        let entered = state.connection_limits.enter(source, base, now);
        drop(state);
        entered.map_err(|full| Reject::TooManyConnections(full.limit))?;
        Ok(Ticket { gate: Arc::clone(self), source, exempt })
    }

    /// Sets the connections per address; existing ones stay.
    pub fn set_per_address(&self, limit: usize) {
        self.per_address.store(limit, Relaxed);
    }

    /// Reads the operator's lists from the file again; returns the invalid lines. `None`: nothing has
    /// changed. The pool's own bans stay.
    pub fn reload(&self) -> io::Result<Option<Vec<BrokenLine>>> {
        let Some(file) = &self.file else { return Ok(None) };
        // Under the lock, so that an edit by the admin in the meantime is not lost.
        let mut state = self.state.lock();
        let (entries, broken) = access_file::load(file)?;
        if !state.lists.replace(entries) {
            return Ok(None);
        }
        info!(file = %file.display(), "reloaded the access lists");
        Ok(Some(broken))
    }

    /// Whether penalties are suspended, because the pool has just started.
    pub fn in_grace(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.started) < GRACE
    }

    /// Bans a network; replaces the operator's earlier entry for the same one.
    pub fn ban(&self, network: IpNet, time: Option<Duration>, reason: &str) -> io::Result<()> {
        let until = time.map(|time| unix_seconds().saturating_add(time.as_secs()));
        self.made.by_operator.fetch_add(1, Relaxed);
        self.put(AccessRule { network, kind: RuleKind::Ban, until, reason: reason.to_owned() })
    }

    /// Puts a network on the allow-list: neither limits nor penalties apply to it.
    pub fn allow(&self, network: IpNet, reason: &str) -> io::Result<()> {
        self.put(AccessRule { network, kind: RuleKind::Allow, until: None, reason: reason.to_owned() })
    }

    /// Lifts the operator's ban of a network and the pool's own bans inside it. `false`: there was none.
    pub fn unban(&self, network: &IpNet) -> io::Result<bool> {
        let mut state = self.state.lock();
        let pardoned = state.lists.pardon(network) > 0;
        state.strikes.forgive(|source| source.is_in(network));
        let removed = state.lists.remove(network, RuleKind::Ban);
        if removed {
            self.save(&state.lists)?;
        }
        Ok(removed || pardoned)
    }

    /// Takes a network off the allow-list. `false`: it was not on it.
    pub fn disallow(&self, network: &IpNet) -> io::Result<bool> {
        let mut state = self.state.lock();
        let removed = state.lists.remove(network, RuleKind::Allow);
        if removed {
            self.save(&state.lists)?;
        }
        Ok(removed)
    }

    /// Every ban in force, the pool's own included.
    pub fn bans(&self) -> Vec<Ban> {
        self.state.lock().lists.bans(unix_seconds())
    }

    /// How many bans there are and were. Cheaper than listing them, but not free: call it rarely.
    pub fn ban_counts(&self) -> BanCounts {
        BanCounts {
            now: self.state.lock().lists.ban_count(unix_seconds()),
            addresses: self.made.addresses.load(Relaxed),
            workers: self.made.workers.load(Relaxed),
            by_operator: self.made.by_operator.load(Relaxed),
        }
    }

    /// The networks on the allow-list.
    pub fn allowed(&self) -> Vec<AccessRule> {
        let entries = self.state.lock().lists.entries(unix_seconds());
        entries.into_iter().filter(|entry| entry.kind == RuleKind::Allow).collect()
    }

    // The file is small and rarely written; the lock is held so that two edits do not overtake each other.
    fn put(&self, entry: AccessRule) -> io::Result<()> {
        let mut state = self.state.lock();
        state.lists.put(entry);
        self.save(&state.lists)
    }

    fn save(&self, lists: &AccessLists) -> io::Result<()> {
        match &self.file {
            Some(file) => access_file::save(file, &lists.entries(unix_seconds())),
            None => Ok(()),
        }
    }
}

impl Ticket {
    pub fn source(&self) -> Source {
        self.source
    }

    /// An accepted share came over this connection.
    pub fn reward(&self) {
        self.gate.state.lock().connection_limits.reward(self.source, Instant::now());
    }

    /// Whether misbehaviour counts now.
    pub fn is_accountable(&self) -> bool {
        !self.exempt && !self.gate.in_grace(Instant::now())
    }

    /// How long this worker may not log in from here.
    pub fn worker_banned(&self, worker: &Worker) -> Option<Duration> {
        self.gate.state.lock().strikes.worker_banned(self.source, worker, Instant::now())
    }

    /// The connection had to be dropped for its behaviour.
    pub fn strike(&self, worker: Option<&Worker>) {
        if !self.is_accountable() {
            return;
        }
        let (source, now) = (self.source, Instant::now());
        let mut state = self.gate.state.lock();
        let merit = match source.is_unnamed() {
            // A ban would shut out the proxy's health checks, and so all its miners.
            true => 1,
            false => state.connection_limits.merit(source, now),
        };
        let outcome = state.strikes.strike(source, worker, merit, now);
        if outcome == Outcome::SourceBanned {
            state.lists.penalise(source, unix_seconds(), BAN);
        }
        drop(state);
        match (outcome, worker) {
            (Outcome::SourceBanned, _) => {
                self.gate.made.addresses.fetch_add(1, Relaxed);
                info!(%source, seconds = BAN.as_secs(), "banned an address: all its connections misbehaved");
            }
            (Outcome::WorkerBanned, Some(worker)) => {
                self.gate.made.workers.fetch_add(1, Relaxed);
                let (account, worker) = (&worker.account, &worker.name);
                info!(%source, account, worker, seconds = BAN.as_secs(), "banned a worker at this address");
            }
            _ => {}
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.gate.state.lock().connection_limits.leave(self.source);
    }
}

/// Whole minutes, rounded up; `None` stays unlimited.
fn minutes(left: Option<Duration>) -> Option<u64> {
    left.map(|left| left.as_secs().div_ceil(60))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stratum::guard::access::parse_network;

    const FAR: &str = "198.51.100.7";

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn enter_all(gate: &Arc<Gate>, from: &str, count: usize) -> Vec<Ticket> {
        (0..count).map_while(|_| gate.enter(ip(from)).ok()).collect()
    }

    fn victim() -> Worker {
        Worker { account: "victim".into(), name: "rig".into() }
    }

    #[test]
    fn places_are_given_back_and_grow_with_shares() {
        let gate = Gate::settled(2);
        let held = enter_all(&gate, FAR, 10);
        assert_eq!(held.len(), 2);
        assert_eq!(gate.enter(ip(FAR)).err(), Some(Reject::TooManyConnections(2)));
        held[0].reward();
        let third = gate.enter(ip(FAR));
        assert!(third.is_ok());
        drop((held, third));
        assert_eq!(enter_all(&gate, FAR, 10).len(), 3, "what was earned stays");
    }

    #[test]
    fn this_machine_and_the_allowed_are_neither_limited_nor_banned() {
        let gate = Gate::settled(2);
        gate.allow(parse_network("203.0.113.0/24").unwrap(), "a farm").unwrap();
        for from in ["127.0.0.1", "203.0.113.9"] {
            let held = enter_all(&gate, from, 100);
            assert_eq!(held.len(), 100, "{from}");
            held.iter().for_each(|ticket| ticket.strike(Some(&victim())));
            assert_eq!(held[0].worker_banned(&victim()), None);
            assert!(gate.enter(ip(from)).is_ok());
        }
        assert!(gate.bans().is_empty());
    }

    #[test]
    fn who_is_not_named_by_a_proxy_is_limited_and_penalised_but_does_not_ban_the_proxy() {
        let gate = Gate::settled(2);
        for proxy in ["127.0.0.1", "10.0.0.7"].map(ip) {
            let held: Vec<_> = (0..9).map_while(|_| gate.enter_behind(proxy, None).ok()).collect();
            assert_eq!(held.len(), 2);
            assert!(gate.enter(proxy).is_ok(), "the proxy's own machine counts separately");
            assert!(gate.enter_behind(proxy, Some(ip(FAR))).is_ok(), "as does the client it names");
            (0..20).for_each(|_| held[0].strike(Some(&victim())));
            assert!(held[0].is_accountable() && held[0].worker_banned(&victim()).is_some());
            drop(held);
            assert!(gate.enter_behind(proxy, None).is_ok());
        }
        gate.ban(parse_network("10.0.0.7").unwrap(), None, "").unwrap();
        assert_eq!(gate.enter_behind(ip("10.0.0.7"), None).err(), Some(Reject::Banned(None)));
    }

    #[test]
    fn after_our_own_start_nobody_is_penalised_and_places_abound() {
        let gate = Gate::new(64);
        let held = enter_all(&gate, FAR, 500);
        assert_eq!(held.len(), 500);
        held.iter().for_each(|ticket| ticket.strike(None));
        assert!(gate.enter(ip(FAR)).is_ok() && gate.bans().is_empty());
    }

    #[test]
    fn strikes_under_a_victims_name_do_not_reach_the_victim() {
        let gate = Gate::settled(100);
        let attacker = gate.enter(ip("203.0.113.66")).unwrap_or_else(|_| panic!("refused"));
        (0..3).for_each(|_| attacker.strike(Some(&victim())));
        assert!(attacker.worker_banned(&victim()).is_some());
        let owner = gate.enter(ip(FAR)).unwrap_or_else(|_| panic!("refused"));
        assert_eq!(owner.worker_banned(&victim()), None);
    }

    #[test]
    fn an_address_of_only_bad_connections_is_banned_for_a_while_and_can_be_pardoned() {
        let gate = Gate::settled(100);
        let bad = gate.enter(ip(FAR)).unwrap_or_else(|_| panic!("refused"));
        (0..10).for_each(|_| bad.strike(None));
        assert_eq!(gate.enter(ip(FAR)).err(), Some(Reject::Banned(Some(10))));
        assert_eq!(gate.bans()[0].by, "pool");
        assert_eq!(gate.ban_counts(), BanCounts { now: 1, addresses: 1, ..BanCounts::default() });
        assert!(gate.unban(&parse_network(FAR).unwrap()).unwrap());
        assert!(gate.enter(ip(FAR)).is_ok());
    }

    #[test]
    fn the_operators_lists_outlive_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("access.json");
        let gate = Gate::open(&file, 2).unwrap();
        gate.ban(parse_network("192.0.2.0/24").unwrap(), None, "a flood").unwrap();
        gate.allow(parse_network(FAR).unwrap(), "").unwrap();
        let again = Gate::open(&file, 2).unwrap();
        assert_eq!(again.enter(ip("192.0.2.5")).err(), Some(Reject::Banned(None)));
        assert_eq!(again.allowed().len(), 1);
        assert!(again.unban(&parse_network("192.0.2.0/24").unwrap()).unwrap());
        assert!(!again.unban(&parse_network("192.0.2.0/24").unwrap()).unwrap());
        assert!(again.disallow(&parse_network(FAR).unwrap()).unwrap());
        assert!(Gate::open(&file, 2).unwrap().bans().is_empty());
    }
}
