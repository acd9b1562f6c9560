//! Decides which changes of the chain the sessions need. Most blocks change nothing for any miner, and to go
//! through thousands of sessions for nothing would cost the node more than the block itself.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tokio::sync::watch;

use pool_core::chain::ChainState;

/// The chain as the sessions see it; notifies the broadcaster only of relevant changes.
pub(super) struct ChainNews {
    state: watch::Sender<ChainState>,
    /// No session has a higher target: only a proof target below it matters to any.
    highest: AtomicU64,
}

impl ChainNews {
    pub(super) fn new(state: ChainState) -> Self {
        Self { state: watch::Sender::new(state), highest: AtomicU64::new(0) }
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<ChainState> {
        self.state.subscribe()
    }

    pub(super) fn state(&self) -> ChainState {
        *self.state.borrow()
    }

    /// A session has sent its miner this target.
    pub(super) fn note_target(&self, target: u64) {
        self.highest.fetch_max(target, Relaxed);
    }

    /// The chain has changed. Readers see it at once; all are woken only if it may matter to one of them.
    pub(super) fn follow(&self, new: ChainState) {
        self.state.send_if_modified(|state| {
            let old = std::mem::replace(state, new);
            old.sync.access != new.sync.access || self.concerns(&old, &new)
        });
    }

    fn concerns(&self, old: &ChainState, new: &ChainState) -> bool {
        let (Some(old), Some(new)) = (&old.puzzle, &new.puzzle) else {
            return old.puzzle.is_some() != new.puzzle.is_some();
        };
        // Another epoch to mine, or the end of the previous one: the sessions measure their grace from it.
        if old.open_epochs().ne(new.open_epochs()) {
            return true;
        }
        let falls_short = new.proof_target < self.highest.load(Relaxed);
        if falls_short {
            // All targets above this one will be lowered to it.
            self.highest.store(new.proof_target, Relaxed);
        }
        falls_short
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stratum::server::tests::harness::{epoch_hash, state};

    #[test]
    fn it_rings_for_epochs_and_sync_and_proof_targets_below_a_miners() {
        let chain_news = ChainNews::new(ChainState::default());
        let mut listener = chain_news.subscribe();
        let mut is_news = |new: ChainState| {
            chain_news.follow(new);
            assert_eq!(*listener.borrow(), new, "readers see it");
            let rang = listener.has_changed().unwrap();
            listener.mark_unchanged();
            rang
        };
        assert!(is_news(state(5, 1000, true)), "there is a puzzle");
        chain_news.note_target(100);
        chain_news.note_target(60);
        for (new, news) in [
            (state(5, 1000, true), false),
            (state(5, 2000, true), false),
            (state(5, 100, true), false),
            (state(5, 90, true), true),
            (state(5, 90, true), false),
            (state(5, 95, true), false),
            (state(5, 89, true), true),
            (state(5, 89, false), true),
            (state(6, 89, false), true),
            (state(6, 89, true), true),
        ] {
            assert_eq!(is_news(new), news, "{new:?}");
        }
        let mut last_block = state(6, 89, true);
        last_block.puzzle.as_mut().unwrap().next_epoch_hash = Some(epoch_hash(7));
        assert!(is_news(last_block), "the next epoch is known");
        assert!(!is_news(last_block));
        assert!(is_news(state(7, 89, true)), "the old one is over");
        assert!(is_news(state(6, 89, true)));
        let mut other = state(6, 89, true);
        other.puzzle.as_mut().unwrap().epoch_hash.0[0] ^= 1;
        assert!(is_news(other), "another chain");
    }
}
