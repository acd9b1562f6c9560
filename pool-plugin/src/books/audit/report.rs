//! The luck of rounds and accounts, for people: `snarkos pool luck`.

use std::io::{self, Write};

use pool_core::accounting::luck::effort_permille;

use super::{books::check_rounds, history::AuditHistory};
use crate::ledger::{ReadError, ShareLedger};

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("the sums of the database are wrong: {0}; restore a backup")]
    Books(String),
    #[error("the report could not be written: {0}")]
    Output(#[from] io::Error),
}

/// Writes the effort of the last `rounds` rounds, and what each account found and should have found.
pub fn report(ledger: &ShareLedger, rounds: usize, out: &mut dyn Write) -> Result<(), ReportError> {
    let all = ledger.rounds()?;
    check_rounds(&all, ledger.last_seq()?).map_err(ReportError::Books)?;
    writeln!(out, "block      solutions      shares  effort (100 % is as expected, less is luck)")?;
    let shares_from = ledger.shares_from()?;
    for round in all.iter().skip(all.len().saturating_sub(rounds)) {
        let mut work = 0u128;
        for row in ledger.shares(round.first_seq, round.last_seq) {
            work = work.saturating_add(row?.1.target.into());
        }
        let proof_target = round.basis.as_ref().map_or(0, |basis| basis.proof_target);
        let effort = effort_permille(work, proof_target, round.solutions.len());
        // Once the shares of a round are retired, only its dump knows its effort.
        let effort = effort.filter(|_| round.first_seq >= shares_from);
        let shares = round.last_seq.saturating_add(1).saturating_sub(round.first_seq);
        let effort = effort.map_or("unknown".to_owned(), percent);
        writeln!(out, "{:<10} {:>9} {shares:>11}  {effort}", round.height, round.solutions.len())?;
    }
    let mut history = AuditHistory::default();
    let last_basis = all.iter().rev().find_map(|round| round.basis.as_ref());
    history.go_on(ledger, &all, last_basis.map_or(u64::MAX, |basis| basis.proof_target))?;
    writeln!(out)?;
    writeln!(out, "found   expected  chance of so few   account")?;
    for finds in history.finds(ledger)? {
        let mark = if finds.is_suspect() { "  << check it" } else { "" };
        writeln!(
            out,
            "{:>5} {:>10.2}  {:>16.2e}   {}{mark}",
            finds.found,
            finds.expected,
            finds.chance,
            finds.account.escape_debug()
        )?;
    }
    Ok(())
}

/// Thousandths as a percentage.
pub fn percent(permille: u64) -> String {
    format!("{}.{} %", permille / 10, permille % 10)
}
