//! What came in over the last day, minute by minute, for charts. Pure.

use std::ops::AddAssign;

/// Minutes that are kept, in addition to the running one.
const DAY: u64 = 24 * 60;
const PLACES: usize = DAY as usize + 1;

/// What came in during some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MinuteTotals {
    /// The sum of the targets of the accepted shares: attempts.
    pub work: u64,
    /// Shares.
    pub accepted: u32,
    /// Shares; those whose epoch had just ended are among them.
    pub refused: u32,
}

/// The last day of the pool, in 23 KB. Times are Unix seconds.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The number of the newest minute, counted from 1970 on.
    newest: u64,
    /// By the minute's number; empty before the first share.
    minutes: Vec<MinuteTotals>,
}

/// Consecutive spans, oldest first, without the running one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spans {
    /// When the first begins.
    pub from: u64,
    /// Seconds of each.
    pub step: u64,
    pub intakes: Vec<MinuteTotals>,
}

impl History {
    /// Counts an accepted share. Shares may come in any order.
    pub fn accepted(&mut self, time: u64, target: u64) {
        self.add(time, MinuteTotals { work: target, accepted: 1, refused: 0 });
    }

    pub fn refused(&mut self, time: u64) {
        self.add(time, MinuteTotals { refused: 1, ..MinuteTotals::default() });
    }

    /// The last `hours` (a day at most) in spans of `minutes`.
    pub fn spans(&self, now: u64, hours: u64, minutes: u64) -> Spans {
        let minutes = minutes.clamp(1, DAY);
        let count = (hours * 60).min(DAY) / minutes;
        let end = now / 60 / minutes * minutes;
        let first = end.saturating_sub(count * minutes);
        let intakes = (first..end).step_by(minutes as usize).map(|start| {
            let mut sum = MinuteTotals::default();
            (start..start + minutes)
                .filter_map(|minute| self.minute(minute))
                .for_each(|intake| sum += intake);
            sum
        });
        Spans { from: first * 60, step: minutes * 60, intakes: intakes.collect() }
    }

    fn add(&mut self, time: u64, intake: MinuteTotals) {
        let minute = time / 60;
        if self.minutes.is_empty() {
            self.minutes = vec![MinuteTotals::default(); PLACES];
            self.newest = minute;
        }
        // All minutes in between are empty, and a jump past a day empties all once.
        for passed in (self.newest + 1..=minute).rev().take(PLACES) {
            self.minutes[place(passed)] = MinuteTotals::default();
        }
        self.newest = self.newest.max(minute);
        if minute + DAY >= self.newest {
            self.minutes[place(minute)] += intake;
        }
    }

    fn minute(&self, minute: u64) -> Option<MinuteTotals> {
        let kept = self.newest.saturating_sub(DAY)..=self.newest;
        self.minutes.get(place(minute)).filter(|_| kept.contains(&minute)).copied()
    }
}

impl AddAssign for MinuteTotals {
    fn add_assign(&mut self, other: Self) {
        self.work = self.work.saturating_add(other.work);
        self.accepted = self.accepted.saturating_add(other.accepted);
        self.refused = self.refused.saturating_add(other.refused);
    }
}

fn place(minute: u64) -> usize {
    (minute % PLACES as u64) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The first second of a day.
    const START: u64 = 1_700_006_400;

    fn intake(work: u64, accepted: u32, refused: u32) -> MinuteTotals {
        MinuteTotals { work, accepted, refused }
    }

    #[test]
    fn spans_end_before_the_running_one() {
        let mut history = History::default();
        history.accepted(START, 5);
        history.accepted(START + 119, 7);
        history.refused(START + 120);
        history.accepted(START + 240, 9);
        let spans = history.spans(START + 241, 1, 2);
        assert_eq!((spans.from, spans.step, spans.intakes.len()), (START + 240 - 3600, 120, 30));
        assert_eq!(spans.intakes[28..], [intake(12, 2, 0), intake(0, 0, 1)]);
        assert!(spans.intakes[..28].iter().all(|empty| *empty == MinuteTotals::default()));
    }

    #[test]
    fn a_day_is_kept_and_no_more() {
        let mut history = History::default();
        history.accepted(START, 5);
        history.accepted(START + 86_400, 1);
        assert_eq!(history.spans(START + 86_400, 24, 30).intakes[0], intake(5, 1, 0));
        history.accepted(START + 86_460, 1);
        history.accepted(START, 5);
        assert_eq!(history.spans(START + 86_460, 24, 30).intakes[0], intake(0, 0, 0));
    }

    #[test]
    fn a_clock_that_leaps_harms_nothing() {
        let mut history = History::default();
        history.refused(START);
        history.refused(u64::MAX / 2);
        history.refused(START);
        assert_eq!(history.spans(START + 60, 1, 1).intakes.len(), 60);
        assert!(
            history.spans(START + 60, 1, 1).intakes.iter().all(|empty| *empty == MinuteTotals::default())
        );
        assert!(history.spans(0, 24, 1).intakes.is_empty());
    }

    proptest! {
        #[test]
        fn nothing_of_the_last_day_is_lost(times in prop::collection::vec(0u64..86_400, 1..80)) {
            let mut history = History::default();
            for time in &times {
                history.accepted(START + time, 3);
            }
            for step in [1, 2, 10, 30] {
                let spans = history.spans(START + 86_400, 24, step);
                let mut sum = MinuteTotals::default();
                spans.intakes.iter().for_each(|span| sum += *span);
                prop_assert_eq!(sum, intake(3 * times.len() as u64, times.len() as u32, 0));
            }
        }
    }
}
