//! Connections per address. One limit for all would either shut out a farm behind one address or let one
//! address take every place; so it grows with the accepted shares of an address. A farm doubles its places
//! with every round of shares, a flood stays where it began. Pure.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use pool_core::source::Source;

/// After this time without an accepted share an address's merit has halved.
const HALF_LIFE: Duration = Duration::from_secs(3600);
/// The most merit that is remembered: each point is worth one connection.
const MOST_MERIT: usize = 1 << 20;
/// How many arrivals pass between two removals of forgotten addresses.
const SWEEP: u64 = 4096;

/// The connections of every address that has some, or has earned some.
#[derive(Debug, Default)]
pub struct ConnectionLimits {
    sources: HashMap<Source, SourceRecord>,
    arrivals: u64,
}

#[derive(Debug)]
struct SourceRecord {
    open: usize,
    /// Accepted shares, halved with time: places in addition to the base.
    merit: usize,
    /// When `merit` was computed.
    at: Instant,
}

/// The address has all the connections it is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany {
    pub limit: usize,
}

impl ConnectionLimits {
    /// Takes a place for a connection from `source`; every source has `base` places.
    pub fn enter(&mut self, source: Source, base: usize, now: Instant) -> Result<(), TooMany> {
        self.arrivals = self.arrivals.wrapping_add(1);
        if self.arrivals.is_multiple_of(SWEEP) {
            self.sources.retain(|_, record| record.open > 0 || record.aged(now) > 0);
        }
        let record = self.sources.entry(source).or_insert(SourceRecord { open: 0, merit: 0, at: now });
        record.age(now);
        let limit = base.saturating_add(record.merit);
        if record.open >= limit {
            return Err(TooMany { limit });
        }
        record.open += 1;
        Ok(())
    }

    /// Gives a place back.
    pub fn leave(&mut self, source: Source) {
        let Some(record) = self.sources.get_mut(&source) else { return };
        record.open = record.open.saturating_sub(1);
        if record.open == 0 && record.merit == 0 {
            self.sources.remove(&source);
        }
    }

    /// An accepted share: earns one more place.
    pub fn reward(&mut self, source: Source, now: Instant) {
        let record = self.sources.entry(source).or_insert(SourceRecord { open: 0, merit: 0, at: now });
        record.age(now);
        record.merit = (record.merit + 1).min(MOST_MERIT);
        record.at = now;
    }

    /// What an address has earned recently.
    pub fn merit(&self, source: Source, now: Instant) -> usize {
        self.sources.get(&source).map_or(0, |record| record.aged(now))
    }

    /// Connections of an address.
    pub fn open(&self, source: Source) -> usize {
        self.sources.get(&source).map_or(0, |record| record.open)
    }
}

impl SourceRecord {
    fn halvings(&self, now: Instant) -> u32 {
        let idle = now.saturating_duration_since(self.at);
        u32::try_from(idle.as_secs() / HALF_LIFE.as_secs()).unwrap_or(u32::MAX)
    }

    fn aged(&self, now: Instant) -> usize {
        self.merit.checked_shr(self.halvings(now)).unwrap_or(0)
    }

    fn age(&mut self, now: Instant) {
        let halvings = self.halvings(now);
        if halvings > 0 {
            self.merit = self.aged(now);
            self.at = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: usize = 10;

    fn source(last: u8) -> Source {
        Source::of([10, 0, 0, last].into())
    }

    fn enter_all(connection_limits: &mut ConnectionLimits, wanted: usize, now: Instant) -> usize {
        (0..wanted).filter(|_| connection_limits.enter(source(1), BASE, now).is_ok()).count()
    }

    #[test]
    fn an_address_has_its_first_places_and_no_more() {
        let (mut connection_limits, now) = (ConnectionLimits::default(), Instant::now());
        assert_eq!(enter_all(&mut connection_limits, 50, now), BASE);
        assert_eq!(connection_limits.enter(source(1), BASE, now), Err(TooMany { limit: BASE }));
        assert!(connection_limits.enter(source(2), BASE, now).is_ok(), "another address is not affected");
        connection_limits.leave(source(1));
        assert!(connection_limits.enter(source(1), BASE, now).is_ok());
    }

    #[test]
    fn a_farm_behind_one_address_gets_in_within_a_few_rounds_of_shares() {
        let (mut connection_limits, mut now) = (ConnectionLimits::default(), Instant::now());
        let farm = 500;
        let mut rounds = 0;
        while connection_limits.open(source(1)) < farm {
            let outside = farm - connection_limits.open(source(1));
            enter_all(&mut connection_limits, outside, now);
            for _ in 0..connection_limits.open(source(1)) {
                connection_limits.reward(source(1), now);
            }
            now += Duration::from_secs(10);
            rounds += 1;
        }
        assert!(rounds <= 7, "{rounds} rounds");
    }

    #[test]
    fn merit_fades() {
        let (mut connection_limits, now) = (ConnectionLimits::default(), Instant::now());
        for _ in 0..100 {
            connection_limits.reward(source(1), now);
        }
        assert_eq!(connection_limits.merit(source(1), now + HALF_LIFE / 2), 100);
        assert_eq!(connection_limits.merit(source(1), now + HALF_LIFE), 50);
        assert_eq!(connection_limits.merit(source(1), now + HALF_LIFE * 200), 0);
        assert_eq!(enter_all(&mut connection_limits, 200, now + HALF_LIFE * 2), BASE + 25);
    }

    #[test]
    fn addresses_without_connections_and_merit_are_forgotten() {
        let (mut connection_limits, now) = (ConnectionLimits::default(), Instant::now());
        for last in 0..=255 {
            connection_limits.enter(source(last), BASE, now).unwrap();
            connection_limits.leave(source(last));
        }
        assert!(connection_limits.sources.is_empty());
        connection_limits.reward(source(1), now);
        for _ in 0..SWEEP {
            let _ = connection_limits.enter(source(2), BASE, now + HALF_LIFE * 2);
        }
        assert!(!connection_limits.sources.contains_key(&source(1)));
    }
}
