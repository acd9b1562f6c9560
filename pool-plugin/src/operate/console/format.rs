//! Numbers in the format people read. Pure.

use pool_core::hashrate;
pub(super) use pool_core::types::{counted, grouped};

use crate::operate::view::Decimal;

const MICROCREDITS: u128 = 1_000_000;

/// Stands for an unknown value.
pub(super) const NONE: &str = "-";

/// `1.25 G/s`: attempts a second.
pub(super) fn rate(rate: f64) -> String {
    hashrate::text(rate).replace("attempts/s", "/s").replace(" /s", "/s")
}

/// `12,345.678901`: microcredits as credits.
pub(super) fn credits(microcredits: Decimal) -> String {
    let (whole, part) = (microcredits.0 / MICROCREDITS, microcredits.0 % MICROCREDITS);
    format!("{}.{part:06}", grouped(whole))
}

/// Whole credits.
pub(super) fn round_credits(microcredits: Decimal) -> String {
    grouped(microcredits.0 / MICROCREDITS)
}

/// `3 min`: how long ago, or how long.
pub(super) fn span(seconds: u64) -> String {
    match (seconds / 86_400, seconds / 3_600, seconds / 60) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {} min", minutes % 60),
        (days, hours, _) => format!("{days} d {} h", hours % 24),
    }
}

/// How long ago a moment was; both in Unix seconds.
pub(super) fn ago(then: Option<u64>, now: u64) -> String {
    then.map_or_else(|| NONE.to_owned(), |then| format!("{} ago", span(now.saturating_sub(then))))
}

/// `135 %`.
pub(super) fn percent(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| NONE.to_owned(), |ratio| format!("{:.0} %", ratio * 100.0))
}

/// Received text, without the characters that would control a terminal.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|one| if one.is_control() { '\u{fffd}' } else { one }).collect()
}

/// The beginning and the end of an address or a hash.
pub(super) fn short(text: &str) -> String {
    match text.char_indices().count() {
        0..=20 => plain(text),
        count => {
            let head: String = text.chars().take(10).collect();
            let tail: String = text.chars().skip(count - 6).collect();
            plain(&format!("{head}…{tail}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_credits_keep_every_digit() {
        assert_eq!([grouped(0u32), grouped(999u32), grouped(1_000u32)], ["0", "999", "1,000"]);
        assert_eq!(grouped(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!(credits(Decimal(1_234_567_000_001)), "1,234,567.000001");
        assert_eq!(credits(Decimal(5)), "0.000005");
    }

    #[test]
    fn spans_and_rates_are_short() {
        let spans = [span(59), span(61), span(3_660), span(90_000)];
        assert_eq!(spans, ["59 s", "1 min", "1 h 1 min", "1 d 1 h"]);
        assert_eq!([rate(0.0), rate(1_250_000_000.0)], ["0.00/s", "1.25 G/s"]);
        assert_eq!(ago(Some(40), 100), "1 min ago");
        assert_eq!(ago(None, 100), "-");
        assert_eq!(percent(Some(1.349)), "135 %");
    }

    #[test]
    fn a_name_cannot_move_the_cursor() {
        assert_eq!(plain("rig\u{1b}[2J\n"), "rig\u{fffd}[2J\u{fffd}");
        assert_eq!(
            short("aleo1rhgdu77hgyqd3xjj8ucu3jj9r2krwz6mnzyd80gncr5fxcwlh5rsvzp9px"),
            "aleo1rhgdu…vzp9px"
        );
        assert_eq!(short("alice"), "alice");
    }
}
