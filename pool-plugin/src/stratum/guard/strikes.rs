//! Connections dropped for their behaviour, by worker and by address. A worker is a login at one address: a
//! client elsewhere that uses the same name does not count against it. An address that also sends good shares
//! is never banned for its bad ones: there is more than one machine behind it. Pure.

use std::{
    collections::HashMap,
    hash::Hash,
    time::{Duration, Instant},
};

use pool_core::{source::Source, types::Worker};

/// Strikes within this time count together.
const WINDOW: Duration = Duration::from_secs(600);
/// How many strikes ban a worker, and how many an address.
const OF_WORKER: u32 = 3;
const OF_SOURCE: u32 = 10;
/// How long a ban lasts: long enough to stop a loop, short enough for an owner who has fixed the machine.
pub const BAN: Duration = Duration::from_secs(600);
/// The most workers and the most addresses that are remembered.
const CAPACITY: usize = 1 << 16;

/// The result of a strike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No ban.
    Nothing,
    /// This worker may not log in from this address for [`BAN`].
    WorkerBanned,
    /// Nobody may connect from this address for [`BAN`].
    SourceBanned,
}

#[derive(Debug, Default)]
pub struct Strikes {
    workers: HashMap<(Source, Worker), StrikeRecord>,
    sources: HashMap<Source, StrikeRecord>,
}

#[derive(Debug)]
struct StrikeRecord {
    count: u32,
    since: Instant,
}

impl Strikes {
    /// Notes a dropped connection. `merit`: what its address has earned recently.
    pub fn strike(&mut self, source: Source, worker: Option<&Worker>, merit: usize, now: Instant) -> Outcome {
        if merit == 0 && count(&mut self.sources, source, now) >= OF_SOURCE {
            self.sources.remove(&source);
            return Outcome::SourceBanned;
        }
        let Some(worker) = worker else { return Outcome::Nothing };
        match count(&mut self.workers, (source, worker.clone()), now) >= OF_WORKER {
            true => Outcome::WorkerBanned,
            false => Outcome::Nothing,
        }
    }

    /// How long a worker may not log in from an address.
    pub fn worker_banned(&self, source: Source, worker: &Worker, now: Instant) -> Option<Duration> {
        let record = self.workers.get(&(source, worker.clone()))?;
        let end = record.since + BAN;
        (record.count >= OF_WORKER && end > now).then(|| end.saturating_duration_since(now))
    }

    /// Forgets all that an address and its workers did.
    pub fn forgive(&mut self, is_concerned: impl Fn(Source) -> bool) {
        self.sources.retain(|source, _| !is_concerned(*source));
        self.workers.retain(|(source, _), _| !is_concerned(*source));
    }
}

/// Counts one strike; returns how many there are now. A ban runs from the last one.
fn count<K: Eq + Hash>(records: &mut HashMap<K, StrikeRecord>, key: K, now: Instant) -> u32 {
    let is_over = |record: &StrikeRecord| now.saturating_duration_since(record.since) > WINDOW;
    if records.len() >= CAPACITY && !records.contains_key(&key) {
        records.retain(|_, record| !is_over(record));
        if records.len() >= CAPACITY {
            // To fill this up takes many addresses, and each still has its own limits.
            return 1;
        }
    }
    let record = records.entry(key).or_insert(StrikeRecord { count: 0, since: now });
    if is_over(record) {
        record.count = 0;
    }
    record.count = record.count.saturating_add(1);
    record.since = now;
    record.count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(last: u8) -> Source {
        Source::of([10, 0, 0, last].into())
    }

    fn worker(name: &str) -> Worker {
        Worker { account: "victim".into(), name: name.into() }
    }

    #[test]
    fn three_dropped_connections_ban_the_worker_at_that_address_only() {
        let (mut strikes, now) = (Strikes::default(), Instant::now());
        let rig = worker("rig");
        let outcomes: Vec<_> = (0..3).map(|_| strikes.strike(source(1), Some(&rig), 5, now)).collect();
        assert_eq!(outcomes, [Outcome::Nothing, Outcome::Nothing, Outcome::WorkerBanned]);
        assert_eq!(strikes.worker_banned(source(1), &rig, now), Some(BAN));
        assert_eq!(strikes.worker_banned(source(2), &rig, now), None, "the victim itself, elsewhere");
        assert_eq!(strikes.worker_banned(source(1), &worker("other"), now), None);
        assert_eq!(strikes.worker_banned(source(1), &rig, now + BAN), None);
    }

    #[test]
    fn ten_ban_an_address_that_brings_nothing_good() {
        let (mut strikes, now) = (Strikes::default(), Instant::now());
        for number in 0..9 {
            let name = worker(&number.to_string());
            assert_eq!(strikes.strike(source(1), Some(&name), 0, now), Outcome::Nothing);
        }
        assert_eq!(strikes.strike(source(1), None, 0, now), Outcome::SourceBanned);
    }

    #[test]
    fn a_farm_is_never_banned_for_a_broken_machine() {
        let (mut strikes, now) = (Strikes::default(), Instant::now());
        for _ in 0..1000 {
            assert_ne!(strikes.strike(source(1), Some(&worker("broken")), 1, now), Outcome::SourceBanned);
        }
    }

    #[test]
    fn old_strikes_are_forgotten() {
        let (mut strikes, mut now) = (Strikes::default(), Instant::now());
        for _ in 0..100 {
            assert_eq!(strikes.strike(source(1), Some(&worker("rig")), 0, now), Outcome::Nothing);
            now += WINDOW + Duration::from_secs(1);
        }
    }

    #[test]
    fn the_memory_is_bounded() {
        let (mut strikes, now) = (Strikes::default(), Instant::now());
        for number in 0..=CAPACITY as u32 {
            let ip = std::net::Ipv4Addr::from(number);
            strikes.strike(Source::of(ip.into()), None, 0, now);
        }
        assert_eq!(strikes.sources.len(), CAPACITY);
        strikes.strike(source(1), None, 0, now + WINDOW * 2);
        assert!(strikes.sources.len() < CAPACITY);
    }
}
