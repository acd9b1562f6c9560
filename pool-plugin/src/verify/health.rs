//! The verification of shares: whether it keeps up, and whether it is right.

use pool_core::{evaluator::EvaluatorStats, health::Report};

/// Judges the verification queue by how full it is.
pub fn verification(waiting: usize, capacity: usize) -> Report {
    if waiting >= capacity {
        let waiting = pool_core::types::counted(waiting, "waiting share");
        let text = format!("{waiting}, more are refused: raise the share target or add cores");
        return Report::red("full", text);
    }
    if waiting > capacity / 2 {
        let text = format!("{waiting} of {capacity} places taken: raise the share target or add cores");
        return Report::amber("filling", text);
    }
    Report::green("keeping_up", pool_core::types::counted(waiting, "waiting share"))
}

/// Judges the puzzle's evaluator. A wrong answer is reported until a restart: shares may have been credited
/// or refused wrongly.
pub fn puzzle(stats: &EvaluatorStats) -> Report {
    let EvaluatorStats { checked, wrong, distrusted_epochs, fallback_now, .. } = *stats;
    if wrong > 0 {
        let text = format!(
            "snarkvm checked {} of the native puzzle and found {wrong} wrong, in {}, whose shares it verifies \
             itself from then on, slowly: report the values in the log (\"the native puzzle was wrong\") and \
             restart with --puzzle stock",
            pool_core::types::counted(checked, "answer"),
            pool_core::types::counted(distrusted_epochs, "epoch")
        );
        return Report::red("wrong", text);
    }
    if fallback_now {
        let text = "this epoch's puzzle has no native form, and snarkvm verifies its shares, a few a second: raise \
                    the share target until the next epoch, and look for a new version of the pool";
        return Report::amber("fallback", text);
    }
    Report::green(
        "exact",
        format!("snarkvm checked {}: none was wrong", pool_core::types::counted(checked, "answer")),
    )
}

#[cfg(test)]
mod tests {
    use pool_core::health::Level;

    use super::*;

    #[test]
    fn verification_is_judged_by_how_far_it_is_behind() {
        assert_eq!(verification(50, 100).level, Level::Green);
        assert_eq!(verification(51, 100).level, Level::Amber);
        assert_eq!(verification(100, 100).level, Level::Red);
    }

    #[test]
    fn the_puzzle_is_red_after_a_wrong_answer_and_amber_while_it_is_slow() {
        let right = EvaluatorStats { checked: 7, fallback_epochs: 1, ..EvaluatorStats::default() };
        assert_eq!(puzzle(&right).level, Level::Green);
        let slow = EvaluatorStats { fallback_now: true, ..right };
        assert_eq!((puzzle(&slow).level, puzzle(&slow).reason), (Level::Amber, "fallback"));
        let wrong = EvaluatorStats { wrong: 1, distrusted_epochs: 1, ..slow };
        assert_eq!((puzzle(&wrong).level, puzzle(&wrong).reason), (Level::Red, "wrong"));
        assert!(
            puzzle(&wrong)
                .text
                .starts_with("snarkvm checked 7 answers of the native puzzle and found 1 wrong, in 1 epoch,")
        );
    }
}
