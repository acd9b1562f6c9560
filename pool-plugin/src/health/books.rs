//! The books: whether they are written, whether blocks are accounted, whether the sums are right and the
//! finds likely.

use super::{HEIGHT_TOLERANCE, Report};
use crate::{
    accounting::withholding::{Finds, is_alarming},
    audit::report::percent,
    ledger::LedgerHealth,
};

/// The most accounts that a report on finds names.
const MAX_SUSPECTS: usize = 5;

/// Judges the accounting of blocks: the height it has reached, the chain's height, and what stops it.
pub fn rounds(scanned: u32, tip: u32, failure: Option<&str>) -> Report {
    if let Some(why) = failure {
        let text = format!(
            "blocks after {scanned} are not accounted yet ({why}); retrying: free disk space or \
             fix the data folder"
        );
        return Report::red("failing", text);
    }
    let behind = tip.saturating_sub(scanned);
    if behind > HEIGHT_TOLERANCE {
        return Report::amber(
            "catching_up",
            format!("{} left to account, at {scanned}", crate::types::counted(behind, "block")),
        );
    }
    Report::green("accounted", format!("accounted up to height {scanned}"))
}

/// Judges the share ledger by its last write.
pub fn ledger(health: &LedgerHealth) -> Report {
    let LedgerHealth::Failing { reason } = health else {
        return Report::green("writing", "shares are written");
    };
    let text = format!(
        "shares cannot be written ({reason}) and are refused: free disk space or fix the data folder"
    );
    Report::red("failing", text)
}

/// Judges the sums of the ledger. `wrong`: what does not add up.
pub fn books(wrong: Option<&str>) -> Report {
    let Some(wrong) = wrong else {
        return Report::green("balanced", "accounts, shares and rounds add up");
    };
    let text =
        format!("the sums of the share ledger are wrong ({wrong}): pay nothing out and restore a backup");
    Report::red("unbalanced", text)
}

/// Judges what the accounts found. `finds`: the least likely first; `effort`: of the open round, in
/// thousandths. The pool punishes nobody for it: that is for the operator to decide.
pub fn finds(finds: &[Finds], effort: Option<u64>) -> Report {
    let effort = effort.map_or("unknown".to_owned(), percent);
    if !is_alarming(finds) {
        let text = format!(
            "likely finds of {}; effort of the open round: {effort}",
            crate::types::counted(finds.len(), "account")
        );
        return Report::green("likely", text);
    }
    let named = finds.iter().filter(|finds| finds.is_suspect()).take(MAX_SUSPECTS).map(|finds| {
        let account = finds.account.escape_debug();
        format!("'{account}' found {} of {:.1} expected", finds.found, finds.expected)
    });
    let named: Vec<String> = named.collect();
    let text = format!(
        "{}: they may be withholding solutions; check these accounts (effort of the open round: {effort})",
        named.join(", ")
    );
    Report::amber("withholding", text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::Level;

    #[test]
    fn rounds_are_judged_by_how_far_they_are_behind() {
        assert_eq!(rounds(8, 10, None).level, Level::Green);
        assert_eq!(rounds(7, 10, None).level, Level::Amber);
        assert_eq!(rounds(10, 10, Some("disk full")).level, Level::Red);
    }
}
