//! The luck of a round: its work against the expected work.

/// The work of a round over the work its solutions stood for, in thousandths: 1,000 is as expected, less is
/// lucky. `None` without solutions.
///
/// A solution stands for as many attempts as the proof target it had to reach, however far it exceeded it.
pub fn effort_permille(work: u128, proof_target: u64, solutions: usize) -> Option<u64> {
    let expected = u128::from(proof_target).checked_mul(solutions as u128).filter(|work| *work > 0)?;
    let permille = work.saturating_mul(1_000) / expected;
    Some(u64::try_from(permille).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twice_the_work_is_twice_the_effort() {
        assert_eq!(effort_permille(100, 100, 1), Some(1_000));
        assert_eq!(effort_permille(50, 100, 1), Some(500));
        assert_eq!(effort_permille(400, 100, 2), Some(2_000));
        assert_eq!(effort_permille(0, 100, 2), Some(0));
        assert_eq!(effort_permille(u128::MAX, 1, 1), Some(u64::MAX));
        assert_eq!(effort_permille(5, 100, 0), None);
        assert_eq!(effort_permille(5, 0, 1), None);
    }
}
