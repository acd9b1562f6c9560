//! Which shares a block pays for. Windows are cut by share numbers, never by time.

use crate::accounting::terms::{Scheme, Terms};

/// How far a block's window reaches, before its shares are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// No share before this one counts.
    pub first_seq: u64,
    /// The sum of targets after which no older share counts; `None`: all do.
    pub work: Option<u128>,
}

/// How far back the window of a block reaches whose round began with share `round_first_seq`; `proof_target`:
/// the one in the block's header.
pub fn reach(terms: &Terms, round_first_seq: u64, proof_target: u64) -> Reach {
    match terms.rules.scheme {
        Scheme::Prop | Scheme::Solo => Reach { first_seq: round_first_seq, work: None },
        Scheme::Pplns { window } => {
            Reach { first_seq: terms.reach_seq, work: Some(u128::from(window) * u128::from(proof_target)) }
        }
    }
}

/// Cuts a window: takes targets from the latest share back to the oldest that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    left: Option<u128>,
}

impl Cut {
    pub const fn new(reach: &Reach) -> Self {
        Self { left: reach.work }
    }

    /// How much of the next older share's target counts: for the share on the edge the part that fills the
    /// window exactly, and `None` for older ones.
    pub fn take(&mut self, target: u64) -> Option<u64> {
        let Some(left) = &mut self.left else {
            return Some(target);
        };
        let counts = u64::try_from(*left).unwrap_or(u64::MAX).min(target);
        *left -= u128::from(counts);
        // A share's target is at least 1, so if nothing of it counts, the window was full.
        (counts > 0).then_some(counts)
    }

    /// Whether no older share counts.
    pub fn is_full(&self) -> bool {
        self.left == Some(0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::accounting::terms::Rules;

    fn terms(scheme: Scheme) -> Terms {
        Terms { rules: Rules { scheme, fees: vec![] }, since_seq: 9, reach_seq: 5 }
    }

    #[test]
    fn only_pplns_looks_beyond_the_round() {
        assert_eq!(reach(&terms(Scheme::Prop), 7, 100), Reach { first_seq: 7, work: None });
        assert_eq!(reach(&terms(Scheme::Solo), 7, 100), Reach { first_seq: 7, work: None });
        let pplns = reach(&terms(Scheme::Pplns { window: 3 }), 7, u64::MAX);
        assert_eq!(pplns, Reach { first_seq: 5, work: Some(3 * u128::from(u64::MAX)) });
    }

    #[test]
    fn the_share_on_the_edge_counts_in_part() {
        let mut cut = Cut::new(&Reach { first_seq: 1, work: Some(25) });
        let taken: Vec<Option<u64>> = [10, 10, 10, 10].into_iter().map(|target| cut.take(target)).collect();
        assert_eq!(taken, [Some(10), Some(10), Some(5), None]);
        let mut exact = Cut::new(&Reach { first_seq: 1, work: Some(20) });
        assert_eq!([exact.take(10), exact.take(10), exact.take(10)], [Some(10), Some(10), None]);
    }

    proptest! {
        #[test]
        fn a_window_holds_its_work_or_all_there_is(
            work in 1..1_000u128,
            targets in prop::collection::vec(1..200u64, 0..30),
        ) {
            let mut cut = Cut::new(&Reach { first_seq: 1, work: Some(work) });
            let taken: u128 = targets.iter().map_while(|target| cut.take(*target)).map(u128::from).sum();
            let all: u128 = targets.iter().map(|target| u128::from(*target)).sum();
            prop_assert_eq!(taken, work.min(all));
        }
    }
}
