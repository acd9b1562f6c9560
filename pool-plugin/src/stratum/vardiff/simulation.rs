//! The closed loop: simulated miners that find shares by chance and follow their targets.

use std::time::Duration;

use super::{Aim, Bounds, Settings, Vardiff, selection::Selection};

const FAR: Bounds = Bounds { ceiling: u64::MAX, brake: 0 };
/// How often a session updates its target.
const LOOK: f64 = 5.0;
/// The target of an unknown miner.
const START: u64 = 100_000;
/// Attempts a second, from a slow core to a warehouse.
const RATES: [f64; 12] = [0.01, 0.1, 1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

/// Randomness that is the same on every machine and in every version of every library (SplitMix64).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// In (0, 1].
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) as f64 + 1.0) / 2f64.powi(64)
    }

    /// Seconds until the next share of a miner.
    fn gap(&mut self, rate: f64, target: u64) -> f64 {
        -self.unit().ln() * target as f64 / rate
    }

    /// Samples the target of a counter that met `target`: `x` or more with probability `target / x`.
    pub(super) fn reached(&mut self, target: u64) -> u64 {
        (target as f64 / self.unit()) as u64
    }
}

fn seconds(time: f64) -> Duration {
    Duration::from_secs_f64(time)
}

/// A miner of constant rate with its session.
struct Loop {
    random: Random,
    rate: f64,
    vardiff: Vardiff,
    now: f64,
    next_look: f64,
    shares: u64,
    credit: f64,
}

impl Loop {
    fn new(rate: f64, seed: u64) -> Self {
        Self::with(rate, seed, Vardiff::new(Settings::starting_at(START), None))
    }

    fn with(rate: f64, seed: u64, mut vardiff: Vardiff) -> Self {
        vardiff.begin(Duration::ZERO, FAR);
        Self { random: Random::new(seed), rate, vardiff, now: 0.0, next_look: LOOK, shares: 0, credit: 0.0 }
    }

    /// The next event; returns whether it was a share. Chance has no memory: after a check the wait for a
    /// share starts over.
    fn step(&mut self) -> bool {
        let at = self.now + self.random.gap(self.rate, self.vardiff.target());
        if at > self.next_look {
            self.now = self.next_look;
            self.next_look += LOOK;
            self.vardiff.look(seconds(self.now), FAR);
            return false;
        }
        self.now = at;
        self.shares += 1;
        self.credit += self.vardiff.target() as f64;
        self.vardiff.share(seconds(at), FAR);
        true
    }

    fn run_for(&mut self, shares: u64) {
        let until = self.shares + shares;
        while self.shares < until {
            self.step();
        }
    }

    fn run_until(&mut self, time: f64) {
        while self.now < time {
            self.step();
        }
    }

    /// The target, relative to the ideal one. Targets below 1 do not exist.
    fn off(&self) -> f64 {
        self.vardiff.target() as f64 / (10.0 * self.rate).max(1.0)
    }

    fn is_right(&self) -> bool {
        (0.5..=2.0).contains(&self.off())
    }
}

#[test]
fn every_rate_converges_within_ten_shares() {
    for rate in RATES {
        let (mut reached, mut right_after_ten) = (0, 0);
        for seed in 0..200 {
            let mut miner = Loop::new(rate, seed);
            let mut was_right = false;
            while miner.shares < 10 {
                miner.step();
                was_right |= miner.is_right();
            }
            reached += u32::from(was_right);
            right_after_ten += u32::from(miner.is_right());
        }
        assert!(reached >= 198, "{rate}/s came near its target in {reached} of 200 runs");
        // Ten shares measure a rate to a third, by any method: some of the 200 are still off by chance.
        assert!(
            right_after_ten >= 180,
            "{rate}/s was right after ten shares in {right_after_ten} of 200 runs"
        );
    }
}

#[test]
fn every_rate_stays_within_a_factor_of_two() {
    for rate in RATES {
        let mut worst: (f64, f64) = (1.0, 1.0);
        for seed in 0..4 {
            let mut miner = Loop::new(rate, seed);
            miner.run_for(100);
            for _ in 0..10_000 {
                miner.step();
                worst = (worst.0.min(miner.off()), worst.1.max(miner.off()));
            }
        }
        assert!(worst.0 >= 0.5 && worst.1 <= 2.0, "{rate}/s went from {} to {}", worst.0, worst.1);
    }
}

#[test]
fn the_first_minute_is_enough() {
    // A minute of silence has already brought down a target that was a hundred times too high.
    for rate in RATES.into_iter().filter(|rate| *rate >= 100.0) {
        let near = (0..200).filter(|seed| {
            let mut miner = Loop::new(rate, *seed);
            miner.run_until(60.0);
            (0.25..=4.0).contains(&miner.off())
        });
        let count = near.count();
        assert!(count >= 190, "{rate}/s was near its target after a minute in {count} of 200 runs");
    }
}

#[test]
fn no_miner_is_stuck_above_its_means() {
    for rate in [0.01, 1.0, 1e3] {
        for seed in 0..20 {
            let above = Vardiff::new(Settings::starting_at(START), Some(1 << 60));
            let mut miner = Loop::with(rate, seed, above);
            miner.run_for(1);
            // From 2^60, forty steps of one in 10 s; and the slowest finds a share in 100 s at any target.
            assert!(miner.now < 1500.0, "{rate}/s waited {} s", miner.now);
        }
    }
}

