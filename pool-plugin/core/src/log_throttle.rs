//! A log line that a failing disk would otherwise write thousands of times a second: at most once a second,
//! with the number of suppressed ones. Pure but for its clock.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

const INTERVAL: Duration = Duration::from_secs(1);

/// When it was last logged, and how many events came since.
#[derive(Debug, Default)]
pub struct LogThrottle(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    last: Option<Instant>,
    unspoken: u64,
}

impl LogThrottle {
    /// Notes an event. `Some`: log it now, with this number of events since the last time, this one included.
    pub fn due(&self) -> Option<u64> {
        self.due_at(Instant::now())
    }

    fn due_at(&self, now: Instant) -> Option<u64> {
        let mut state = self.0.lock();
        state.unspoken += 1;
        if state.last.is_some_and(|last| now.saturating_duration_since(last) < INTERVAL) {
            return None;
        }
        state.last = Some(now);
        Some(std::mem::take(&mut state.unspoken))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_event_speaks_at_once_and_the_rest_are_counted() {
        let (log, start) = (LogThrottle::default(), Instant::now());
        assert_eq!(log.due_at(start), Some(1));
        for millisecond in 1..1000 {
            assert_eq!(log.due_at(start + Duration::from_millis(millisecond)), None);
        }
        assert_eq!(log.due_at(start + INTERVAL), Some(1000));
        assert_eq!(log.due_at(start + INTERVAL * 9), Some(1));
    }
}
