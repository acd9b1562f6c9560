//! Whether blocks are accounted.

use pool_core::{chain::health::HEIGHT_TOLERANCE, health::Report};

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
            format!("{} left to account, at {scanned}", pool_core::types::counted(behind, "block")),
        );
    }
    Report::green("accounted", format!("accounted up to height {scanned}"))
}

#[cfg(test)]
mod tests {
    use pool_core::health::Level;

    use super::*;

    #[test]
    fn rounds_are_judged_by_how_far_they_are_behind() {
        assert_eq!(rounds(8, 10, None).level, Level::Green);
        assert_eq!(rounds(7, 10, None).level, Level::Amber);
        assert_eq!(rounds(10, 10, Some("disk full")).level, Level::Red);
    }
}
