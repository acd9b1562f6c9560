//! Accounts that hand in shares but no solutions: a miner that keeps its solutions back costs the pool their
//! rewards and takes its part of the others'. It cannot sell them elsewhere, since they name the pool's
//! address, but it can hurt.
//!
//! Finds are a Poisson process: work `w` at proof target `P` finds `w / P` on average. The probability of
//! finding so few by chance is shown, and the pool does nothing about it: with enough accounts somebody is
//! always that unlucky.

/// Below this probability an account is listed as suspect: one honest account in a hundred thousand.
pub const SUSPECT: f64 = 1e-5;

/// Below this probability of any honest account being so unlucky the pool's health shows it.
pub const ALARM: f64 = 1e-2;

/// An account's finds against its work.
#[derive(Clone, Debug, PartialEq)]
pub struct Finds {
    pub account: String,
    /// Solutions credited to it.
    pub found: u64,
    /// What its work should have found.
    pub expected: f64,
    /// The probability that an honest account finds so few or fewer.
    pub chance: f64,
}

impl Finds {
    /// `work`: its shares in proof targets: the sum of each target over the proof target at its time.
    pub fn new(account: String, found: u64, work: f64) -> Self {
        Self { account, found, expected: work, chance: poisson_tail(found, work) }
    }

    pub fn is_suspect(&self) -> bool {
        self.chance < SUSPECT
    }
}

/// Whether the unluckiest of all accounts is unlikely even among so many.
pub fn is_alarming(finds: &[Finds]) -> bool {
    let least = finds.iter().map(|finds| finds.chance).fold(1.0, f64::min);
    least * finds.len() as f64 <= ALARM && least < SUSPECT
}

/// The probability of `found` events or fewer where `expected` are expected.
pub fn poisson_tail(found: u64, expected: f64) -> f64 {
    if expected.is_nan() || expected <= 0.0 {
        return 1.0;
    }
    if found as f64 >= expected {
        // Not unlucky: the exact probability does not matter.
        return 1.0 - upper_tail(found, expected);
    }
    // The terms fall from the last to the first, so the sum may stop when they no longer matter. In
    // logarithms: e^-expected alone may be too small for a float.
    let last = ln_term(found, expected);
    let mut sum = 1.0;
    let mut term = 1.0;
    for count in (1..=found).rev() {
        term *= count as f64 / expected;
        sum += term;
        if term < sum * f64::EPSILON {
            break;
        }
    }
    (last + f64::ln(sum)).exp().min(1.0)
}

/// The probability of more than `found`.
fn upper_tail(found: u64, expected: f64) -> f64 {
    let mut count = found + 1;
    let mut term = ln_term(count, expected).exp();
    let mut sum = term;
    while term > sum * f64::EPSILON {
        count += 1;
        term *= expected / count as f64;
        sum += term;
    }
    sum.min(1.0)
}

/// The logarithm of the probability of exactly `count`.
fn ln_term(count: u64, expected: f64) -> f64 {
    count as f64 * expected.ln() - expected - ln_factorial(count)
}

/// Exact products for small numbers, Stirling's series beyond, which is then good to ten digits.
fn ln_factorial(number: u64) -> f64 {
    if number < 32 {
        return (2..=number).map(|factor| (factor as f64).ln()).sum();
    }
    let n = number as f64;
    n * n.ln() - n + 0.5 * (std::f64::consts::TAU * n).ln() + 1.0 / (12.0 * n) - 1.0 / (360.0 * n.powi(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(one: f64, other: f64) -> bool {
        (one - other).abs() <= 1e-6 * other.abs().max(1e-300)
    }

    #[test]
    fn tails_are_those_of_the_tables() {
        assert!(close(poisson_tail(0, 3.0), 0.049_787_068_367_863_94));
        assert!(close(poisson_tail(2, 5.0), 0.124_652_019_483_081_14));
        assert!(close(poisson_tail(5, 5.0), 0.615_960_654_833_063_1));
        assert!(close(poisson_tail(100, 50.0), 0.999_999_999_843_023_2));
        assert!(close(poisson_tail(60, 100.0), 1.081_221_817_024_430_7e-5));
        assert!(close(poisson_tail(0, 1_000.0).ln(), -1_000.0) || poisson_tail(0, 1_000.0) == 0.0);
        assert_eq!(poisson_tail(0, 0.0), 1.0);
        assert_eq!(poisson_tail(7, f64::NAN), 1.0);
    }

    #[test]
    fn the_two_ways_meet_and_more_finds_are_never_less_likely() {
        for expected in [0.5, 3.0, 31.5, 400.25, 1e6] {
            let middle = expected as u64;
            let chances: Vec<f64> =
                (middle.saturating_sub(5)..middle + 5).map(|found| poisson_tail(found, expected)).collect();
            assert!(chances.is_sorted(), "{chances:?}");
            assert!(chances.windows(2).all(|pair| pair[1] - pair[0] < 0.45), "{chances:?}");
        }
    }

    #[test]
    fn an_account_without_finds_becomes_suspect_with_its_work() {
        let finds = |found, work| Finds::new("ann".to_owned(), found, work);
        assert!(!finds(0, 0.0).is_suspect());
        assert!(!finds(0, 11.0).is_suspect());
        assert!(finds(0, 12.0).is_suspect());
        assert!(!finds(3, 12.0).is_suspect());
        assert!(finds(50, 100.0).is_suspect());
    }

    #[test]
    fn among_many_accounts_somebody_is_unlucky() {
        let unlucky = |expected| Finds::new("ann".to_owned(), 0, expected);
        let honest = || Finds::new("bob".to_owned(), 10, 10.0);
        let mut few = vec![unlucky(12.0), honest()];
        assert!(is_alarming(&few));
        few.extend((0..5_000).map(|_| honest()));
        assert!(!is_alarming(&few), "one in 160,000 is no surprise among 5,000");
        few.push(unlucky(30.0));
        assert!(is_alarming(&few));
        assert!(!is_alarming(&[]));
    }
}
