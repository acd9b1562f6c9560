//! The checks of the shares: whether they are done in time, and rightly.

use crate::{core::health::Report, verify::evaluator::EvaluatorStats};

/// Judges the verification queue by how full it is.
pub fn verification(waiting: usize, capacity: usize) -> Report {
    if waiting >= capacity {
        let text = format!("{waiting} shares wait and more are refused: raise the share target or add cores");
        return Report::red("full", text);
    }
    if waiting > capacity / 2 {
        let text = format!("{waiting} of {capacity} places taken: raise the share target or add cores");
        return Report::amber("filling", text);
    }
    Report::green("keeping_up", format!("{waiting} shares wait"))
}

/// Judges the puzzle's evaluator. A wrong answer is not forgotten before a restart: shares may have been credited
/// or refused wrongly.
pub fn puzzle(stats: &EvaluatorStats) -> Report {
    let EvaluatorStats { checked, wrong, distrusted_epochs, fallback_now, .. } = *stats;
    if wrong > 0 {
        let text = format!(
            "{wrong} of {checked} answers of the native puzzle that snarkvm checked were wrong, in \
             {distrusted_epochs} epochs, which snarkvm verifies from then on, slowly: report the values in the log \
             (\"the native puzzle was wrong\") and restart with --puzzle stock"
        );
        return Report::red("wrong", text);
    }
    if fallback_now {
        let text = "this epoch's puzzle has no native form, and snarkvm verifies its shares, a few a second: raise \
                    the share target until the next epoch, and look for a new version of the pool";
        return Report::amber("fallback", text);
    }
    Report::green("exact", format!("of {checked} answers that snarkvm checked none was wrong"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::health::Level;

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
        assert!(puzzle(&wrong).text.starts_with("1 of 7 answers"));
    }
}
