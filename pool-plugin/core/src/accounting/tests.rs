//! Credit is fair whatever the target: by simulation, and exactly.

/// A small, seeded generator (SplitMix64): the same draws on every machine.
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Above 0, at most 1.
    fn unit(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1u64 << 53) as f64
    }
}

/// The target a counter reaches, from the 64 bits of its root: the chain's rule.
fn reached(root: u64) -> u64 {
    u64::MAX.checked_div(root).unwrap_or(u64::MAX)
}

/// Shares of 250,000 and more: the sum is then known to a fifth of a percent.
const SHARES: u64 = 300_000;

#[test]
fn credit_for_an_attempt_is_the_same_at_every_small_target() {
    let mut draws = Draws(1);
    for target in [1u64, 2, 3, 7, 20, 64] {
        let attempts = SHARES * target;
        let shares = (0..attempts).filter(|_| reached(draws.next()) >= target).count();
        let credit = shares as f64 * target as f64 / attempts as f64;
        assert!((credit - 1.0).abs() < 0.01, "{credit} for an attempt at target {target}");
    }
}

#[test]
fn credit_for_an_attempt_is_the_same_at_every_large_target() {
    let mut draws = Draws(2);
    for target in [1_000u64, 100_000, 123_456_789, 1 << 40, 1 << 57] {
        // How many attempts a share takes, drawn at once instead of one by one.
        let chance = (u64::MAX / target + 1) as f64 / 2f64.powi(64);
        let attempts: f64 = (0..SHARES).map(|_| (draws.unit().ln() / (-chance).ln_1p()).ceil()).sum();
        let credit = SHARES as f64 * target as f64 / attempts;
        assert!((credit - 1.0).abs() < 0.01, "{credit} for an attempt at target {target}");
    }
}

/// Two miners of the same speed, one at a high target and one whose target changes with every share.
#[test]
fn who_changes_targets_earns_neither_more_nor_less() {
    let mut draws = Draws(3);
    let attempts = 16_000_000;
    let mut credit = [0u64; 2];
    let mut moving = 1;
    for _ in 0..attempts {
        credit[0] += if reached(draws.next()) >= 50 { 50 } else { 0 };
        if reached(draws.next()) >= moving {
            credit[1] += moving;
            moving = 1 + draws.next() % 60;
        }
    }
    let ratio = credit[0] as f64 / credit[1] as f64;
    assert!((ratio - 1.0).abs() < 0.01, "{ratio}");
    assert!((credit[0] as f64 / f64::from(attempts) - 1.0).abs() < 0.01);
}

/// Crediting what was reached instead would pay a lucky share without bound: the rule matters.
#[test]
fn credit_by_what_was_reached_would_not_be_fair() {
    let mut draws = Draws(4);
    let attempts = 2_000_000u64;
    let credited: u128 =
        (0..attempts).map(|_| reached(draws.next())).filter(|reached| *reached >= 20).map(u128::from).sum();
    assert!(credited > u128::from(attempts) * 5);
}

/// A counter reaches `target` if its 64 bits are at most `u64::MAX / target`: no draw needed.
#[test]
fn the_chance_of_a_share_is_one_in_target_to_a_percent_up_to_2_to_the_57() {
    let mut draws = Draws(5);
    for _ in 0..100_000 {
        let target = (draws.next() >> 7 >> (draws.next() % 57)).max(1);
        let roots = u128::from(u64::MAX / target) + 1;
        let expected = (roots * u128::from(target)) as f64 / 2f64.powi(64);
        assert!((expected - 1.0).abs() < 0.01, "{expected} at {target}");
    }
}
