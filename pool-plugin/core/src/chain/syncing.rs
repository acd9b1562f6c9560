//! How fast the node catches up with the chain, and how long that will take. Pure: times are passed in, as the time
//! since some fixed moment.

use std::{collections::VecDeque, fmt, time::Duration};

/// The speed is measured over this many seconds: blocks come in batches.
const WINDOW: Duration = Duration::from_secs(60);
/// No speed is shown before this.
const LEAST: Duration = Duration::from_secs(5);

/// Recent heights.
#[derive(Clone, Debug, Default)]
pub struct Syncing(VecDeque<(Duration, u32)>);

/// How far the node has caught up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    pub height: u32,
    pub behind: u32,
    /// Blocks a second, once it can be measured.
    pub speed: Option<f64>,
}

impl Syncing {
    /// Notes the height at `now`.
    pub fn look(&mut self, height: u32, behind: u32, now: Duration) -> Progress {
        self.0.push_back((now, height));
        while self.0.front().is_some_and(|(then, _)| now.saturating_sub(*then) > WINDOW) {
            self.0.pop_front();
        }
        let first = self.0.front().copied().unwrap_or((now, height));
        let seconds = now.saturating_sub(first.0);
        let speed =
            (seconds >= LEAST).then(|| f64::from(height.saturating_sub(first.1)) / seconds.as_secs_f64());
        Progress { height, behind, speed }
    }

    /// To be called once it has caught up, or no longer follows.
    pub fn forget(&mut self) {
        self.0.clear();
    }
}

impl Progress {
    /// The time left at this speed. It includes future blocks, since they come at a part of the speed.
    fn left(&self) -> Option<Duration> {
        let speed = self.speed.filter(|speed| *speed > 0.0)?;
        Duration::try_from_secs_f64(f64::from(self.behind) / speed).ok()
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { height, behind, speed } = self;
        write!(f, "height {height} of {}, ", height.saturating_add(*behind))?;
        match (speed, self.left()) {
            (None, _) => f.write_str("speed not known yet"),
            (Some(_), None) => f.write_str("no block has come for a while"),
            (Some(speed), Some(left)) => write!(f, "{speed:.1} blocks a second, {} left", rough(left)),
        }
    }
}

/// A duration in people's notation.
pub(super) fn rough(time: Duration) -> String {
    let (seconds, minutes) = (time.as_secs(), time.as_secs() / 60);
    match (minutes / 60, minutes, seconds) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, _) => format!("{minutes} min"),
        (hours, minutes, _) => format!("{hours} h {} min", minutes % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_speed_is_that_of_the_last_minute() {
        let mut syncing = Syncing::default();
        let mut look = |height, behind, at| syncing.look(height, behind, Duration::from_secs(at)).to_string();
        assert_eq!(look(1_000, 9_000, 0), "height 1000 of 10000, speed not known yet");
        assert_eq!(look(1_100, 8_900, 10), "height 1100 of 10000, 10.0 blocks a second, 14 min left");
        assert_eq!(look(4_100, 5_900, 110), "height 4100 of 10000, speed not known yet");
        assert_eq!(look(4_300, 5_700, 120), "height 4300 of 10000, 20.0 blocks a second, 4 min left");
        assert_eq!(look(4_300, 5_700, 178), "height 4300 of 10000, no block has come for a while");
    }

    #[test]
    fn times_are_rough() {
        let said = |seconds| rough(Duration::from_secs(seconds));
        assert_eq!([said(59), said(60), said(3_599), said(7_260)], ["59 s", "1 min", "59 min", "2 h 1 min"]);
    }
}
