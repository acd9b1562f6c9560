//! Hash rates, from the assigned targets of accepted shares. Pure.
//!
//! A share of target `T` stands for `T` attempts, so the rate is the sum of the targets divided by the
//! seconds, in attempts a second. Sums are kept in rings of bins: a miner needs the same memory however many
//! shares it sends.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Rates over four spans, in attempts a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Rates {
    pub minute: f64,
    pub ten_minutes: f64,
    pub hour: f64,
    pub day: f64,
}

impl AddAssign for Rates {
    fn add_assign(&mut self, other: Self) {
        self.minute += other.minute;
        self.ten_minutes += other.ten_minutes;
        self.hour += other.hour;
        self.day += other.day;
    }
}

/// Rates of consecutive past spans, oldest first, without the running one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Past {
    /// Unix seconds at which the first span begins.
    pub from: u64,
    /// Seconds of each span.
    pub step: u64,
    /// Attempts a second.
    pub rates: Vec<f64>,
}

/// The shares of the last day of a worker or the pool, in under half a kibibyte. Times are Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashRate {
    /// The first share; a miner that came an hour ago is not averaged over a day.
    since: u64,
    minute: Ring<10, 7>,
    ten_minutes: Ring<60, 11>,
    hour: Ring<300, 13>,
    day: Ring<3600, 25>,
}

/// Sums over `SECONDS` each; the span is `BINS - 1` of them and the elapsed part of the newest.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Ring<const SECONDS: u64, const BINS: usize> {
    /// The number of the newest bin, counted from 1970 on.
    newest: u64,
    sums: [u64; BINS],
}

/// The shortest span for a rate: the first share says nothing about time.
const SHORTEST: u64 = 60;

impl HashRate {
    /// Before the first share, which comes at `now`.
    pub fn new(now: u64) -> Self {
        Self {
            since: now,
            minute: Ring::new(now),
            ten_minutes: Ring::new(now),
            hour: Ring::new(now),
            day: Ring::new(now),
        }
    }

    /// Counts a share. Shares may come in any order; shares older than a span are not counted in it.
    pub fn add(&mut self, time: u64, target: u64) {
        self.since = self.since.min(time);
        self.minute.add(time, target);
        self.ten_minutes.add(time, target);
        self.hour.add(time, target);
        self.day.add(time, target);
    }

    /// The rates at `now`.
    pub fn at(&self, now: u64) -> Rates {
        Rates {
            minute: self.minute.rate(now, self.since),
            ten_minutes: self.ten_minutes.rate(now, self.since),
            hour: self.hour.rate(now, self.since),
            day: self.day.rate(now, self.since),
        }
    }
}

impl HashRate {
    /// The last hour in spans of five minutes.
    pub fn past_hour(&self, now: u64) -> Past {
        self.hour.past(now)
    }

    /// The last day in hours.
    pub fn past_day(&self, now: u64) -> Past {
        self.day.past(now)
    }
}

impl AddAssign<&Self> for Past {
    /// Adds the rates of the same spans; an empty one takes the other's.
    fn add_assign(&mut self, other: &Self) {
        if self.rates.is_empty() {
            self.clone_from(other);
        } else if (self.from, self.step) == (other.from, other.step) {
            self.rates.iter_mut().zip(&other.rates).for_each(|(sum, rate)| *sum += rate);
        }
    }
}

impl<const SECONDS: u64, const BINS: usize> Ring<SECONDS, BINS> {
    fn new(now: u64) -> Self {
        Self { newest: now / SECONDS, sums: [0; BINS] }
    }

    fn add(&mut self, time: u64, target: u64) {
        let bin = time / SECONDS;
        // All bins in between are empty, and a jump past the whole ring empties it once.
        for passed in (self.newest + 1..=bin).rev().take(BINS) {
            self.sums[index::<BINS>(passed)] = 0;
        }
        self.newest = self.newest.max(bin);
        if bin + BINS as u64 > self.newest {
            let sum = &mut self.sums[index::<BINS>(bin)];
            *sum = sum.saturating_add(target);
        }
    }

    fn rate(&self, now: u64, since: u64) -> f64 {
        // A clock that was set back counts as standing still.
        let now = now.max(self.newest * SECONDS);
        let oldest = (now / SECONDS).saturating_sub(BINS as u64 - 1);
        let kept = self.newest.saturating_sub(BINS as u64 - 1);
        let bins = oldest.max(kept)..=self.newest;
        let credit: u128 = bins.map(|bin| u128::from(self.sums[index::<BINS>(bin)])).sum();
        let span = now - (oldest * SECONDS).max(since.min(now));
        credit as f64 / span.max(SHORTEST) as f64
    }

    fn past(&self, now: u64) -> Past {
        let running = now / SECONDS;
        let oldest = running.saturating_sub(BINS as u64 - 1);
        let kept = self.newest.saturating_sub(BINS as u64 - 1);
        let sum = |bin| match (kept..=self.newest).contains(&bin) {
            true => self.sums[index::<BINS>(bin)],
            false => 0,
        };
        let rates = (oldest..running).map(|bin| sum(bin) as f64 / SECONDS as f64).collect();
        Past { from: oldest * SECONDS, step: SECONDS, rates }
    }
}

