//! Solutions, blocks, rules and dumps.

use std::collections::BTreeMap;

use pool_core::{
    accounting::terms::{Rules, Terms},
    types::{Solution, SolutionId, epoch_of_block},
};

use super::{WriteTrouble, Writer};
use crate::ledger::{
    changes::{block_changes, close_epochs, dump_mark_change, meta_change, solution_changes, terms_change},
    errors::{ReadError, WriteError},
    records::{BlockOutcome, DumpMark, Round, ShareKey, SolutionRecord, SolutionState},
    schema::{Meta, solution_of_open_key},
    settle::{KnownSolution, is_open, merge_found, settle},
};

impl Writer {
    pub(super) fn record_found(&mut self, record: SolutionRecord) -> Result<(), WriteTrouble> {
        let id = record.solution.id();
        if !is_open(&record) {
            return Err(WriteTrouble::Refused(WriteError::NotFromBlock { id }));
        }
        let changed = match self.store.solution(id)? {
            Some(stored) => merge_found(&stored, &record),
            None => Some(record),
        };
        match changed {
            Some(solution) => self.write(&solution_changes(id, &solution)),
            None => Ok(()),
        }
    }

    pub(super) fn mark_released(&mut self, id: SolutionId) -> Result<(), WriteTrouble> {
        let stored = self.store.solution(id)?;
        let record = stored.ok_or(WriteTrouble::Refused(WriteError::UnknownSolution { id }))?;
        if record.state != SolutionState::Found {
            return Ok(());
        }
        let released = SolutionRecord { state: SolutionState::Released, ..record };
        self.write(&solution_changes(id, &released))
    }

    pub(super) fn set_scanned_height(&mut self, height: u32) -> Result<(), WriteTrouble> {
        match self.scanned_height()? {
            Some(scanned) if height < scanned => {
                Err(WriteTrouble::Refused(WriteError::ScannedAlready { scanned, height }))
            }
            _ => self.write(&[meta_change(Meta::ScannedHeight, height)]),
        }
    }

    pub(super) fn apply_block(&mut self, outcome: &BlockOutcome) -> Result<Option<Round>, WriteTrouble> {
        let height = outcome.height;
        if self.scanned_height()?.is_some_and(|scanned| height <= scanned) {
            return same_block(self.store.round(height)?, outcome);
        }
        let mut settled = settle(outcome, &self.known(outcome)?);
        // A round that was adopted from its dump stays as it was dumped.
        if let Some(round) = self.store.round(height)? {
            settled.round = same_block(Some(round), outcome)?;
        }
        let open_from = self.in_flight.open_from();
        let keys_from = open_from.max(outcome.open_epoch.saturating_sub(1));
        let mut changes = block_changes(outcome, &settled);
        changes.extend(close_epochs(open_from, keys_from));
        self.write(&changes)?;
        self.in_flight.set_open_from(keys_from);
        Ok(settled.round)
    }

    fn known(&self, outcome: &BlockOutcome) -> Result<KnownSolution, WriteTrouble> {
        let named = outcome
            .landed
            .iter()
            .map(|(solution, _)| solution.id())
            .chain(outcome.aborted.iter().map(|(id, _)| *id));
        let open = self.store.open_solution_keys()?;
        let open_ids = open.iter().filter_map(|key| solution_of_open_key(key));
        let mut solutions = BTreeMap::new();
        for id in named.chain(open_ids) {
            if let Some(record) = self.store.solution(id)? {
                solutions.insert(id, record);
            }
        }
        for (solution, _) in &outcome.landed {
            if solutions.get(&solution.id()).is_none_or(|record| record.finder.is_none())
                && let Some(record) = self.find_of_share(outcome, solution)?
            {
                solutions.insert(solution.id(), record);
            }
        }
        let last_seq = self.next_seq.saturating_sub(1);
        Ok(KnownSolution {
            solutions,
            previous_last_seq: self.store.last_round()?.map_or(0, |round| round.last_seq),
            last_seq,
            terms: self.terms_within_reach(last_seq)?,
        })
    }

    /// For a landing whose find was never recorded, since the process died before: its share names the
    /// finder.
    fn find_of_share(
        &self,
        outcome: &BlockOutcome,
        solution: &Solution,
    ) -> Result<Option<SolutionRecord>, ReadError> {
        let epoch = epoch_of_block(outcome.height);
        let key = ShareKey { epoch, address: solution.address, counter: solution.counter };
        let Some(seq) = self.store.seq_of(&key)? else { return Ok(None) };
        let Some(share) = self.store.share(seq)? else { return Ok(None) };
        Ok(Some(SolutionRecord {
            solution: *solution,
            epoch,
            finder: Some(share.worker),
            found_ms: share.time_ms,
            state: SolutionState::Released,
        }))
    }

    /// The terms of `seq`, for a round: its window ends where shares were retired, or its dump could never be
    /// made.
    fn terms_within_reach(&self, seq: u64) -> Result<Option<Terms>, ReadError> {
        let shares_from = self.store.shares_from()?;
        let terms = self.terms_of(seq)?;
        Ok(terms.map(|terms| Terms { reach_seq: terms.reach_seq.max(shares_from), ..terms }))
    }

    /// Puts `rules` in force for future shares, unless they already are.
    pub(super) fn set_rules(&mut self, rules: Rules) -> Result<Terms, WriteTrouble> {
        let last_seq = self.next_seq.saturating_sub(1);
        if let Some(newest) = self.store.terms_at(u64::MAX)?.filter(|newest| newest.rules == rules) {
            return Ok(newest);
        }
        // Rules without a share under them are replaced.
        let before = self.store.terms_at(last_seq)?;
        let open_from = self.store.last_round()?.map_or(0, |round| round.last_seq).saturating_add(1);
        let terms = Terms::after(last_seq, open_from, rules, before.as_ref());
        self.write(&[terms_change(&terms)])?;
        Ok(terms)
    }

    /// Before the first share under terms, the oldest terms.
    pub(super) fn terms_of(&self, seq: u64) -> Result<Option<Terms>, ReadError> {
        match self.store.terms_at(seq)? {
            Some(terms) => Ok(Some(terms)),
            None => Ok(self.store.terms()?.into_iter().next()),
        }
    }

    /// A dump that was made once must not change.
    pub(super) fn record_dump(&mut self, height: u32, mark: &DumpMark) -> Result<(), WriteTrouble> {
        match self.store.dump_mark(height)? {
            Some(stored) if stored == *mark => Ok(()),
            Some(_) => Err(WriteTrouble::Refused(WriteError::OtherDump { height })),
            None => self.write(&[dump_mark_change(height, mark)]),
        }
    }

    fn scanned_height(&self) -> Result<Option<u32>, ReadError> {
        Ok(self.store.meta(Meta::ScannedHeight)?.map(|height| u32::try_from(height).unwrap_or(u32::MAX)))
    }
}

/// For a block that was applied before: its round, if it is that block's.
fn same_block(stored: Option<Round>, outcome: &BlockOutcome) -> Result<Option<Round>, WriteTrouble> {
    match stored {
        Some(round) if round.hash != outcome.hash => Err(WriteTrouble::Refused(WriteError::OtherChain {
            height: outcome.height,
            stored: round.hash,
            given: outcome.hash,
        })),
        Some(round) => Ok(Some(round)),
        None => {
            if !outcome.landed.is_empty() {
                tracing::warn!(
                    height = outcome.height,
                    landed = outcome.landed.len(),
                    "a block that was already scanned holds solutions of ours: it gets no round"
                );
            }
            Ok(None)
        }
    }
}
