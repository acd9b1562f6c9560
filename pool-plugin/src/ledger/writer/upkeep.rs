//! What is deleted from the database, and what it takes over after a backup was restored.

use pool_core::accounting::terms::Terms;

use super::{WriteTrouble, Writer};
use crate::ledger::{
    changes::{
        close_epochs, dump_mark_change, meta_change, retire_shares, round_change, solution_changes,
        terms_change,
    },
    records::{Adopted, SolutionRecord, SolutionState},
    schema::{Change, Meta, Table},
};

impl Writer {
    /// Shares that a block still has to pay for stay, whatever was asked.
    pub(super) fn retire(&mut self, keep_from: u64) -> Result<u64, WriteTrouble> {
        let old_from = self.store.shares_from()?;
        let open_round_from = self.store.last_round()?.map_or(0, |round| round.last_seq).saturating_add(1);
        let new_from = keep_from.min(open_round_from).min(self.next_seq);
        if new_from <= old_from {
            return Ok(old_from);
        }
        self.write(&retire_shares(old_from, new_from, self.next_seq.saturating_sub(1)))?;
        // They are deleted already; only their space on the disk is left.
        if let Err(error) = self.store.drop_files_of_shares(old_from, new_from - 1) {
            tracing::warn!(%error, "could not free disk space of retired shares yet");
        }
        Ok(new_from)
    }

    /// Makes sure that a restored database credits and dumps nothing again: the rounds it lacks are adopted
    /// as they were dumped, their shares count as gone, and no share is accepted until
    /// [`resume`](Self::resume).
    pub(super) fn take_up(&mut self, adopted: &[Adopted]) -> Result<(), WriteTrouble> {
        let last_stored = self.next_seq.saturating_sub(1);
        let mut changes = Vec::new();
        for Adopted { round, mark } in adopted {
            changes.push(round_change(round));
            changes.extend(mark.as_ref().map(|mark| dump_mark_change(round.height, mark)));
            for landed in &round.solutions {
                let record = SolutionRecord {
                    solution: landed.solution,
                    epoch: round.epoch,
                    finder: landed.finder.clone(),
                    found_ms: u64::try_from(round.timestamp).unwrap_or(0).saturating_mul(1000),
                    state: SolutionState::Landed {
                        height: round.height,
                        hash: round.hash,
                        reward: landed.reward,
                    },
                };
                changes.extend(solution_changes(landed.solution.id(), &record));
            }
        }
        let last_dumped = adopted.iter().map(|one| one.round.last_seq).max().unwrap_or(0);
        let last_seq = last_stored.max(last_dumped);
        let lost_now = last_dumped.saturating_sub(last_stored);
        if lost_now > 0 {
            // Everything up to the last dump was paid for by it or an earlier one, and not all of it is here.
            let open_from = last_dumped.saturating_add(1);
            let lost = self.store.meta(Meta::SharesLost)?.unwrap_or(0);
            changes.extend(retire_shares(self.store.shares_from()?, open_from, last_seq));
            changes.push(meta_change(Meta::SharesLost, lost.saturating_add(lost_now)));
            // Nor may a window reach back over what is missing, even from a round without shares.
            if let Some(terms) = self.terms_of(last_seq)? {
                let terms = Terms { rules: terms.rules, since_seq: last_seq, reach_seq: open_from };
                changes.push(terms_change(&terms));
            }
        }
        let restores = self.store.meta(Meta::Restores)?.unwrap_or(0);
        changes.push(meta_change(Meta::Restores, restores.saturating_add(1)));
        changes.push(meta_change(Meta::RestoredSeq, last_seq));
        changes.push(meta_change(Meta::Restored, 1u64));
        self.write(&changes)?;
        Ok(self.read_state()?)
    }

    /// Accepts shares again after a backup was restored, from `epoch` on: which shares of the earlier epochs
    /// were credited before is not known.
    pub(super) fn resume(&mut self, epoch: u32) -> Result<(), WriteTrouble> {
        if self.store.meta(Meta::Restored)?.is_none() {
            return Ok(());
        }
        let stored = self.store.meta(Meta::KeysFrom)?.unwrap_or(0);
        let old_from = u32::try_from(stored).unwrap_or(u32::MAX);
        let mut changes = close_epochs(old_from, epoch);
        changes.push(Change::Delete { table: Table::Meta, key: Meta::Restored.key().into() });
        self.write(&changes)?;
        self.in_flight.set_open_from(epoch.max(old_from));
        tracing::info!(epoch, "after the restored backup, shares are credited from this epoch on");
        Ok(())
    }
}
