//! Slows guessing: after a few wrong attempts, from any address, all attempts are refused for a while.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// How many wrong attempts are allowed within the time; then all are refused, even a right one.
pub const MOST: usize = 5;
pub const WITHIN: Duration = Duration::from_secs(60);

/// When wrong attempts came, the latest last.
#[derive(Debug, Default)]
pub struct Tries(VecDeque<Instant>);

/// The result of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    Right,
    Wrong,
    /// Not checked: there were too many wrong ones.
    TooMany,
}

impl Tries {
    /// Checks an attempt, unless there were too many wrong ones.
    pub fn attempt(&mut self, now: Instant, is_right: impl FnOnce() -> bool) -> Attempt {
        while self.0.front().is_some_and(|at| now.saturating_duration_since(*at) >= WITHIN) {
            self.0.pop_front();
        }
        if self.0.len() >= MOST {
            return Attempt::TooMany;
        }
        if is_right() {
            return Attempt::Right;
        }
        self.0.push_back(now);
        Attempt::Wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessing_is_slow_even_with_the_right_one_at_last() {
        let (mut tries, now) = (Tries::default(), Instant::now());
        assert_eq!(tries.attempt(now, || true), Attempt::Right);
        for _ in 1..MOST {
            assert_eq!(tries.attempt(now, || false), Attempt::Wrong);
        }
        let later = now + WITHIN / 2;
        assert_eq!(tries.attempt(later, || false), Attempt::Wrong);
        assert_eq!(tries.attempt(later, || panic!("not looked at")), Attempt::TooMany);
        assert_eq!(tries.attempt(now + WITHIN, || true), Attempt::Right);
        for _ in 1..MOST {
            assert_eq!(tries.attempt(now + WITHIN, || false), Attempt::Wrong);
        }
        assert_eq!(tries.attempt(now + WITHIN, || true), Attempt::TooMany, "the one in between counts still");
    }
}
