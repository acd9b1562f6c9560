//! The verification threads: the only place where the pool computes the target of a miner's counter.
//!
//! They are separate threads, since an evaluation may take 0.2 s and must not delay the async ones. Under a
//! flood of shares they would take all the processor time: the node's own work has priority.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Instant,
};

use parking_lot::{Condvar, Mutex};
use pool_core::{
    evaluator::{EvaluateError, Evaluator},
    meters::meters,
    types::{Address, EpochHash},
};
use thread_priority::{ThreadPriority, ThreadPriorityValue, set_current_thread_priority};
use tracing::{error, warn};

use crate::verify::fair_queue::{FairQueue, Lane};

/// The most waiting attempts of all sessions. Sessions stop reading long before; this only bounds the memory
/// if there are very many of them.
pub const CAPACITY: usize = 1 << 20;

/// The priority of the threads, from 0 to 99: a niceness of 10, which leaves nine tenths of a contended core
/// to the node, and is above the niceness of 19 of the puzzle's checks.
const PRIORITY: u8 = 22;

/// The inputs of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub epoch_hash: EpochHash,
    pub address: Address,
    pub counter: u64,
}

/// The queue has no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the verification queue is full")]
pub struct QueueFull;

type Outcome = Result<u64, EvaluateError>;
type Done = Box<dyn FnOnce(Outcome) + Send>;

/// The threads and their queue. Dropping it ends the threads; waiting attempts and their callbacks are
/// dropped.
pub struct Verifier {
    shared: Arc<VerifierShared>,
}

struct VerifierShared {
    evaluator: Arc<dyn Evaluator>,
    queue: Mutex<Queue>,
    wake: Condvar,
    verified: AtomicU64,
    panicked: AtomicU64,
}

#[derive(Default)]
struct Queue {
    waiting: FairQueue<Task>,
    closed: bool,
}

struct Task {
    attempt: Attempt,
    done: Done,
    queued: Instant,
}

impl Task {
    fn new(attempt: Attempt, done: impl FnOnce(Outcome) + Send + 'static) -> Self {
        Self { attempt, done: Box::new(done), queued: Instant::now() }
    }
}

impl Verifier {
    /// Starts `threads` threads, at least one.
    pub fn start(evaluator: Arc<dyn Evaluator>, threads: usize) -> io::Result<Self> {
        let shared = Arc::new(VerifierShared {
            evaluator,
            queue: Mutex::default(),
            wake: Condvar::new(),
            verified: AtomicU64::new(0),
            panicked: AtomicU64::new(0),
        });
        let verifier = Self { shared: Arc::clone(&shared) };
        for number in 0..threads.max(1) {
            let worker = Arc::clone(&shared);
            thread::Builder::new().name(format!("pool-verify-{number}")).spawn(move || {
                yield_to_the_node();
                worker.work();
            })?;
        }
        Ok(verifier)
    }

    /// Queues an attempt. `done` gets the target, on the verification thread: it must be quick.
    pub fn evaluate(
        &self,
        lane: Lane,
        attempt: Attempt,
        done: impl FnOnce(Outcome) + Send + 'static,
    ) -> Result<(), QueueFull> {
        let mut queue = self.shared.queue.lock();
        if queue.waiting.len() >= CAPACITY {
            return Err(QueueFull);
        }
        queue.waiting.push(lane, Task::new(attempt, done));
        drop(queue);
        self.shared.wake.notify_one();
        Ok(())
    }

    /// Queues an attempt at low priority; it may be dropped for lack of room.
    pub fn evaluate_low(
        &self,
        lane: Lane,
        attempt: Attempt,
        done: impl FnOnce(Outcome) + Send + 'static,
    ) -> Result<(), QueueFull> {
        if !self.shared.queue.lock().waiting.push_low(lane, Task::new(attempt, done)) {
            return Err(QueueFull);
        }
        self.shared.wake.notify_one();
        Ok(())
    }

    /// Attempts evaluated since the start, failed ones included.
    pub fn verified(&self) -> u64 {
        self.shared.verified.load(Ordering::Relaxed)
    }

    /// Evaluations that panicked since the start.
    pub fn panicked(&self) -> u64 {
        self.shared.panicked.load(Ordering::Relaxed)
    }

    /// Attempts that wait now.
    pub fn queued(&self) -> usize {
        self.shared.queue.lock().waiting.len()
    }
}

fn yield_to_the_node() {
    let priority = ThreadPriorityValue::try_from(PRIORITY).map(ThreadPriority::Crossplatform);
    if !priority.is_ok_and(|priority| set_current_thread_priority(priority).is_ok()) {
        warn!("shares are verified at normal priority: a flood of them may slow the node");
    }
}

impl Drop for Verifier {
    fn drop(&mut self) {
        let mut queue = self.shared.queue.lock();
        queue.closed = true;
        let forgotten = std::mem::take(&mut queue.waiting);
        drop(queue);
        // Outside the lock: dropping a callback wakes the task that waits for it.
        drop(forgotten);
        self.shared.wake.notify_all();
    }
}

