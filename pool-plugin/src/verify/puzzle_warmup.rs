//! Prepares the puzzle of an epoch before its first share comes.

use std::sync::Arc;

use tokio::{sync::watch, task::spawn_blocking};
use tracing::error;

use pool_core::{chain::ChainState, evaluator::Evaluator, types::EpochHash};

/// Prepares the evaluator for the epochs whose shares are accepted; the next one is among them as soon as its
/// hash is known, one block early. Ends with the chain's sender.
pub async fn keep_prepared(evaluator: Arc<dyn Evaluator>, mut chain: watch::Receiver<ChainState>) {
    let mut prepared = Vec::new();
    loop {
        let known = known_epochs(&chain.borrow_and_update());
        for epoch_hash in known.iter().filter(|hash| !prepared.contains(*hash)) {
            let (worker, hash) = (Arc::clone(&evaluator), *epoch_hash);
            if let Err(reason) = spawn_blocking(move || worker.prepare(&hash)).await {
                error!(%epoch_hash, %reason, "could not prepare the puzzle of an epoch");
            }
        }
        prepared = known;
        if chain.changed().await.is_err() {
            return;
        }
    }
}

/// The mined one comes first: miners wait for it.
fn known_epochs(state: &ChainState) -> Vec<EpochHash> {
    let Some(puzzle) = &state.puzzle else { return Vec::new() };
    let mut known: Vec<EpochHash> = puzzle.open_epochs().map(|epoch| epoch.hash).collect();
    known.reverse();
    known
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;
    use pool_core::{
        chain::{Puzzle, SyncState},
        evaluator::EvaluateError,
        types::Address,
    };

    use super::*;

    #[derive(Default)]
    struct Recorder(Mutex<Vec<EpochHash>>);

    impl Evaluator for Recorder {
        fn prepare(&self, epoch_hash: &EpochHash) {
            self.0.lock().push(*epoch_hash);
            assert_ne!(epoch_hash.0[0], 13, "an unlucky epoch");
        }

        fn target(&self, _: &EpochHash, _: &Address, _: u64) -> Result<u64, EvaluateError> {
            Ok(1)
        }
    }

    fn state(epoch: u8, next: Option<u8>) -> ChainState {
        let puzzle = Puzzle {
            height: 0,
            epoch: epoch.into(),
            epoch_hash: EpochHash([epoch; 32]),
            next_epoch_hash: next.map(|byte| EpochHash([byte; 32])),
            proof_target: 1,
            coinbase_target: 1,
        };
        ChainState { puzzle: Some(puzzle), sync: SyncState::default() }
    }

    #[tokio::test]
    async fn every_epoch_is_prepared_once_and_the_next_one_early() {
        let recorder = Arc::new(Recorder::default());
        let (sender, receiver) = watch::channel(ChainState::default());
        let task = tokio::spawn(keep_prepared(recorder.clone(), receiver));
        for (step, expected) in
            [(state(12, None), 1), (state(12, Some(13)), 2), (state(13, None), 2), (state(14, None), 3)]
        {
            sender.send(step).unwrap();
            while recorder.0.lock().len() < expected {
                tokio::task::yield_now().await;
            }
        }
        drop(sender);
        task.await.unwrap();
        let prepared: Vec<u8> = recorder.0.lock().iter().map(|hash| hash.0[0]).collect();
        assert_eq!(prepared, [12, 13, 14]);
    }

    #[test]
    fn after_a_start_on_an_epochs_last_block_the_next_epoch_comes_first() {
        let first_bytes = |state| known_epochs(&state).iter().map(|hash| hash.0[0]).collect::<Vec<_>>();
        assert_eq!(first_bytes(state(12, Some(13))), [13, 12]);
        assert_eq!(first_bytes(state(12, None)), [12]);
    }
}
