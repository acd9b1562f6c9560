//! When miners should reconnect: each at a different time, so that they do not all come at once. Pure.

use std::{sync::OnceLock, time::Duration};

/// How many miners a second should reconnect, within bounds of the longest wait.
const RETURNS: u32 = 100;
const WAITS: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(60));

/// Computes how long miners should wait.
#[derive(Debug, Default)]
pub(super) struct ReconnectJitter {
    /// How many there were when the port began to stop: while they leave they become fewer, but all come
    /// back.
    leaving: OnceLock<usize>,
}

impl ReconnectJitter {
    /// How long one of `miners` should wait; `chance`, from 0 to 1, is random for each.
    pub(super) fn wait(&self, miners: usize, stopping: bool, chance: f64) -> Duration {
        let miners = if stopping { *self.leaving.get_or_init(|| miners) } else { miners };
        let miners = u32::try_from(miners).unwrap_or(u32::MAX);
        let longest = (Duration::from_secs(miners.into()) / RETURNS).clamp(WAITS.0, WAITS.1);
        longest.mul_f64(chance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_more_miners_the_longer_they_are_spread_within_bounds() {
        let reconnect_jitter = ReconnectJitter::default();
        for (miners, longest) in [(0, 5), (300, 5), (2_000, 20), (5_000, 50), (100_000, 60)] {
            assert_eq!(reconnect_jitter.wait(miners, false, 1.0), longest * SECOND);
        }
        assert_eq!(reconnect_jitter.wait(2_000, false, 0.25), 5 * SECOND);
    }

    #[test]
    fn the_last_to_leave_waits_as_the_first_did() {
        let reconnect_jitter = ReconnectJitter::default();
        assert_eq!(
            reconnect_jitter.wait(10, false, 1.0),
            5 * SECOND,
            "asked to reconnect while the port stays open"
        );
        for left in (1..=5_000).rev() {
            assert_eq!(reconnect_jitter.wait(left, true, 1.0), 50 * SECOND);
        }
    }
}
