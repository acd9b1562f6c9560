//! A fast evaluator whose answers are sampled: a slow one that is right by definition computes the sample
//! again. After one difference the epoch is left to the slow one for good.

use std::{
    collections::HashSet,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use parking_lot::RwLock;
use thread_priority::{ThreadPriority, set_current_thread_priority};
use tracing::{error, warn};

use pool_core::{
    evaluator::{EvaluateError, Evaluator, EvaluatorStats},
    types::{Address, EpochHash},
};

/// The pause between an answer and its check, and so between two checks: the share is answered first, and the
/// slow evaluator takes little of a core.
const PAUSE: Duration = Duration::from_secs(1);

/// Answers with `fast`, unless it gave a wrong answer in that epoch.
pub struct CrossChecked {
    fast: Arc<dyn Evaluator>,
    slow: Arc<dyn Evaluator>,
    findings: Arc<Findings>,
    /// Room for one: while it is checked, no other is taken.
    samples: SyncSender<Sample>,
}

#[derive(Default)]
struct Findings {
    /// Epochs in which the fast evaluator was wrong.
    distrusted: RwLock<HashSet<EpochHash>>,
    checked: AtomicU64,
    wrong: AtomicU64,
}

struct Sample {
    epoch_hash: EpochHash,
    address: Address,
    counter: u64,
    answer: Result<u64, EvaluateError>,
}

impl CrossChecked {
    /// Starts the checking thread; it ends with the evaluator.
    pub fn start(fast: Arc<dyn Evaluator>, slow: Arc<dyn Evaluator>) -> io::Result<Self> {
        Self::start_with(fast, slow, PAUSE)
    }

    fn start_with(fast: Arc<dyn Evaluator>, slow: Arc<dyn Evaluator>, pause: Duration) -> io::Result<Self> {
        let (samples, to_check) = sync_channel(1);
        let findings = Arc::new(Findings::default());
        let (checker, reference) = (findings.clone(), slow.clone());
        thread::Builder::new().name("pool-cross-check".into()).spawn(move || {
            if let Err(reason) = set_current_thread_priority(ThreadPriority::Min) {
                warn!(?reason, "cannot lower the priority of the puzzle's checks");
            }
            checker.check_all(&to_check, &*reference, pause);
        })?;
        Ok(Self { fast, slow, findings, samples })
    }
}

impl Findings {
    fn check_all(&self, samples: &Receiver<Sample>, reference: &dyn Evaluator, pause: Duration) {
        while let Ok(sample) = samples.recv() {
            thread::sleep(pause);
            if catch_unwind(AssertUnwindSafe(|| self.check(&sample, reference))).is_err() {
                error!(epoch_hash = %sample.epoch_hash, counter = sample.counter, "a check of the native puzzle panicked");
            }
        }
    }

    fn check(&self, sample: &Sample, reference: &dyn Evaluator) {
        let Sample { epoch_hash, address, counter, answer } = sample;
        let expected = reference.target(epoch_hash, address, *counter);
        // A failed reference says nothing about the answer.
        if let Err(EvaluateError::Failed(reason)) = &expected {
            warn!(%epoch_hash, %address, counter, reason, "snarkvm could not check an answer of the native puzzle");
            return;
        }
        if expected == *answer {
            self.checked.fetch_add(1, Relaxed);
            return;
        }
        error!(
            %epoch_hash, %address, counter, ?answer, ?expected,
            "the native puzzle was wrong: snarkvm verifies this epoch from now on; report these values"
        );
        self.distrusted.write().insert(*epoch_hash);
        self.wrong.fetch_add(1, Relaxed);
        self.checked.fetch_add(1, Relaxed);
    }
}

impl Evaluator for CrossChecked {
    fn prepare(&self, epoch_hash: &EpochHash) {
        self.fast.prepare(epoch_hash);
    }

    fn target(&self, epoch_hash: &EpochHash, address: &Address, counter: u64) -> Result<u64, EvaluateError> {
        if self.findings.distrusted.read().contains(epoch_hash) {
            return self.slow.target(epoch_hash, address, counter);
        }
        let answer = self.fast.target(epoch_hash, address, counter);
        let sample = Sample { epoch_hash: *epoch_hash, address: *address, counter, answer: answer.clone() };
        // Full: another one is being checked.
        let _ = self.samples.try_send(sample);
        answer
    }

    fn stats(&self) -> EvaluatorStats {
        let Findings { distrusted, checked, wrong } = &*self.findings;
        EvaluatorStats {
            checked: checked.load(Relaxed),
            wrong: wrong.load(Relaxed),
            distrusted_epochs: distrusted.read().len() as u64,
            ..self.fast.stats()
        }
    }
}

#[cfg(test)]
mod tests {
    use pool_core::health::Level;
    use pool_plugin::verify::health;

    use super::*;

    /// Right, except for odd counters if so planted.
    struct Planted {
        faulty: bool,
    }

    impl Evaluator for Planted {
        fn prepare(&self, _: &EpochHash) {}

        fn target(&self, epoch: &EpochHash, _: &Address, counter: u64) -> Result<u64, EvaluateError> {
            let wrong = u64::from(self.faulty && counter % 2 == 1);
            Ok(1000 * u64::from(epoch.0[0]) + counter + wrong)
        }
    }

    fn checked(faulty: bool) -> CrossChecked {
        let (fast, slow) = (Planted { faulty }, Planted { faulty: false });
        CrossChecked::start_with(Arc::new(fast), Arc::new(slow), Duration::ZERO).unwrap()
    }

    fn wait_for_check(evaluator: &CrossChecked, number: u64) {
        while evaluator.stats().checked < number {
            thread::yield_now();
        }
    }

    const ADDRESS: Address = Address([0; 32]);

    #[test]
    fn a_planted_fault_moves_its_epoch_to_the_slow_evaluator_and_no_other() {
        let (bad, good) = (EpochHash([1; 32]), EpochHash([2; 32]));
        let evaluator = checked(true);
        assert_eq!(evaluator.target(&bad, &ADDRESS, 7), Ok(1008), "the fault is planted");
        wait_for_check(&evaluator, 1);
        let caught = EvaluatorStats { checked: 1, wrong: 1, distrusted_epochs: 1, ..Default::default() };
        assert_eq!(evaluator.stats(), caught);
        assert_eq!(evaluator.target(&bad, &ADDRESS, 7), Ok(1007));
        assert_eq!(evaluator.target(&good, &ADDRESS, 8), Ok(2008));
        wait_for_check(&evaluator, 2);
        assert_eq!(evaluator.stats(), EvaluatorStats { checked: 2, ..caught });
    }

    #[test]
    fn a_planted_fault_turns_the_pool_red_and_says_what_to_do() {
        let evaluator = checked(true);
        assert_eq!(health::puzzle(&evaluator.stats()).level, Level::Green);
        let _ = evaluator.target(&EpochHash([1; 32]), &ADDRESS, 7);
        wait_for_check(&evaluator, 1);
        let report = health::puzzle(&evaluator.stats());
        assert_eq!((report.level, report.reason), (Level::Red, "wrong"));
        assert!(report.text.contains("--puzzle stock"), "{}", report.text);
    }

    /// Fails on every call.
    struct Broken;

    impl Evaluator for Broken {
        fn prepare(&self, _: &EpochHash) {}

        fn target(&self, _: &EpochHash, _: &Address, _: u64) -> Result<u64, EvaluateError> {
            Err(EvaluateError::Failed("no memory".into()))
        }
    }

    #[test]
    fn a_check_that_fails_says_nothing_of_the_answer() {
        let findings = Findings::default();
        let sample = Sample { epoch_hash: EpochHash([1; 32]), address: ADDRESS, counter: 1, answer: Ok(5) };
        findings.check(&sample, &Broken);
        assert_eq!((findings.checked.into_inner(), findings.wrong.into_inner()), (0, 0));
        assert!(findings.distrusted.read().is_empty());
    }

    #[test]
    fn right_answers_stay_with_the_fast_evaluator() {
        let evaluator = checked(false);
        for counter in 0..5 {
            assert_eq!(evaluator.target(&EpochHash([3; 32]), &ADDRESS, counter), Ok(3000 + counter));
            wait_for_check(&evaluator, 1);
        }
        assert_eq!(evaluator.stats().wrong, 0);
    }
}
