//! A whole in integer parts: the largest-remainder rule.
//!
//! Everyone gets the floor of the exact part; the units left over, fewer than there are parts, go one each
//! to the largest fractions. Equal fractions are served in the order the weights come in, which for accounts
//! is that of their names, bytewise.

/// `whole` in proportion to `weights`: parts in their order that add up to `whole`. `None` if the weights
/// add up to nothing, or to more than a `u128`.
pub fn split(whole: u64, weights: &[u128]) -> Option<Vec<u64>> {
    let sum = weights.iter().try_fold(0u128, |sum, weight| sum.checked_add(*weight))?;
    if sum == 0 {
        return None;
    }
    let exact: Vec<(u64, u128)> = weights.iter().map(|weight| part(whole, *weight, sum)).collect();
    let mut parts: Vec<u64> = exact.iter().map(|(floor, _)| *floor).collect();
    // At most `whole`, so it cannot overflow.
    let left = whole - parts.iter().sum::<u64>();
    let mut order: Vec<usize> = (0..exact.len()).collect();
    // Stable: equal fractions stay in order.
    order.sort_by(|one, other| exact[*other].1.cmp(&exact[*one].1));
    for (index, _) in order.into_iter().zip(0..left) {
        parts[index] += 1;
    }
    Some(parts)
}

/// Floor and remainder of `whole · weight / sum`, for `weight` at most `sum`. Long division, bit by bit:
/// the product may need 192 bits.
fn part(whole: u64, weight: u128, sum: u128) -> (u64, u128) {
    if let Some(product) = weight.checked_mul(u128::from(whole)) {
        // At most `whole`.
        return (u64::try_from(product / sum).unwrap_or(whole), product % sum);
    }
    let (mut floor, mut rest) = (0u64, 0u128);
    for bit in (0..u64::BITS).rev() {
        floor <<= 1;
        floor += u64::from(add_below(&mut rest, None, sum));
        if whole >> bit & 1 == 1 {
            floor += u64::from(add_below(&mut rest, Some(weight), sum));
        }
    }
    (floor, rest)
}

/// Adds `more` (`None`: itself) to `rest`, keeps it below `sum`, and says whether it had to be taken off.
fn add_below(rest: &mut u128, more: Option<u128>, sum: u128) -> bool {
    let more = more.unwrap_or(*rest);
    let over = *rest >= sum - more;
    *rest = if over { *rest - (sum - more) } else { *rest + more };
    over
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_largest_fractions_get_what_is_left() {
        // Exactly 1.6, 3.2 and 3.2 of 8.
        assert_eq!(split(8, &[1, 2, 2]), Some(vec![2, 3, 3]));
        // 3.33 each: the first of equals is served first.
        assert_eq!(split(10, &[1, 1, 1]), Some(vec![4, 3, 3]));
        assert_eq!(split(11, &[5, 5, 5]), Some(vec![4, 4, 3]));
        assert_eq!(split(1, &[1, 1_000_000]), Some(vec![0, 1]));
    }

    #[test]
    fn one_miner_gets_all_and_no_work_gets_nothing() {
        assert_eq!(split(7, &[3]), Some(vec![7]));
        assert_eq!(split(7, &[0, 3, 0]), Some(vec![0, 7, 0]));
        assert_eq!(split(0, &[1, 2]), Some(vec![0, 0]));
        assert_eq!(split(7, &[0, 0]), None);
        assert_eq!(split(7, &[]), None);
        assert_eq!(split(7, &[u128::MAX, 1]), None, "a sum beyond a u128");
    }

    #[test]
    fn a_million_miners_add_up() {
        let weights: Vec<u128> = (0..1_000_000u128).map(|miner| miner * 7_919 % 10_007).collect();
        for whole in [1, 999_999, 126_839_159, u64::MAX] {
            let parts = split(whole, &weights).unwrap();
            assert_eq!(parts.iter().map(|part| u128::from(*part)).sum::<u128>(), u128::from(whole));
            assert!(parts.iter().zip(&weights).all(|(part, weight)| *weight > 0 || *part == 0));
        }
    }

    #[test]
    fn weights_of_any_size_are_divided_exactly() {
        let half = u128::MAX / 2;
        assert_eq!(split(u64::MAX, &[half, half]), Some(vec![u64::MAX / 2 + 1, u64::MAX / 2]));
        assert_eq!(split(9, &[half, half / 2, half / 2]), Some(vec![5, 2, 2]));
        for (whole, weight, sum) in [(1u64 << 40, 7u128, 9u128), (u64::MAX, 1 << 63, (1 << 64) - 3)] {
            let product = u128::from(whole).checked_mul(weight).unwrap();
            let long = {
                let (mut floor, mut rest) = (0u64, 0u128);
                for bit in (0..64).rev() {
                    floor <<= 1;
                    floor += u64::from(add_below(&mut rest, None, sum));
                    if whole >> bit & 1 == 1 {
                        floor += u64::from(add_below(&mut rest, Some(weight), sum));
                    }
                }
                (u128::from(floor), rest)
            };
            assert_eq!(long, (product / sum, product % sum));
        }
    }

    fn weights() -> impl Strategy<Value = Vec<u128>> {
        let weight = prop_oneof![0..4u128, 0..1_000_000u128, 0..u128::MAX >> 8];
        prop::collection::vec(weight, 0..60)
    }

    proptest! {
        #[test]
        fn the_parts_are_the_whole_and_each_is_its_share_to_the_unit(whole: u64, weights in weights()) {
            let Some(parts) = split(whole, &weights) else {
                prop_assert_eq!(weights.iter().sum::<u128>(), 0);
                return Ok(());
            };
            prop_assert_eq!(parts.iter().map(|part| u128::from(*part)).sum::<u128>(), u128::from(whole));
            let sum: u128 = weights.iter().sum();
            for (given, weight) in parts.iter().zip(&weights) {
                let (floor, rest) = part(whole, *weight, sum);
                prop_assert!(*given == floor || (*given == floor + 1 && rest > 0));
            }
        }

        #[test]
        fn more_work_is_never_less_money(whole in 0..1_000_000u64, weights in weights()) {
            let Some(parts) = split(whole, &weights) else { return Ok(()) };
            for (one, first) in weights.iter().zip(&parts) {
                for (other, second) in weights.iter().zip(&parts) {
                    prop_assert!(one <= other || first >= second);
                }
            }
        }
    }
}
