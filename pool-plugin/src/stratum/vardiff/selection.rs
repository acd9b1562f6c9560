//! Whether a miner sends all its shares.
//!
//! Within an epoch nothing in a counter shows for which target it was computed. A cheat may look first and
//! choose then: it sends the best shares over a connection with a high target, the rest over one with a low
//! target, and the sum is more than the work. What it cannot hide is what it leaves behind: of honest shares
//! with target `T` one half reaches `2T`, an eighth `8T`, and so on; of the leftovers none does.
//!
//! The test bets against the account, at fair odds, that a share reaches less than it should. An honest
//! account ruins the bettor; a bettor who wins a fortune of [`FORTUNE`] was not just lucky: with an honest
//! account that happens once in so many shares.

/// When the bets are won.
const FORTUNE: f64 = 1e12;
/// Bets are placed on reaching these multiples of the target.
const MULTIPLES: [u64; 6] = [2, 8, 64, 1 << 10, 1 << 15, 1 << 20];
/// The fraction of the fortune staked each time: a large one to catch bold cheats soon, a small one for timid
/// ones.
const STAKES: [f64; 2] = [0.5, 0.1];
const BETS: usize = MULTIPLES.len() * STAKES.len();

/// The evidence against an account.
#[derive(Clone, Debug, PartialEq)]
pub struct Selection {
    fortunes: [f64; BETS],
}

impl Default for Selection {
    fn default() -> Self {
        Self { fortunes: [1.0; BETS] }
    }
}

impl Selection {
    /// Notes a share. `true`: shares are withheld here; the evidence starts over.
    pub fn note(&mut self, target: u64, reached: u64) -> bool {
        let bets = MULTIPLES.iter().flat_map(|multiple| STAKES.map(|stake| (*multiple, stake)));
        for (fortune, (multiple, stake)) in self.fortunes.iter_mut().zip(bets) {
            let Some(high) = target.checked_mul(multiple) else { continue };
            let odds = match reached >= high {
                true => 1.0 - stake,
                false => 1.0 + stake / (multiple - 1) as f64,
            };
            // No account can save up trust for later: the bettor restarts with the initial fortune.
            *fortune = (*fortune * odds).max(1.0);
        }
        let won = self.fortunes.iter().any(|fortune| *fortune > FORTUNE);
        if won {
            *self = Self::default();
        }
        won
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stratum::vardiff::simulation::Random;

    const TARGET: u64 = 1000;

    fn shares_until_seen(most: u64, mut reached: impl FnMut(&mut Random) -> u64) -> Option<u64> {
        let (mut selection, mut random) = (Selection::default(), Random::new(7));
        (1..=most).find(|_| selection.note(TARGET, reached(&mut random)))
    }

    fn below(limit: u64) -> impl FnMut(&mut Random) -> u64 {
        move |random| {
            std::iter::repeat_with(|| random.reached(TARGET)).find(|reached| *reached < limit).unwrap()
        }
    }

    #[test]
    fn an_honest_miner_is_never_suspected() {
        assert_eq!(shares_until_seen(1_000_000, |random| random.reached(TARGET)), None);
    }

    #[test]
    fn whoever_keeps_the_good_ones_is_seen() {
        for (multiple, by) in [(2, 100), (8, 500), (64, 5_000)] {
            let seen = shares_until_seen(by, below(multiple * TARGET));
            assert!(seen.is_some(), "keeping {multiple} times the target was not seen in {by} shares");
        }
    }

    #[test]
    fn an_honest_past_buys_no_time() {
        let (mut selection, mut random) = (Selection::default(), Random::new(7));
        assert!((0..100_000).all(|_| !selection.note(TARGET, random.reached(TARGET))));
        let mut cheat = below(2 * TARGET);
        assert!((0..100).any(|_| selection.note(TARGET, cheat(&mut random))));
    }

    #[test]
    fn keeping_every_second_good_one_is_seen_too() {
        let mut keeps = false;
        let seen = shares_until_seen(2_000, |random| {
            loop {
                let reached = random.reached(TARGET);
                if reached >= 2 * TARGET {
                    keeps = !keeps;
                    if keeps {
                        continue;
                    }
                }
                return reached;
            }
        });
        assert!(seen.is_some());
    }

    #[test]
    fn targets_at_the_end_of_the_scale_are_no_trouble() {
        let mut selection = Selection::default();
        assert!(!selection.note(u64::MAX, u64::MAX));
        assert!(!selection.note(0, 0));
    }
}
