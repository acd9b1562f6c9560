//! The notations of a counter.
//!
//! The specification says decimal; existing miners also write hexadecimal, with `0x` and without, and plain
//! JSON numbers. All become the same `u64` before anything is compared, so no notation makes a share new.
//!
//! A text of digits only is decimal. That is wrong for a miner that writes 16 hexadecimal digits, for the one
//! counter in 1,844 that has no letter among them. So once a session has sent an unprefixed hexadecimal
//! counter with a letter, its 16-digit texts are read as hexadecimal; a miner that writes decimal never sends
//! such a letter and is never misread.

use serde_json::Value;

use super::extranonce::Prefix;

/// A raw counter: it is parsed only once the session and the job are known to be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RawCounter {
    Number(u64),
    Text(String),
    /// The part after the session's prefix, and the whole counter, both in hexadecimal; either may be empty.
    Parts {
        rest: String,
        whole: String,
    },
    /// A JSON value that cannot be a counter: a fraction, a negative number, a list…
    Other,
}

/// Reads a session's counters.
#[derive(Clone, Copy, Debug, Default)]
pub struct CounterReader {
    writes_bare_hex: bool,
    /// The prefix, which a counter in parts omits.
    prefix: Option<Prefix>,
}

impl From<&Value> for RawCounter {
    fn from(value: &Value) -> Self {
        match value {
            Value::Number(number) => number.as_u64().map_or(Self::Other, Self::Number),
            Value::String(text) => Self::Text(text.clone()),
            _ => Self::Other,
        }
    }
}

impl CounterReader {
    /// The session has this prefix.
    pub fn begin_with(&mut self, prefix: Option<Prefix>) {
        self.prefix = prefix;
    }

    /// The counter, or `None` if it is not one.
    pub fn read(&mut self, raw: &RawCounter) -> Option<u64> {
        match raw {
            RawCounter::Number(counter) => Some(*counter),
            RawCounter::Text(text) => self.read_text(text),
            RawCounter::Parts { rest, whole } => self.read_parts(rest, whole),
            RawCounter::Other => None,
        }
    }

    fn read_text(&mut self, text: &str) -> Option<u64> {
        if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            return hexadecimal(digits);
        }
        if self.writes_bare_hex && text.len() == 16 {
            return hexadecimal(text);
        }
        if let Some(counter) = decimal(text) {
            return Some(counter);
        }
        let counter = hexadecimal(text)?;
        self.writes_bare_hex = true;
        Some(counter)
    }

    /// A counter in parts: if both are present, they must agree. A rest of 16 digits is a whole counter, for
    /// miners that ignore the prefix.
    fn read_parts(&self, rest: &str, whole: &str) -> Option<u64> {
        let read_whole = |text: &str| if text.len() == 16 { hexadecimal(text) } else { None };
        let read_rest = |text: &str| match self.prefix {
            Some(prefix) if text.len() == Prefix::OWN_DIGITS => hexadecimal(text).map(|own| prefix.with(own)),
            _ => read_whole(text),
        };
        match (rest, whole) {
            ("", whole) => read_whole(whole),
            (rest, "") => read_rest(rest),
            (rest, whole) => read_whole(whole).filter(|counter| read_rest(rest) == Some(*counter)),
        }
    }
}

// `u64::from_str` alone would also accept a plus sign.
fn decimal(digits: &str) -> Option<u64> {
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

fn hexadecimal(digits: &str) -> Option<u64> {
    let well_formed = (1..=16).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !well_formed {
        return None;
    }
    u64::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Option<u64> {
        CounterReader::default().read(&RawCounter::from(&value))
    }

    #[test]
    fn the_four_spellings_are_one_counter() {
        for spelling in [json!("255"), json!("0xff"), json!("0XFF"), json!("ff"), json!("FF"), json!(255)] {
            assert_eq!(read(spelling.clone()), Some(255), "{spelling}");
        }
        assert_eq!(read(json!("18446744073709551615")), Some(u64::MAX));
        assert_eq!(read(json!(u64::MAX)), Some(u64::MAX));
        assert_eq!(read(json!("ffffffffffffffff")), Some(u64::MAX));
        assert_eq!(read(json!("007")), Some(7));
    }

    #[test]
    fn what_is_not_a_counter_is_refused() {
        for wrong in [
            json!(""),
            json!("0x"),
            json!(" 1"),
            json!("1 "),
            json!("+1"),
            json!("-1"),
            json!("1e3"),
            json!("1.0"),
            json!("0x1g"),
            json!("0x00000000000000001"),
            json!("18446744073709551616"),
            json!("99999999999999999999"),
            json!("٣"),
            json!(-1),
            json!(1.5),
            json!(1e3),
            json!(null),
            json!(true),
            json!([1]),
            json!({"counter": 1}),
        ] {
            // "1e3" without a prefix is three hexadecimal digits: a counter after all.
            let expected = if wrong == json!("1e3") { Some(0x1e3) } else { None };
            assert_eq!(read(wrong.clone()), expected, "{wrong}");
        }
        assert_eq!(read(serde_json::from_str("18446744073709551616").unwrap()), None);
    }

    #[test]
    fn digits_alone_are_decimal_until_the_session_has_written_hexadecimal() {
        let sixteen = RawCounter::Text("1234567890123456".into());
        let mut reader = CounterReader::default();
        assert_eq!(reader.read(&sixteen), Some(1_234_567_890_123_456));
        assert_eq!(reader.read(&RawCounter::Text("00000000000000ff".into())), Some(255));
        assert_eq!(reader.read(&sixteen), Some(0x1234_5678_9012_3456));
        assert_eq!(reader.read(&RawCounter::Text("12345".into())), Some(12_345));
    }

    #[test]
    fn a_prefixed_counter_says_nothing_of_the_others() {
        let mut reader = CounterReader::default();
        assert_eq!(reader.read(&RawCounter::Text("0xff".into())), Some(255));
        assert_eq!(reader.read(&RawCounter::Text("1234567890123456".into())), Some(1_234_567_890_123_456));
    }

    proptest! {
        #[test]
        fn every_spelling_of_a_counter_reads_the_same(counter: u64) {
            prop_assert_eq!(read(json!(counter.to_string())), Some(counter));
            prop_assert_eq!(read(json!(counter)), Some(counter));
            prop_assert_eq!(read(json!(format!("0x{counter:x}"))), Some(counter));
            prop_assert_eq!(read(json!(format!("0x{counter:016X}"))), Some(counter));
            let bare = format!("{counter:016x}");
            if bare.bytes().any(|byte| byte.is_ascii_alphabetic()) {
                prop_assert_eq!(read(json!(bare)), Some(counter));
            }
        }

        #[test]
        fn a_session_of_bare_hexadecimal_is_never_misread(counters: Vec<u64>) {
            let mut reader = CounterReader { writes_bare_hex: true, prefix: None };
            for counter in counters {
                let raw = RawCounter::Text(format!("{counter:016x}"));
                prop_assert_eq!(reader.read(&raw), Some(counter));
            }
        }

        #[test]
        fn a_session_of_decimals_is_never_misread(counters: Vec<u64>) {
            let mut reader = CounterReader::default();
            for counter in counters {
                prop_assert_eq!(reader.read(&RawCounter::Text(counter.to_string())), Some(counter));
            }
        }

        #[test]
        fn no_text_harms_the_reader(text: String) {
            let _ = read(json!(text));
        }
    }
}
