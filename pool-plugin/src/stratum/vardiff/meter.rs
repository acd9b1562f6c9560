//! How fast a miner is, by its shares.
//!
//! A miner of `r` attempts a second finds shares of target `T` as a Poisson process of `r/T` a second.
//! Measured in *effort*, seconds divided by the target, that is a process of `r`, whatever the targets were:
//! so shares of different targets count together, and none is lost when the target changes.

use std::time::Duration;

/// How many shares the estimate uses: its error is then 9 %.
const WINDOW: f64 = 128.0;
/// Lengths of runs of recent shares that decide whether the miner has changed: a short run shows a large
/// change soon, a long one shows a small change at all.
const RUNS: [usize; 4] = [4, 8, 16, 32];
/// The longest of them.
const RECENT: usize = 32;
/// With this many shares before the run there is something to compare it with.
const KNOWN: f64 = 16.0;
/// How far off a run must be, in standard deviations: with a steady miner this happens once in ten million
/// shares.
const SUDDEN: f64 = 5.2;
/// How improbable a silence must be for a steady miner before everything known of it is forgotten.
const SILENCE: f64 = 1e-7;

/// What is known of a miner.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Meter {
    /// Shares that count; at most [`WINDOW`], older ones count less.
    shares: f64,
    /// The effort they took, in seconds per unit of target.
    effort: f64,
    /// The effort since the last share.
    idle: f64,
    /// The effort of each of the last shares, in a ring.
    recent: [f64; RECENT],
    /// Shares since everything was forgotten.
    seen: usize,
}

impl Meter {
    /// A meter that has seen `shares` shares of a miner of `rate` attempts a second.
    pub fn expecting(rate: f64, shares: f64) -> Self {
        Self { shares, effort: shares / rate, ..Self::default() }
    }

    /// Time has passed with the miner at `target`.
    pub fn pass(&mut self, time: Duration, target: u64) {
        self.idle += time.as_secs_f64() / target.max(1) as f64;
    }

    /// A share came.
    pub fn share(&mut self) {
        let gap = std::mem::take(&mut self.idle);
        if self.shares > WINDOW - 1.0 {
            let keep = (WINDOW - 1.0) / self.shares;
            self.shares *= keep;
            self.effort *= keep;
        }
        self.shares += 1.0;
        self.effort += gap;
        self.recent[self.seen % RECENT] = gap;
        self.seen += 1;
        self.forget_after_a_sudden_change();
    }

    /// Shares behind the estimate.
    pub fn shares(&self) -> f64 {
        self.shares
    }

    /// Attempts a second. The silence since the last share counts. Without a share it is an upper bound.
    /// `None` if nothing is known at all.
    pub fn rate(&mut self) -> Option<f64> {
        self.forget_after_a_long_silence();
        let effort = self.effort + self.idle;
        // The median of the rate, given the observations: as often too high as too low.
        let shares = if self.shares > 0.0 { (self.shares - 1.0 / 3.0).max(2.0 / 3.0) } else { 1.0 };
        (effort > 0.0).then(|| shares / effort)
    }

    fn forget_after_a_sudden_change(&mut self) {
        for run in RUNS.into_iter().take_while(|run| *run <= self.seen) {
            let took: f64 = (self.seen - run..self.seen).map(|n| self.recent[n % RECENT]).sum();
            let (count, before, effort) = (run as f64, self.shares - run as f64, self.effort - took);
            if before < KNOWN || effort <= 0.0 {
                return;
            }
            if is_sudden(count, took * before / effort, before) {
                (self.shares, self.effort, self.seen) = (count, took, 0);
                return;
            }
        }
    }

    fn forget_after_a_long_silence(&mut self) {
        if self.shares < 1.0 || self.effort <= 0.0 {
            return;
        }
        // The probability of such a long silence, given the shares before it.
        let chance = (1.0 + self.idle / self.effort).powf(-self.shares);
        if chance < SILENCE {
            *self = Self { shares: 1.0, idle: self.idle, ..Self::default() };
        }
    }
}

/// Whether `count` shares that took as long as `expected` earlier ones are no coincidence. The cube root of a
/// waiting time is nearly normally distributed (Wilson and Hilferty); what is known of the time before is not
/// exact either.
fn is_sudden(count: f64, expected: f64, before: f64) -> bool {
    let deviation = (expected / count).cbrt() - (1.0 - 1.0 / (9.0 * count));
    deviation.abs() > SUDDEN / 3.0 * (1.0 / count + 1.0 / before).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn after_shares(count: u32, gap: Duration, target: u64) -> Meter {
        let mut meter = Meter::default();
        for _ in 0..count {
            meter.pass(gap, target);
            meter.share();
        }
        meter
    }

    fn close_to(rate: Option<f64>, wanted: f64) -> bool {
        rate.is_some_and(|rate| rate > 0.9 * wanted && rate < 1.1 * wanted)
    }

    #[test]
    fn nothing_is_known_before_any_time_has_passed() {
        assert_eq!(Meter::default().rate(), None);
    }

    #[test]
    fn shares_of_different_targets_count_together() {
        let mut meter = after_shares(20, SECOND, 100);
        for _ in 0..20 {
            meter.pass(3 * SECOND, 300);
            meter.share();
        }
        assert!(close_to(meter.rate(), 100.0), "{:?}", meter.rate());
    }

    #[test]
    fn a_silence_lowers_the_rate_before_any_share_too() {
        let mut meter = Meter::default();
        meter.pass(10 * SECOND, 1000);
        assert_eq!(meter.rate(), Some(100.0));
        meter.pass(30 * SECOND, 1000);
        assert_eq!(meter.rate(), Some(25.0));
    }

    #[test]
    fn a_much_faster_miner_is_known_by_eight_shares() {
        let mut meter = after_shares(200, 10 * SECOND, 1000);
        assert!(close_to(meter.rate(), 100.0));
        for _ in 0..8 {
            meter.pass(SECOND / 10, 1000);
            meter.share();
        }
        assert!(close_to(meter.rate(), 10_000.0), "{:?}", meter.rate());
    }

    #[test]
    fn a_slower_miner_is_known_by_a_few_shares_and_one_somewhat_faster_by_some_more() {
        let mut slower = after_shares(200, 10 * SECOND, 1000);
        let mut faster = slower.clone();
        for _ in 0..8 {
            slower.pass(100 * SECOND, 1000);
            slower.share();
        }
        assert!(slower.rate().unwrap() < 15.0, "{:?}", slower.rate());
        for _ in 0..32 {
            faster.pass(2 * SECOND, 1000);
            faster.share();
        }
        assert!(faster.rate().unwrap() > 350.0, "{:?}", faster.rate());
    }

    #[test]
    fn a_miner_that_fell_silent_is_forgotten_but_no_pause_of_luck_is() {
        let mut meter = after_shares(200, 10 * SECOND, 1000);
        meter.pass(120 * SECOND, 1000);
        assert!(close_to(meter.rate(), 92.0), "{:?}", meter.rate());
        meter.pass(120 * SECOND, 1000);
        assert!(meter.rate().unwrap() < 5.0, "{:?}", meter.rate());
    }

    #[test]
    fn no_share_is_worth_more_than_the_window() {
        let mut meter = after_shares(10_000, 10 * SECOND, 1000);
        assert!(meter.shares() <= WINDOW);
        assert!(close_to(meter.rate(), 100.0));
    }
}