/// A rate for people: three digits and a decimal suffix.
pub fn text(rate: f64) -> String {
    let (mut scaled, mut suffixes) = (rate, ["", "k ", "M ", "G ", "T ", "P ", "E "].iter());
    while scaled >= 999.5 && suffixes.len() > 1 {
        scaled /= 1000.0;
        suffixes.next();
    }
    let digits = match scaled {
        scaled if scaled >= 99.95 => 0,
        scaled if scaled >= 9.995 => 1,
        _ => 2,
    };
    format!("{scaled:.digits$} {}attempts/s", suffixes.next().unwrap_or(&""))
}

fn index<const BINS: usize>(bin: u64) -> usize {
    (bin % BINS as u64) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: u64 = 1_700_000_000;

    fn is_near(rate: f64, wanted: f64) -> bool {
        (rate - wanted).abs() <= wanted * 1e-9
    }

    #[test]
    fn a_steady_miner_has_its_rate_in_every_span() {
        let mut rate = HashRate::new(START);
        for second in 0..100_000 {
            rate.add(START + second, 500);
        }
        let rates = rate.at(START + 100_000);
        for span in [rates.minute, rates.ten_minutes, rates.hour, rates.day] {
            assert!(is_near(span, 500.0), "{rates:?}");
        }
    }

    #[test]
    fn a_new_miner_is_measured_since_it_came_but_over_a_minute_at_least() {
        let mut rate = HashRate::new(START);
        rate.add(START, 6000);
        assert!(is_near(rate.at(START + 1).day, 100.0));
        rate.add(START + 600, 6000);
        assert!(is_near(rate.at(START + 600).day, 20.0));
    }

    #[test]
    fn shares_leave_each_span_in_time() {
        let mut rate = HashRate::new(START - 200_000);
        rate.add(START, 3600);
        let after = |seconds| rate.at(START + seconds);
        assert!(after(59).minute > 0.0 && after(70).minute == 0.0);
        assert!(after(599).ten_minutes > 0.0 && after(660).ten_minutes == 0.0);
        assert!(after(3599).hour > 0.0 && after(3900).hour == 0.0);
        assert!(after(86_399).day > 0.0 && after(90_000).day == 0.0);
    }

    #[test]
    fn a_clock_that_leaps_harms_nothing() {
        let mut rate = HashRate::new(START);
        rate.add(START, 100);
        rate.add(u64::MAX / 2, 100);
        rate.add(START + 1, 100);
        let minute = rate.at(u64::MAX / 2).minute;
        assert!((100.0 / 70.0..=100.0 / 60.0).contains(&minute), "{minute}");
        assert!(rate.at(0).minute.is_finite());
    }

    #[test]
    fn targets_at_the_end_of_the_scale_are_no_trouble() {
        let mut rate = HashRate::new(START);
        rate.add(START, u64::MAX);
        rate.add(START, u64::MAX);
        assert!(rate.at(START).day.is_finite());
    }

    #[test]
    fn the_past_is_told_in_whole_spans_oldest_first() {
        let now = START - START % 3600 + 3600 + 7;
        let mut rate = HashRate::new(START);
        rate.add(now - 7, 300);
        rate.add(now - 8, 600);
        rate.add(now - 7 - 3600, 900);
        rate.add(now - 7 - 3601, 1_200);
        let Past { from, step, rates } = rate.past_hour(now);
        assert_eq!((from, step, rates.len()), (now - 7 - 3600, 300, 12));
        assert_eq!((rates[0], rates[11], rates.iter().sum::<f64>()), (3.0, 2.0, 5.0));
        let day = rate.past_day(now);
        assert_eq!((day.step, day.rates.len()), (3600, 24));
        assert!(is_near(day.rates.iter().sum::<f64>() * 3600.0, 2_700.0));
        assert!(rate.past_hour(now + 7_200).rates.iter().all(|rate| *rate == 0.0));
        assert!(rate.past_hour(0).rates.is_empty());
    }

    #[test]
    fn pasts_of_the_same_spans_add_up() {
        let past = |rates: &[f64]| Past { from: 300, step: 300, rates: rates.to_vec() };
        let mut sum = Past::default();
        sum += &past(&[1.0, 2.0]);
        sum += &past(&[3.0, 4.0]);
        sum += &Past { from: 600, ..past(&[9.0, 9.0]) };
        assert_eq!(sum, past(&[4.0, 6.0]));
    }

    #[test]
    fn a_rate_is_written_in_three_digits() {
        for (rate, written) in [
            (0.0, "0.00 attempts/s"),
            (0.014, "0.01 attempts/s"),
            (9.996, "10.0 attempts/s"),
            (123.4, "123 attempts/s"),
            (999.6, "1.00 k attempts/s"),
            (37_400_000.0, "37.4 M attempts/s"),
            (1e30, "1000000000000 E attempts/s"),
        ] {
            assert_eq!(text(rate), written);
        }
    }

    #[test]
    fn a_miner_takes_less_than_half_a_kibibyte() {
        assert!(size_of::<HashRate>() < 512);
    }

    proptest! {
        #[test]
        fn the_order_of_shares_does_not_matter(mut shares in prop::collection::vec((0u64..100_000, 1u64..1_000_000), 1..80)) {
            let total = |shares: &[(u64, u64)]| {
                let mut rate = HashRate::new(START);
                for (second, target) in shares {
                    rate.add(START + second, *target);
                }
                rate.at(START + 100_000)
            };
            let before = total(&shares);
            shares.reverse();
            prop_assert_eq!(before, total(&shares));
        }
    }
}
