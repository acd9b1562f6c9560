//! The target that follows from a miner's shares.

use std::time::Duration;

use super::{
    meter::Meter,
    steps::{Steps, octaves},
};

/// How far, in octaves, the target may be from the wanted one before it is changed: at first, and once the
/// estimate is good. A bit more than half a step, so that it does not oscillate.
const SLACK: [f64; 2] = [0.15, 0.3];
/// From this many shares on the estimate is good.
const GOOD: f64 = 32.0;
/// The weight of a remembered target, in shares: bad luck does not change it, evidence does.
const REMEMBERED: f64 = 8.0;
/// From this many shares on a target is worth remembering.
const WORTH_REMEMBERING: f64 = 4.0;

/// How targets are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The interval between a miner's shares.
    pub interval: Duration,
    /// The target of an unknown miner, in expected attempts.
    pub start: u64,
    /// The lowest target, unless the ceiling is lower.
    pub floor: u64,
    /// The port's own target, the same for every miner that asks for no other.
    pub fixed: Option<u64>,
}

impl Settings {
    /// The defaults: a share every 10 seconds.
    pub const fn starting_at(start: u64) -> Self {
        Self { interval: Duration::from_secs(10), start, floor: 1, fixed: None }
    }

    /// What a miner's target depends on unless it asks for something else.
    fn aim(&self) -> Aim {
        self.fixed.map_or(Aim::Shares, Aim::Fixed)
    }

    /// One target for all.
    pub const fn fixed_at(target: u64) -> Self {
        Self { fixed: Some(target), ..Self::starting_at(target) }
    }
}

/// The limits of every target at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The network's proof target: above it a miner would hold back solutions.
    pub ceiling: u64,
    /// Doublings of every target while verification is behind.
    pub brake: u32,
}

/// What a target depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// The miner's shares.
    Shares,
    /// A request: the port's, or the miner's own.
    Fixed(u64),
}

/// A session's target over time.
#[derive(Clone, Debug)]
pub struct Vardiff {
    settings: Settings,
    aim: Aim,
    steps: Steps,
    /// The lowest target: shares were selected at a lower one.
    least: u64,
    meter: Meter,
    target: u64,
    /// Until when the meter has followed the miner; `None` while the miner has no work.
    followed: Option<Duration>,
}

impl Vardiff {
    /// For a miner that is new, or had `remembered` as its last good target.
    pub fn new(settings: Settings, remembered: Option<u64>) -> Self {
        let mut vardiff = Self {
            settings,
            aim: settings.aim(),
            steps: Steps::default(),
            least: 1,
            meter: Meter::default(),
            target: settings.start,
            followed: None,
        };
        if let Some(target) = remembered {
            vardiff.recall(target);
        }
        vardiff
    }

    /// The miner turns out to be one that had `target` as its last good one.
    pub fn recall(&mut self, target: u64) {
        let rate = target.max(1) as f64 / self.settings.interval.as_secs_f64();
        self.meter = Meter::expecting(rate, REMEMBERED);
        self.target = target.max(1);
    }

    /// Changes what the target depends on; the next [`Self::look`] applies it.
    pub fn aim_at(&mut self, aim: Aim) {
        self.aim = aim;
    }

    /// Changes how targets are chosen; the next [`Self::look`] applies it. What the miner itself asked for
    /// stays.
    pub fn keep_settings(&mut self, settings: Settings) {
        if settings == self.settings {
            return;
        }
        if self.aim == self.settings.aim() {
            self.aim = settings.aim();
        }
        self.settings = settings;
    }

    /// The miner accepts only targets of this kind from now on.
    pub fn keep_to(&mut self, steps: Steps) {
        self.steps = steps;
    }

    /// No target may be below `least` from now on, unless the ceiling is.
    pub fn hold_at(&mut self, least: Option<u64>) {
        self.least = least.unwrap_or(1);
    }

    /// What the target depends on.
    pub fn aim(&self) -> Aim {
        self.aim
    }

    /// The current target.
    pub fn target(&self) -> u64 {
        self.target
    }

    /// The target to remember for the miner, once its shares are enough for one.
    pub fn good_target(&mut self) -> Option<u64> {
        let known = self.aim == Aim::Shares && self.meter.shares() >= WORTH_REMEMBERING;
        known.then(|| self.nearest_wanted().max(self.settings.floor))
    }

