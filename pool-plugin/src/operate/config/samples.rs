//! Files for tests, made of the samples of the keys.

use std::fmt::Write;

use super::keys::{self, DefaultValue, Key, Sample};

/// What is refused without the other.
const TOGETHER: [(&str, &str); 3] =
    [("tls_certificate", "tls_key"), ("tls_key", "tls_certificate"), ("capture_address", "capture")];

/// A file that sets one key, and what it cannot be set without.
pub(super) fn of(key: &Key) -> String {
    let belongs = |other: &Key| {
        let is_needed = matches!(other.default, DefaultValue::Needed) && other.table() == key.table();
        other.name == key.name || is_needed || TOGETHER.contains(&(key.name, other.name))
    };
    file(|other| belongs(other).then(|| other.sample.one().to_owned()))
}

/// A file with the keys for which there is a value; a key that is `[[tables]]` gets its samples.
pub(super) fn file(value: impl Fn(&Key) -> Option<String>) -> String {
    let (mut text, mut open) = (String::new(), None);
    for key in keys::all() {
        let Some(value) = value(key) else { continue };
        if let Sample::Tables(fields) = &key.sample {
            writeln!(text, "[[{}]]", key.name).unwrap();
            for field in *fields {
                writeln!(text, "{} = {}", field.name, field.sample).unwrap();
            }
            continue;
        }
        if key.table() != open {
            writeln!(text, "[{}]", key.table().unwrap()).unwrap();
            open = key.table();
        }
        writeln!(text, "{} = {value}", key.short_name()).unwrap();
    }
    text
}
