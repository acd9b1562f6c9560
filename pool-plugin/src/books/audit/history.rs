//! The work of each account, in proof targets at the time of each share, and the solutions it found.

use std::collections::BTreeMap;

use pool_core::accounting::{luck::effort_permille, withholding::Finds};

use crate::ledger::{ReadError, ShareLedger, records::Round};

/// How many shares are read back at the start: enough to judge accounts right after a restart.
const SHARES_BACK: u64 = 1_000_000;

#[derive(Clone, Debug, Default)]
pub struct AuditHistory {
    /// The last share that was read.
    read_to: u64,
    /// When the first one came, Unix milliseconds.
    since_ms: Option<u64>,
    /// Expected finds by account.
    expected: BTreeMap<String, f64>,
    /// The work since the last round ended at this share.
    open: (u64, u128),
}

impl AuditHistory {
    /// Reads the shares that came since the last call. `proof_target`: the current one; past shares are
    /// measured by the one of their round.
    pub fn go_on(
        &mut self,
        ledger: &ShareLedger,
        rounds: &[Round],
        proof_target: u64,
    ) -> Result<(), ReadError> {
        let last_seq = ledger.last_seq()?;
        let round_end = rounds.last().map_or(0, |round| round.last_seq);
        if self.open.0 != round_end {
            let mut open = 0u128;
            // Work of the new round that was counted to the one before.
            for row in ledger.shares(round_end.saturating_add(1), self.read_to) {
                open = open.saturating_add(row?.1.target.into());
            }
            self.open = (round_end, open);
        }
        let from = match self.read_to {
            0 => last_seq.saturating_sub(SHARES_BACK),
            read_to => read_to,
        };
        for row in ledger.shares(from.saturating_add(1), last_seq) {
            let (seq, share) = row?;
            self.since_ms.get_or_insert(share.time_ms);
            if seq > round_end {
                self.open.1 = self.open.1.saturating_add(share.target.into());
            }
            let at_its_time = proof_target_at(rounds, seq).unwrap_or(proof_target).max(1);
            let expected = share.target as f64 / at_its_time as f64;
            *self.expected.entry(share.worker.account).or_default() += expected;
            // If the next share cannot be read, this one is not counted again.
            self.read_to = seq;
        }
        self.read_to = last_seq;
        Ok(())
    }

    /// Every account with work, the least likely first.
    pub fn finds(&self, ledger: &ShareLedger) -> Result<Vec<Finds>, ReadError> {
        let mut found: BTreeMap<String, u64> = BTreeMap::new();
        for record in ledger.solutions()? {
            if self.since_ms.is_some_and(|since| record.found_ms >= since)
                && let Some(finder) = record.finder
            {
                *found.entry(finder.account).or_default() += 1;
            }
        }
        let of = |account: &String| found.get(account).copied().unwrap_or(0);
        let mut finds: Vec<Finds> = self
            .expected
            .iter()
            .map(|(account, expected)| Finds::new(account.clone(), of(account), *expected))
            .collect();
        finds.sort_by(|one, other| one.chance.total_cmp(&other.chance));
        Ok(finds)
    }

    /// The effort of the open round, as if it ended with one solution now.
    pub fn open_effort_permille(&self, proof_target: u64) -> Option<u64> {
        effort_permille(self.open.1, proof_target, 1)
    }
}

fn proof_target_at(rounds: &[Round], seq: u64) -> Option<u64> {
    let round = rounds.get(rounds.partition_point(|round| round.last_seq < seq))?;
    round.basis.as_ref().map(|basis| basis.proof_target)
}
