//! The native puzzle as an evaluator: compiled once per epoch, shared by all threads.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use aleo_epoch_puzzle::{EpochEvaluator, EvaluateError as NativeError, Scratch};
use parking_lot::Mutex;
use pool_core::{
    evaluator::{EvaluateError, Evaluator, EvaluatorStats},
    types::{Address, EpochHash},
};

/// Epochs kept compiled: the last, the current and the next.
const EPOCHS: usize = 3;

/// Evaluates natively; an epoch with an instruction that has no native form is left to snarkVM as a whole.
#[derive(Default)]
pub struct NativeEvaluator {
    /// The newest last.
    epochs: Mutex<Vec<Arc<Epoch>>>,
    fallback_epochs: AtomicU64,
}

struct Epoch {
    evaluator: EpochEvaluator,
    /// Memory of attempts that no thread uses at the moment.
    idle: Mutex<Vec<Scratch>>,
}

impl NativeEvaluator {
    fn epoch(&self, epoch_hash: &EpochHash) -> Result<Arc<Epoch>, EvaluateError> {
        if let Some(epoch) = self.known(epoch_hash) {
            return Ok(epoch);
        }
        // Compiled outside of the lock: the other epochs' shares need not wait for it.
        let evaluator =
            EpochEvaluator::new(epoch_hash.0).map_err(|error| EvaluateError::Failed(error.to_string()))?;
        Ok(self.keep(evaluator))
    }

    /// Adds an epoch, unless another thread was faster.
    fn keep(&self, evaluator: EpochEvaluator) -> Arc<Epoch> {
        let epoch_hash = EpochHash(*evaluator.epoch_hash());
        let mut epochs = self.epochs.lock();
        if let Some(epoch) = find(&epochs, &epoch_hash) {
            return epoch;
        }
        match (evaluator.fallback_reason(), evaluator.shape()) {
            (Some(reason), _) => {
                self.fallback_epochs.fetch_add(1, Relaxed);
                tracing::warn!(%epoch_hash, reason, "snarkvm evaluates this epoch, slowly")
            }
            (None, shape) => tracing::info!(%epoch_hash, ?shape, "compiled the puzzle of an epoch"),
        }
        if epochs.len() == EPOCHS {
            epochs.remove(0);
        }
        let compiled = Arc::new(Epoch { evaluator, idle: Mutex::default() });
        epochs.push(compiled.clone());
        compiled
    }

    fn known(&self, epoch_hash: &EpochHash) -> Option<Arc<Epoch>> {
        find(&self.epochs.lock(), epoch_hash)
    }
}

fn find(epochs: &[Arc<Epoch>], epoch_hash: &EpochHash) -> Option<Arc<Epoch>> {
    epochs.iter().find(|epoch| *epoch.evaluator.epoch_hash() == epoch_hash.0).cloned()
}

impl Evaluator for NativeEvaluator {
    fn prepare(&self, epoch_hash: &EpochHash) {
        if let Err(error) = self.epoch(epoch_hash) {
            tracing::error!(%epoch_hash, %error, "cannot compile the puzzle of an epoch");
        }
    }

    fn target(&self, epoch_hash: &EpochHash, address: &Address, counter: u64) -> Result<u64, EvaluateError> {
        let epoch = self.epoch(epoch_hash)?;
        let idle = epoch.idle.lock().pop();
        let mut scratch = idle.unwrap_or_else(|| epoch.evaluator.scratch());
        let outcome = epoch.evaluator.evaluate(&mut scratch, &address.0, counter);
        epoch.idle.lock().push(scratch);
        outcome.map_err(|error| match error {
            NativeError::Scratch => EvaluateError::Failed(error.to_string()),
            NativeError::ZeroInput | NativeError::Unsatisfied | NativeError::Stock(_) => {
                EvaluateError::NoAnswer
            }
        })
    }

    fn stats(&self) -> EvaluatorStats {
        let fallback_now = self.epochs.lock().last().is_some_and(|epoch| !epoch.evaluator.is_native());
        let fallback_epochs = self.fallback_epochs.load(Relaxed);
        EvaluatorStats { fallback_epochs, fallback_now, ..EvaluatorStats::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(number: u8) -> EpochHash {
        let mut bytes = [number; 32];
        bytes[31] = 0;
        EpochHash(bytes)
    }

    #[test]
    fn native_and_stock_agree_and_old_epochs_leave() {
        let (native, stock) = (NativeEvaluator::default(), crate::stock::stock_evaluator(1).unwrap());
        // The identity of the curve is an address.
        let address = Address([0; 32]);
        for epoch in [1, 2, 3, 4, 1] {
            let target = native.target(&hash(epoch), &address, 7).unwrap();
            assert_eq!(target, stock.target(&hash(epoch), &address, 7).unwrap());
        }
        assert_eq!(native.epochs.lock().len(), EPOCHS);
        assert!(native.target(&EpochHash([0xff; 32]), &address, 0).is_err());
        assert_eq!(native.stats(), EvaluatorStats::default());
    }
}