impl VerifierShared {
    fn work(&self) {
        while let Some(Task { attempt, done, queued }) = self.next() {
            let started = Instant::now();
            meters().verification_wait.record(started.saturating_duration_since(queued));
            let outcome = catch_unwind(AssertUnwindSafe(|| self.evaluate(&attempt))).unwrap_or_else(|_| {
                self.panicked.fetch_add(1, Ordering::Relaxed);
                error!(epoch_hash = %attempt.epoch_hash, counter = attempt.counter, "an evaluation panicked");
                Err(EvaluateError::Failed("the evaluation panicked".into()))
            });
            meters().verification.record(started.elapsed());
            self.verified.fetch_add(1, Ordering::Relaxed);
            if catch_unwind(AssertUnwindSafe(|| done(outcome))).is_err() {
                error!(counter = attempt.counter, "verification callback panicked");
            }
        }
    }

    fn evaluate(&self, attempt: &Attempt) -> Outcome {
        self.evaluator.target(&attempt.epoch_hash, &attempt.address, attempt.counter)
    }

    /// Waits for a task; `None` once the verifier is gone.
    fn next(&self) -> Option<Task> {
        let mut queue = self.queue.lock();
        loop {
            if queue.closed {
                return None;
            }
            if let Some(task) = queue.waiting.pop() {
                return Some(task);
            }
            self.wake.wait(&mut queue);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Reaches the value of the counter; the counters 0 and 1 are traps.
    struct Echo;

    impl Evaluator for Echo {
        fn prepare(&self, _: &EpochHash) {}

        fn target(&self, _: &EpochHash, _: &Address, counter: u64) -> Outcome {
            match counter {
                0 => panic!("a trap"),
                1 => Err(EvaluateError::NoAnswer),
                _ => Ok(counter),
            }
        }
    }

    fn attempt(counter: u64) -> Attempt {
        Attempt { epoch_hash: EpochHash::default(), address: Address::default(), counter }
    }

    #[test]
    fn targets_come_back_and_are_counted() {
        let verifier = Verifier::start(Arc::new(Echo), 2).unwrap();
        let (sender, receiver) = mpsc::channel();
        for counter in [5, 1] {
            let reply = sender.clone();
            verifier
                .evaluate(Lane::Proven(counter), attempt(counter), move |outcome| {
                    reply.send(outcome).unwrap()
                })
                .unwrap();
        }
        let mut outcomes = [receiver.recv().unwrap(), receiver.recv().unwrap()];
        outcomes.sort_by_key(|outcome| outcome.is_err());
        assert_eq!(outcomes, [Ok(5), Err(EvaluateError::NoAnswer)]);
        assert_eq!((verifier.verified(), verifier.panicked(), verifier.queued()), (2, 0, 0));
    }

    #[test]
    fn a_panic_is_an_answer_and_the_only_thread_lives_on() {
        let verifier = Verifier::start(Arc::new(Echo), 1).unwrap();
        let (sender, receiver) = mpsc::channel();
        for counter in [0, 7] {
            let reply = sender.clone();
            verifier
                .evaluate(Lane::Proven(0), attempt(counter), move |outcome| {
                    reply.send(outcome).unwrap();
                    assert_ne!(counter, 0, "the callback panics too");
                })
                .unwrap();
        }
        assert!(matches!(receiver.recv().unwrap(), Err(EvaluateError::Failed(_))));
        assert_eq!(receiver.recv().unwrap(), Ok(7));
        assert_eq!(verifier.panicked(), 1);
    }

    #[test]
    fn low_priority_is_evaluated_too() {
        let verifier = Verifier::start(Arc::new(Echo), 1).unwrap();
        let (sender, receiver) = mpsc::channel();
        verifier
            .evaluate_low(Lane::Proven(0), attempt(9), move |outcome| sender.send(outcome).unwrap())
            .unwrap();
        assert_eq!(receiver.recv().unwrap(), Ok(9));
    }

    /// Reaches the niceness of the thread that evaluates it.
    #[cfg(target_os = "linux")]
    struct Niceness;

    #[cfg(target_os = "linux")]
    impl Evaluator for Niceness {
        fn prepare(&self, _: &EpochHash) {}

        fn target(&self, _: &EpochHash, _: &Address, _: u64) -> Outcome {
            let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
            // The 19th field; the second one is a name in brackets.
            let (_, rest) = stat.rsplit_once(')').unwrap();
            Ok(rest.split_whitespace().nth(16).unwrap().parse().unwrap())
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_threads_leave_the_processor_to_the_node() {
        let verifier = Verifier::start(Arc::new(Niceness), 1).unwrap();
        let (sender, receiver) = mpsc::channel();
        verifier.evaluate(Lane::Proven(0), attempt(5), move |outcome| sender.send(outcome).unwrap()).unwrap();
        assert!(receiver.recv().unwrap().unwrap() >= 10);
    }
}
