//! Whether miners' shares come in. Pure: times are passed in, as the time since some fixed moment.

use std::time::Duration;

use pool_core::health::Report;

/// After this long without a share something is wrong: with a share every few seconds, even one miner is not
/// that unlucky.
pub const SILENCE: Duration = Duration::from_secs(600);

/// When the last share came.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silence {
    accepted: u64,
    since: Duration,
}

impl Silence {
    /// Notes the count of accepted shares at `now`, and judges.
    pub fn look(&mut self, accepted: u64, connections: usize, now: Duration) -> Report {
        if accepted != self.accepted || (accepted == 0 && connections == 0) {
            *self = Self { accepted, since: now };
        }
        let silent = now.saturating_sub(self.since);
        let minutes = pool_core::types::counted(silent.as_secs() / 60, "minute");
        match (silent >= SILENCE, connections) {
            (false, _) if accepted == 0 => Report::green("none_yet", "no share has come since the start"),
            (false, _) => Report::green("coming", "shares come in"),
            (true, 0) => Report::amber(
                "silent",
                format!(
                    "no share for {minutes} and no miner is connected: check that the port can be reached from \
                     outside"
                ),
            ),
            (true, _) => Report::amber(
                "silent",
                format!(
                    "no share for {minutes} from {}: see whether the node is synced and why shares are refused \
                     (snarkos pool admin status)",
                    pool_core::types::counted(connections, "connected miner")
                ),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use pool_core::health::Level;

    use super::*;

    #[test]
    fn silence_is_told_after_ten_minutes_and_a_new_pool_may_wait_for_its_first_miner() {
        let mut silence = Silence::default();
        let mut look = |accepted, connections, seconds| {
            let report = silence.look(accepted, connections, Duration::from_secs(seconds));
            (report.level, report.text)
        };
        assert_eq!(look(0, 0, 9_000).0, Level::Green, "nobody has come yet");
        assert_eq!(look(0, 1, 9_500).0, Level::Green);
        assert!(look(0, 1, 9_600).1.contains("10 minutes from 1 connected miner:"));
        assert_eq!(look(1, 1, 9_700).0, Level::Green);
        assert_eq!(look(1, 0, 10_299).0, Level::Green);
        let (level, text) = look(1, 0, 10_300);
        assert!(level == Level::Amber && text.contains("no miner is connected"), "{text}");
        assert_eq!(look(2, 1, 10_301).0, Level::Green);
    }
}