    /// The miner has got a job: returns its target, the best that is known.
    pub fn begin(&mut self, now: Duration, bounds: Bounds) -> u64 {
        self.follow(now);
        self.followed = Some(now);
        let wanted = self.nearest_wanted();
        self.target = self.bounded(wanted, bounds);
        self.target
    }

    /// The miner has no work for now, through no fault of its own.
    pub fn pause(&mut self, now: Duration) {
        self.follow(now);
        self.followed = None;
    }

    /// A share of the current target came. `Some`: the target from now on.
    pub fn share(&mut self, now: Duration, bounds: Bounds) -> Option<u64> {
        self.follow(now);
        self.meter.share();
        self.look(now, bounds)
    }

    /// To be called from time to time, or a miner whose target is too high would wait forever. `Some`: the
    /// target from now on.
    pub fn look(&mut self, now: Duration, bounds: Bounds) -> Option<u64> {
        self.follow(now);
        self.followed?;
        let wanted = self.nearest_wanted();
        let target = self.bounded(wanted, bounds);
        let change = (octaves(target as f64) - octaves(self.target as f64)).abs();
        let slack = match self.aim {
            Aim::Fixed(_) => 0.0,
            Aim::Shares => self.slack(),
        };
        if target == self.target || (change < slack && self.is_within(bounds)) {
            return None;
        }
        self.target = target;
        Some(target)
    }

    /// The ceiling may have fallen. `Some`: the target from now on.
    pub fn cap(&mut self, now: Duration, bounds: Bounds) -> Option<u64> {
        if self.is_within(bounds) {
            return None;
        }
        self.follow(now);
        self.target = self.bounded(self.target, bounds);
        Some(self.target)
    }

    fn follow(&mut self, now: Duration) {
        if let Some(before) = self.followed {
            self.meter.pass(now.saturating_sub(before), self.target);
            self.followed = Some(before.max(now));
        }
    }

    fn nearest_wanted(&mut self) -> u64 {
        if let Aim::Fixed(target) = self.aim {
            return self.steps.at_most(target);
        }
        let known = self.meter.rate().map(|rate| rate * self.settings.interval.as_secs_f64());
        let wanted = match known {
            // Silence alone can show that a miner is slow, never that it is fast.
            Some(wanted) if self.meter.shares() < 1.0 => wanted.min(self.target as f64),
            Some(wanted) => wanted,
            None => return self.steps.at_most(self.target),
        };
        self.steps.nearest(wanted)
    }

    fn bounded(&self, wanted: u64, bounds: Bounds) -> u64 {
        let floor = self.settings.floor.max(self.least);
        // The brake raises the lowest target to a multiple of the normal choice.
        let braked = wanted.max(floor).saturating_mul(1u64.checked_shl(bounds.brake).unwrap_or(u64::MAX));
        self.steps.at_most(braked.min(bounds.ceiling).max(1))
    }

    fn is_within(&self, bounds: Bounds) -> bool {
        self.target <= bounds.ceiling.max(1)
    }

    fn slack(&self) -> f64 {
        let [first, good] = SLACK;
        let slack = if self.meter.shares() < GOOD { first } else { good };
        slack.max(0.6 * self.steps.width())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { ceiling: u64::MAX, brake: 0 };

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn other_settings_change_the_ports_target_and_no_wish_of_the_miners() {
        let mut of_port = Vardiff::new(Settings::fixed_at(10), None);
        let mut wished = of_port.clone();
        wished.aim_at(Aim::Fixed(99));
        assert_eq!([of_port.begin(at(0), BOUNDS), wished.begin(at(0), BOUNDS)], [10, 99]);
        for vardiff in [&mut of_port, &mut wished] {
            vardiff.keep_settings(Settings::fixed_at(7));
        }
        assert_eq!(of_port.look(at(1), BOUNDS), Some(7));
        assert_eq!(wished.look(at(1), BOUNDS), None);
        of_port.keep_settings(Settings { floor: 1_000, ..Settings::starting_at(1) });
        assert_eq!(of_port.aim(), Aim::Shares);
        assert!(of_port.look(at(2), BOUNDS).is_some_and(|target| target >= 1_000), "the floor counts");
    }
}