#[test]
fn a_miner_that_changes_is_followed() {
    for factor in [0.01, 0.1, 10.0, 1000.0] {
        for seed in 0..20 {
            let mut miner = Loop::new(1e6, seed);
            miner.run_for(200);
            miner.rate *= factor;
            miner.run_for(64);
            assert!(miner.is_right(), "by {factor}: {}", miner.off());
        }
    }
}

#[test]
fn credit_is_work_whatever_the_rate() {
    for rate in [1.0, 1e3, 1e6, 1e9] {
        let (mut credit, mut work) = (0.0, 0.0);
        // Long enough that one lucky share of the first target does not show.
        for seed in 0..50 {
            let mut miner = Loop::new(rate, seed);
            miner.run_until(86_400.0);
            credit += miner.credit;
            work += rate * miner.now;
        }
        let bias = credit / work - 1.0;
        assert!(bias.abs() < 0.01, "{rate}/s earns {bias:+.4}");
    }
}

#[test]
fn reconnecting_for_a_low_start_earns_nothing() {
    // A minute per connection, each starting with the last good target, or as an unknown miner.
    for known in [true, false] {
        let (mut credit, mut work, mut seed) = (0.0, 0.0, 0);
        for _ in 0..50 {
            let mut remembered = None;
            for _ in 0..60 {
                seed += 1;
                let vardiff = Vardiff::new(Settings::starting_at(START), remembered.filter(|_| known));
                let mut miner = Loop::with(1e6, seed, vardiff);
                miner.run_until(60.0);
                remembered = miner.vardiff.good_target().or(remembered);
                credit += miner.credit;
                work += 1e6 * miner.now;
            }
        }
        let bias = credit / work - 1.0;
        assert!(bias.abs() < 0.01, "known: {known}, earns {bias:+.4}");
    }
}

#[test]
fn a_remembered_target_is_where_a_connection_begins() {
    let vardiff = Vardiff::new(Settings::starting_at(START), Some(10_000_000));
    let miner = Loop::with(1e6, 1, vardiff);
    assert!(miner.is_right());
}

#[test]
fn hopping_between_targets_earns_nothing() {
    // Asks for another target every minute and sends all its shares.
    let (mut credit, mut work) = (0.0, 0.0);
    for seed in 0..20 {
        let mut miner = Loop::new(1e6, seed);
        for minute in 1..=120u32 {
            let wish = if minute.is_multiple_of(2) { 1_000_000 } else { 64_000_000 };
            miner.vardiff.aim_at(Aim::Fixed(wish));
            miner.vardiff.look(seconds(miner.now), FAR);
            miner.run_until(60.0 * f64::from(minute));
        }
        credit += miner.credit;
        work += miner.rate * miner.now;
    }
    let bias = credit / work - 1.0;
    assert!(bias.abs() < 0.01, "earns {bias:+.4}");
}

/// Keeps what reaches the high target until it gets that target, and sends the rest at the low one: worth up
/// to twice the work, until the account is held to the high target.
#[test]
fn hopping_with_held_back_shares_earns_nothing_in_the_long_run() {
    for ratio in [2u64, 8, 64] {
        let (rate, low) = (1e6, 1_000_000);
        let high = low * ratio;
        let (mut random, mut selection) = (Random::new(ratio), Selection::default());
        let (mut now, mut credit, mut least) = (0.0, 0.0, 1);
        let month = 30.0 * 86_400.0;
        while now < month {
            now += random.gap(rate, low);
            let reached = random.reached(low);
            let target = if reached >= high || least > low { high } else { low };
            if reached < target {
                continue;
            }
            credit += target as f64;
            // Only the account as a whole is tested: the high ones count as well.
            if selection.note(target, reached) {
                least = high;
            }
        }
        let bias = credit / (rate * now) - 1.0;
        assert!(bias < 0.01, "with {ratio} times the target: {bias:+.4}");
    }
}

#[test]
fn the_ceiling_is_never_passed() {
    for rate in [1e3, 1e6, 1e9] {
        let mut random = Random::new(3);
        let mut vardiff = Vardiff::new(Settings::starting_at(START), None);
        let mut ceiling = 500_000;
        vardiff.begin(Duration::ZERO, Bounds { ceiling, brake: 0 });
        let mut now = 0.0;
        for _ in 0..5_000 {
            now += random.gap(rate, vardiff.target()).min(LOOK);
            ceiling = (ceiling as f64 * (0.9 + 0.2 * random.unit())).max(1.0) as u64;
            let bounds = Bounds { ceiling, brake: (random.unit() * 30.0) as u32 };
            vardiff.cap(seconds(now), bounds);
            assert!(vardiff.target() <= ceiling);
            vardiff.share(seconds(now), bounds);
            assert!((1..=ceiling).contains(&vardiff.target()));
            vardiff.look(seconds(now), bounds);
            assert!((1..=ceiling).contains(&vardiff.target()));
        }
    }
}
