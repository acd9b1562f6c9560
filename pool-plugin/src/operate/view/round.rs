//! The open round's work, added up share by share.

use crate::ledger::{ReadError, ShareLedger};

/// Shares that are read at a time: the rest follows at the next call.
const AT_A_TIME: u64 = 50_000;

/// The work since our last block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct OpenRound {
    /// The last share of the round before.
    pub(super) since_seq: u64,
    /// The last share that is in the sums.
    pub(super) read_to: u64,
    pub(super) shares: u64,
    pub(super) work: u128,
}

impl OpenRound {
    /// Continues reading; `since_seq` is the last share of the last round.
    pub(super) fn follow(&mut self, ledger: &ShareLedger, since_seq: u64) -> Result<(), ReadError> {
        if self.since_seq != since_seq {
            *self = Self { since_seq, read_to: since_seq, shares: 0, work: 0 };
        }
        let last = ledger.last_seq()?.min(self.read_to.saturating_add(AT_A_TIME));
        for row in ledger.shares(self.read_to.saturating_add(1), last) {
            let (_, share) = row?;
            self.shares += 1;
            self.work = self.work.saturating_add(share.target.into());
        }
        self.read_to = self.read_to.max(last);
        Ok(())
    }
}
