//! Whether the books of a backup are consistent, row by row.

use super::Manifest;
use crate::ledger::{ReadError, ShareLedger};

/// What is wrong, if anything.
pub(super) fn check(ledger: &ShareLedger, manifest: &Manifest) -> Result<Option<String>, ReadError> {
    let (first, last) = (ledger.shares_from()?, ledger.last_seq()?);
    if (first, last) != (manifest.shares_from, manifest.last_seq) {
        return Ok(Some(format!(
            "it holds shares {first} to {last} instead of {} to {}",
            manifest.shares_from, manifest.last_seq
        )));
    }
    let mut expected = first;
    for row in ledger.shares(first, u64::MAX) {
        let (seq, share) = row?;
        if seq != expected {
            return Ok(Some(format!("share {expected} is missing")));
        }
        expected = seq.saturating_add(1);
        // Keys of closed epochs are gone, and new shares for those epochs are refused anyway.
        if ledger.reserve(share.key).is_ok() {
            return Ok(Some(format!("share {seq} has no key, so it could be credited twice")));
        }
    }
    if expected <= last {
        return Ok(Some(format!("share {expected} is missing")));
    }
    let mut next_round = None;
    for round in ledger.rounds()? {
        if next_round.is_some_and(|next| next != round.first_seq) {
            return Ok(Some(format!("the round of block {} does not follow the one before", round.height)));
        }
        next_round = Some(round.last_seq.saturating_add(1));
    }
    ledger.totals()?;
    Ok(None)
}
