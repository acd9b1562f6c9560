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
pub enum LoginAttempt {
    Right,
    Wrong,
    /// Not checked: there were too many wrong ones.
    TooMany,
}

impl Tries {
    /// Checks an attempt, unless there were too many wrong ones.
    pub fn attempt(&mut self, now: Instant, is_right: impl FnOnce() -> bool) -> LoginAttempt {
        while self.0.front().is_some_and(|at| now.saturating_duration_since(*at) >= WITHIN) {
            self.0.pop_front();
        }
        if self.0.len() >= MOST {
            return LoginAttempt::TooMany;
        }
        if is_right() {
            return LoginAttempt::Right;
        }
        self.0.push_back(now);
        LoginAttempt::Wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessing_is_slow_even_with_the_right_one_at_last() {
        let (mut tries, now) = (Tries::default(), Instant::now());
        assert_eq!(tries.attempt(now, || true), LoginAttempt::Right);
        for _ in 1..MOST {
            assert_eq!(tries.attempt(now, || false), LoginAttempt::Wrong);
        }
        let later = now + WITHIN / 2;
        assert_eq!(tries.attempt(later, || false), LoginAttempt::Wrong);
        assert_eq!(tries.attempt(later, || panic!("not looked at")), LoginAttempt::TooMany);
        assert_eq!(tries.attempt(now + WITHIN, || true), LoginAttempt::Right);
        for _ in 1..MOST {
            assert_eq!(tries.attempt(now + WITHIN, || false), LoginAttempt::Wrong);
        }
        assert_eq!(
            tries.attempt(now + WITHIN, || true),
            LoginAttempt::TooMany,
            "the one in between counts still"
        );
    }
}
