//! Dumps form a chain: each names the digest of the previous one, and takes over what that could not give to
//! anyone. So a dump is made from its round and the mark of the previous dump.

use std::collections::BTreeMap;

use pool_core::{
    accounting::window::{Reach, reach},
    types::Network,
};

use crate::{
    books::dump::{DumpError, InvalidDump, build::build, check::check, document::bytes_of, gather::gather},
    ledger::{
        ShareLedger,
        records::{DumpMark, Round},
    },
};

/// Makes dumps, and remembers the marks of those that the ledger lacks.
pub(super) struct DumpChain<'a> {
    ledger: &'a ShareLedger,
    network: Network,
    /// By height; not in the ledger yet.
    fresh: BTreeMap<u32, DumpMark>,
}

impl<'a> DumpChain<'a> {
    pub(super) fn new(ledger: &'a ShareLedger, network: Network) -> Self {
        Self { ledger, network, fresh: BTreeMap::new() }
    }

    /// The marks to store in the ledger, by height.
    pub(super) fn into_fresh(self) -> Vec<(u32, DumpMark)> {
        self.fresh.into_iter().collect()
    }

    /// The bytes of the round's dump.
    pub(super) fn render(&mut self, round: &Round) -> Result<Vec<u8>, DumpError> {
        // The previous dumps without a mark, the latest first.
        let mut unmarked = Vec::new();
        let mut before = self.unmarked_before(round)?;
        while let Some(round) = before {
            before = self.unmarked_before(&round)?;
            unmarked.push(round);
        }
        for round in unmarked.iter().rev() {
            self.render_next(round)?;
        }
        self.render_next(round)
    }

    /// The previous round, if its dump should have a mark and has none.
    fn unmarked_before(&self, round: &Round) -> Result<Option<Round>, DumpError> {
        if round.basis.is_none() {
            return Ok(None);
        }
        let Some(before) = self.ledger.round_before(round.height)? else { return Ok(None) };
        let marked = before.basis.is_none() || self.mark(before.height)?.is_some();
        Ok((!marked).then_some(before))
    }

    fn mark(&self, height: u32) -> Result<Option<DumpMark>, DumpError> {
        match self.fresh.get(&height) {
            Some(mark) => Ok(Some(mark.clone())),
            None => Ok(self.ledger.dump_mark(height)?),
        }
    }

    /// The previous dump has a mark, or never gets one.
    fn render_next(&mut self, round: &Round) -> Result<Vec<u8>, DumpError> {
        let height = round.height;
        let sums = |reason: InvalidDump| DumpError::Sums { height, reason };
        let (reach, before) = match &round.basis {
            None => (Reach { first_seq: round.first_seq, work: None }, None),
            Some(basis) => {
                let before = self.ledger.round_before(height)?;
                let mark = before.map(|before| self.mark(before.height)).transpose()?.flatten();
                (reach(&basis.terms, round.first_seq, basis.proof_target), mark)
            }
        };
        let gathered = gather(self.ledger, round, &reach)?;
        let window_first_seq = gathered.window_first_seq;
        let document = build(round, self.network, gathered, before.as_ref()).map_err(sums)?;
        check(&document).map_err(sums)?;
        if let (Some(settlement), Some(link)) = (&document.settlement, &document.link) {
            let digest = bytes_of(&link.digest).map_err(sums)?;
            let mark = DumpMark { digest, carried_out: settlement.carried_out, window_first_seq };
            match self.mark(height)? {
                // What was published, and what later dumps were built on, must not change.
                Some(stored) if stored != mark => {
                    return Err(DumpError::Changed { height, published: hex::encode(stored.digest) });
                }
                Some(_) => {}
                None => {
                    self.fresh.insert(height, mark);
                }
            }
        }
        document.to_json().map_err(sums)
    }
}
