//! The shares a block pays for, read from the latest back: only their sums are kept.

use crate::{
    accounting::window::{Cut, Reach},
    dump::{
        DumpError,
        tally::{Sum, Tally},
    },
    ledger::{
        ShareLedger,
        records::{Round, Share},
    },
};

/// Shares read at a time.
const PAGE: u64 = 4_096;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Gathered {
    /// One more than the last share's number if the window is empty.
    pub(super) window_first_seq: u64,
    /// What counts of that share.
    pub(super) first_credit: u64,
    pub(super) window: Tally,
    /// The shares since the block before, all of them.
    pub(super) round: Sum,
}

/// Reads the shares of `round` and of its window, as far as that reaches.
pub(super) fn gather(ledger: &ShareLedger, round: &Round, reach: &Reach) -> Result<Gathered, DumpError> {
    let sums = |reason: String| DumpError::Sums { height: round.height, reason };
    let mut gathered = Gathered { window_first_seq: round.last_seq.saturating_add(1), ..Gathered::default() };
    let mut cut = Some(Cut::new(reach));
    let oldest = reach.first_seq.min(round.first_seq).max(1);
    let mut last = round.last_seq;
    while last >= oldest && (cut.is_some() || last >= round.first_seq) {
        let first = last.saturating_sub(PAGE - 1).max(oldest);
        for (seq, share) in page(ledger, round.height, first, last)?.into_iter().rev() {
            if seq >= round.first_seq {
                let sum = Sum { shares: 1, credit: share.target.into() };
                gathered.round = gathered.round.plus(sum).map_err(sums)?;
            }
            let counts =
                cut.as_mut().filter(|_| seq >= reach.first_seq).and_then(|cut| cut.take(share.target));
            let Some(credit) = counts else {
                cut = None;
                continue;
            };
            gathered.window.add(&share.worker, credit).map_err(sums)?;
            (gathered.window_first_seq, gathered.first_credit) = (seq, credit);
        }
        last = first - 1;
    }
    Ok(gathered)
}

/// The shares `first..=last`, none missing.
fn page(ledger: &ShareLedger, height: u32, first: u64, last: u64) -> Result<Vec<(u64, Share)>, DumpError> {
    let shares = ledger.shares(first, last).collect::<Result<Vec<_>, _>>()?;
    // The highest that is missing: windows are read from the latest share back.
    let mut expected = last;
    for (seq, _) in shares.iter().rev() {
        if *seq != expected {
            return Err(DumpError::Gap { height, seq: expected });
        }
        expected = seq.saturating_sub(1);
    }
    if expected >= first {
        return Err(DumpError::Gap { height, seq: expected });
    }
    Ok(shares)
}
