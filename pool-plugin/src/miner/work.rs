//! The mining threads' work, and their pace.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};
use pool_core::{
    evaluator::{EvaluateError, Evaluator},
    types::{Address, EpochHash},
};
use tokio::sync::mpsc::UnboundedSender;

use super::report::say;
use crate::stratum::wire::extranonce::Prefix;

/// How long a thread pauses after the evaluator failed, so that a broken one does not fill the screen.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// A job with its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    pub epoch: u32,
    /// Which of the epoch's jobs.
    pub serial: u8,
    pub epoch_hash: EpochHash,
    pub address: Address,
    /// The prefix of every counter; `None` if any will do.
    pub prefix: Option<Prefix>,
    pub target: u64,
}

/// A counter that reached the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Share {
    pub epoch: u32,
    pub serial: u8,
    pub counter: u64,
}

/// The connection writes the work here, and the threads read it.
#[derive(Debug)]
pub struct Board {
    state: Mutex<BoardState>,
    changed: Condvar,
    pace: Option<Mutex<Pace>>,
    started: Instant,
    attempts: AtomicU64,
}

#[derive(Debug, Default)]
struct BoardState {
    work: Option<Work>,
    closed: bool,
}

/// Spaces attempts evenly. Times count from the miner's start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    interval: Duration,
    next: Duration,
}

impl Pace {
    /// At most `rate` attempts a second.
    pub fn new(rate: f64) -> Self {
        Self { interval: Duration::from_secs_f64(1.0 / rate), next: Duration::ZERO }
    }

    /// The time of the next attempt. Unused time is not made up for.
    pub fn take(&mut self, now: Duration) -> Duration {
        let at = self.next.max(now);
        self.next = at + self.interval;
        at
    }
}

impl Board {
    /// An empty board; at most `rate` attempts a second in all threads together.
    pub fn new(rate: Option<f64>) -> Self {
        Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            pace: rate.map(|rate| Mutex::new(Pace::new(rate))),
            started: Instant::now(),
            attempts: AtomicU64::new(0),
        }
    }

    /// Sets the work from now on; `None` pauses the threads.
    pub fn set(&self, work: Option<Work>) {
        self.state.lock().work = work;
        self.changed.notify_all();
    }

    /// Ends the threads.
    pub fn close(&self) {
        self.state.lock().closed = true;
        self.changed.notify_all();
    }

    /// Attempts since the start.
    pub fn attempts(&self) -> u64 {
        self.attempts.load(Ordering::Relaxed)
    }

    /// The work of the next attempt, once it may begin; `None` at the end.
    fn next(&self) -> Option<Work> {
        let mut state = self.state.lock();
        while state.work.is_none() && !state.closed {
            self.changed.wait(&mut state);
        }
        if let Some(pace) = self.pace.as_ref().filter(|_| !state.closed) {
            let at = pace.lock().take(self.started.elapsed());
            while self.started.elapsed() < at && !state.closed {
                self.changed.wait_until(&mut state, self.started + at);
            }
            // The connection may have been lost in the meantime.
            while state.work.is_none() && !state.closed {
                self.changed.wait(&mut state);
            }
        }
        if state.closed { None } else { state.work }
    }

    fn rest(&self, time: Duration) {
        let until = Instant::now() + time;
        let mut state = self.state.lock();
        while !state.closed && !self.changed.wait_until(&mut state, until).timed_out() {}
    }
}

