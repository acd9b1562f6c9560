//! Whole numbers within bounds.

use std::str::FromStr;

/// Reads a number from `low` to `high`; its digits may be grouped with `_`.
pub(super) fn in_range<T: FromStr + PartialOrd>(text: &str, low: T, high: T) -> Result<T, String> {
    let digits_only = text.replace('_', "");
    let number: T =
        digits_only.parse().map_err(|_| format!("'{text}' is not a whole number in the range"))?;
    match number >= low && number <= high {
        true => Ok(number),
        false => Err(format!("{text} is out of range")),
    }
}
