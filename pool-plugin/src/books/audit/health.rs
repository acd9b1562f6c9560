//! Whether the sums of the books are right, and the finds likely.

use pool_core::{
    accounting::withholding::{Finds, is_alarming},
    health::Report,
};

use super::report::percent;

/// The most accounts that a report on finds names.
const MAX_SUSPECTS: usize = 5;

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
            pool_core::types::counted(finds.len(), "account")
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