/// A mining thread: tries consecutive counters from a random one on, within the prefix if there is one;
/// otherwise other miners of the pool are unlikely to try the same.
pub fn mine(board: &Board, evaluator: &dyn Evaluator, shares: &UnboundedSender<Share>) {
    let mut next: u64 = rand::random();
    while let Some(work) = board.next() {
        let counter = work.prefix.map_or(next, |prefix| prefix.with(next));
        let attempt = || evaluator.target(&work.epoch_hash, &work.address, counter);
        let outcome = catch_unwind(AssertUnwindSafe(attempt))
            .unwrap_or_else(|_| Err(EvaluateError::Failed("the evaluation panicked".into())));
        board.attempts.fetch_add(1, Ordering::Relaxed);
        match outcome {
            Ok(reached) if reached >= work.target => {
                if shares.send(Share { epoch: work.epoch, serial: work.serial, counter }).is_err() {
                    return;
                }
            }
            Ok(_) | Err(EvaluateError::NoAnswer) => {}
            Err(reason @ EvaluateError::Failed(_)) => {
                say(&format!("counter {counter}: {reason}"));
                board.rest(AFTER_FAILURE);
            }
        }
        next = next.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use std::{sync::Arc, thread};
    use tokio::sync::mpsc;

    use super::*;

    const WORK: Work = Work {
        epoch: 5,
        serial: 0,
        epoch_hash: EpochHash([5; 32]),
        address: Address([0; 32]),
        prefix: None,
        target: 10,
    };

    struct Always(u64);

    impl Evaluator for Always {
        fn prepare(&self, _: &EpochHash) {}

        fn target(&self, _: &EpochHash, _: &Address, _: u64) -> Result<u64, EvaluateError> {
            Ok(self.0)
        }
    }

    #[test]
    fn a_thread_finds_shares_from_a_random_counter_on_and_ends_with_the_board() {
        let board = Arc::new(Board::new(None));
        board.set(Some(WORK));
        let (sender, mut found) = mpsc::unbounded_channel();
        let shared = board.clone();
        let thread = thread::spawn(move || mine(&shared, &Always(10), &sender));
        let first = found.blocking_recv().unwrap();
        let second = found.blocking_recv().unwrap();
        assert_eq!(first.epoch, 5);
        assert_eq!(second.counter, first.counter.wrapping_add(1));
        board.close();
        thread.join().unwrap();
    }

    #[test]
    fn every_counter_begins_with_the_prefix() {
        let board = Arc::new(Board::new(None));
        let prefix = Prefix::parse("300005").unwrap();
        board.set(Some(Work { prefix: Some(prefix), ..WORK }));
        let (sender, mut found) = mpsc::unbounded_channel();
        let shared = board.clone();
        let thread = thread::spawn(move || mine(&shared, &Always(10), &sender));
        for _ in 0..100 {
            assert_eq!(found.blocking_recv().unwrap().counter >> 40, 0x30_0005);
        }
        board.close();
        thread.join().unwrap();
    }

    #[test]
    fn what_misses_the_target_is_an_attempt_and_no_share() {
        let board = Arc::new(Board::new(None));
        board.set(Some(WORK));
        let (sender, mut found) = mpsc::unbounded_channel();
        let shared = board.clone();
        let thread = thread::spawn(move || mine(&shared, &Always(9), &sender));
        while board.attempts() < 100 {
            thread::yield_now();
        }
        board.close();
        thread.join().unwrap();
        assert!(found.blocking_recv().is_none());
    }

    #[test]
    fn a_thread_that_rests_or_waits_its_turn_ends_with_the_board() {
        for rate in [None, Some(0.001)] {
            let board = Arc::new(Board::new(rate));
            if rate.is_some() {
                board.set(Some(WORK));
            }
            let (sender, _found) = mpsc::unbounded_channel();
            let shared = board.clone();
            let thread = thread::spawn(move || mine(&shared, &Always(9), &sender));
            if rate.is_some() {
                while board.attempts() < 1 {
                    thread::yield_now();
                }
            }
            board.close();
            thread.join().unwrap();
        }
    }

    proptest! {
        #[test]
        fn attempts_never_outrun_the_pace(rate in 0.1f64..10_000.0, gaps in prop::collection::vec(0u64..50_000, 1..200)) {
            let mut pace = Pace::new(rate);
            let mut now = Duration::ZERO;
            let mut last: Option<Duration> = None;
            for gap in gaps {
                now += Duration::from_micros(gap);
                let at = pace.take(now);
                prop_assert!(at >= now);
                if let Some(before) = last {
                    prop_assert!(at >= before + Duration::from_secs_f64(1.0 / rate));
                }
                last = Some(at);
            }
        }
    }
}
