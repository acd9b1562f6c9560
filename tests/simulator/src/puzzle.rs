//! A puzzle that costs nothing: its targets have the real distribution, and a counter that reaches a wanted
//! target is computed instead of searched for. So a synthetic miner can have any speed.

use rand::{Rng, RngExt};

/// What a counter reaches in an epoch: `T` or more with probability `1/T`.
pub fn target(epoch_hash: &[u8; 32], counter: u64) -> u64 {
    match mix(counter ^ key(epoch_hash)) {
        0 => u64::MAX,
        r => u64::MAX / r,
    }
}

/// A counter that reaches `target`, and randomly more.
pub fn counter_for(epoch_hash: &[u8; 32], target: u64, random: &mut impl Rng) -> u64 {
    let r = random.random_range(1..=u64::MAX / target.max(1));
    unmix(r) ^ key(epoch_hash)
}

fn key(epoch_hash: &[u8; 32]) -> u64 {
    epoch_hash.chunks_exact(8).fold(0, |key, chunk| {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        mix(key ^ u64::from_le_bytes(word))
    })
}

const FACTORS: [u64; 2] = [0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb];

/// The finaliser of SplitMix64, a bijection.
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(FACTORS[0]);
    bits = (bits ^ (bits >> 27)).wrapping_mul(FACTORS[1]);
    bits ^ (bits >> 31)
}

fn unmix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 31) ^ (bits >> 62)).wrapping_mul(inverse(FACTORS[1]));
    bits = (bits ^ (bits >> 27) ^ (bits >> 54)).wrapping_mul(inverse(FACTORS[0]));
    bits ^ (bits >> 30) ^ (bits >> 60)
}

/// The inverse of an odd number modulo 2^64, by Newton's method: each step doubles the bits that are right.
const fn inverse(odd: u64) -> u64 {
    let mut found = odd;
    let mut step = 0;
    while step < 5 {
        found = found.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(found)));
        step += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_counter_reaches_its_target() {
        let mut random = rand::rng();
        for wanted in [1, 2, 1_000, 1 << 40, u64::MAX] {
            for epoch in 0..20 {
                let hash = [epoch; 32];
                assert!(target(&hash, counter_for(&hash, wanted, &mut random)) >= wanted, "{wanted}");
            }
        }
    }

    #[test]
    fn one_counter_in_a_thousand_reaches_a_thousand() {
        let reached = (0..1_000_000).filter(|counter| target(&[3; 32], *counter) >= 1_000).count();
        assert!((850..1_150).contains(&reached), "{reached}");
    }

    #[test]
    fn a_counter_of_one_epoch_is_worth_nothing_in_another() {
        let mut random = rand::rng();
        let counter = counter_for(&[1; 32], 1 << 40, &mut random);
        assert!(target(&[2; 32], counter) < 1 << 40);
    }
}
