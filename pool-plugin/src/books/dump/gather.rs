//! The shares a block pays for, read from the latest back: only their sums are kept.

use pool_core::accounting::window::{Cut, Reach};

use crate::{
    books::dump::{
        DumpError,
        tally::{Sum, SumTooLarge, Tally},
    },
    ledger::{ShareLedger, records::Round},
};

/// Shares read at a time.
const PAGE: u64 = 4_096;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Gathered {
    /// One more than the last share's number if the window is empty.
    pub(super) window_first_seq: u64,
    /// How much of that share counts.
    pub(super) first_credit: u64,
    pub(super) window: Tally,
    /// All shares since the previous block of ours.
    pub(super) round: Sum,
}

/// Reads the shares of `round` and of its window, as far back as both need.
pub(super) fn gather(ledger: &ShareLedger, round: &Round, reach: &Reach) -> Result<Gathered, DumpError> {
    let sums = |error: SumTooLarge| DumpError::Sums { height: round.height, reason: error.into() };
    let mut gathered = Gathered { window_first_seq: round.last_seq.saturating_add(1), ..Gathered::default() };
    let mut cut = Some(Cut::new(reach));
    let oldest = reach.first_seq.min(round.first_seq).max(1);
    let mut last = round.last_seq;
    while last >= oldest && (cut.is_some() || last >= round.first_seq) {
        let first = last.saturating_sub(PAGE - 1).max(oldest);
        let shares = ledger.shares(first, last).collect::<Result<Vec<_>, _>>()?;
        let mut shares = shares.into_iter().rev();
        for expected in (first..=last).rev() {
            if cut.is_none() && expected < round.first_seq {
                break;
            }
            // Shares that are not needed may be retired.
            let Some((_, share)) = shares.next().filter(|(seq, _)| *seq == expected) else {
                return Err(DumpError::Gap { height: round.height, seq: expected });
            };
            if expected >= round.first_seq {
                let sum = Sum { shares: 1, credit: share.target.into() };
                gathered.round = gathered.round.plus(sum).map_err(sums)?;
            }
            let counts =
                cut.as_mut().filter(|_| expected >= reach.first_seq).and_then(|cut| cut.take(share.target));
            let Some(credit) = counts else {
                cut = None;
                continue;
            };
            gathered.window.add(&share.worker, credit).map_err(sums)?;
            (gathered.window_first_seq, gathered.first_credit) = (expected, credit);
            cut = cut.filter(|cut| !cut.is_full());
        }
        last = first - 1;
    }
    Ok(gathered)
}
