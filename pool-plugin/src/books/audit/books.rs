//! Compares the sums of the ledger with its shares. A share and its worker's total are written together, so
//! at any moment the totals count exactly the stored shares, and between two moments they grow by the shares
//! in between. A restored backup leaves numbers without a share: then the audit starts over.

use std::collections::BTreeMap;

use crate::ledger::{
    ReadError, ShareLedger,
    records::{Round, WorkerTotal},
};

/// The totals at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Books {
    shares: u64,
    credit: BTreeMap<String, u128>,
    /// Numbers without a share.
    lost: u64,
}

impl Books {
    /// Starts from now; older shares are checked when the database is opened, and by each dump.
    pub fn begin(ledger: &ShareLedger) -> Result<Self, ReadError> {
        let lost = ledger.shares_lost()?;
        Ok(Self { lost, ..Self::of(&ledger.totals()?) })
    }

    fn of(totals: &[WorkerTotal]) -> Self {
        let mut books = Self::default();
        for total in totals {
            books.shares = books.shares.saturating_add(total.shares);
            let credit = books.credit.entry(total.worker.account.clone()).or_default();
            *credit = credit.saturating_add(total.credit);
        }
        books
    }

    /// Reads the shares that came since the last call; the inner error says what is wrong with the sums.
    pub fn go_on(&mut self, ledger: &ShareLedger) -> Result<Result<(), String>, ReadError> {
        let now = Self::begin(ledger)?;
        let mut expected = self.clone();
        if now.lost == expected.lost {
            let number = |shares: u64| shares.saturating_add(now.lost);
            for row in ledger.shares(number(self.shares).saturating_add(1), number(now.shares)) {
                let (_, share) = row?;
                expected.shares = expected.shares.saturating_add(1);
                let credit = expected.credit.entry(share.worker.account).or_default();
                *credit = credit.saturating_add(share.target.into());
            }
        } else {
            expected = now.clone();
        }
        // Only after all was read: after a failed read the same shares are read again next time.
        *self = now;
        Ok(self.check(&expected))
    }

    /// Compares the totals with the expected ones.
    fn check(&self, expected: &Self) -> Result<(), String> {
        if self.shares != expected.shares {
            return Err(format!("the totals count {} shares, {} are stored", self.shares, expected.shares));
        }
        let accounts = self.credit.keys().chain(expected.credit.keys());
        let of = |books: &Self, account: &String| books.credit.get(account).copied().unwrap_or(0);
        let mut wrong = accounts.filter(|account| of(self, account) != of(expected, account));
        match wrong.next() {
            None => Ok(()),
            Some(account) => Err(format!(
                "account '{}' has credit {}, its shares add up to {}",
                account.escape_debug(),
                of(self, account),
                of(expected, account)
            )),
        }
    }
}

/// Whether each round begins where the one before ended, and none ends after the last share.
pub fn check_rounds(rounds: &[Round], last_seq: u64) -> Result<(), String> {
    let mut next = 1;
    for round in rounds {
        if round.first_seq != next {
            return Err(format!(
                "the round of block {} begins with share {}, not {next}",
                round.height, round.first_seq
            ));
        }
        next = round.last_seq.saturating_add(1);
    }
    if next > last_seq.saturating_add(1) {
        return Err(format!("the last round ends after share {last_seq}, the last one stored"));
    }
    Ok(())
}
