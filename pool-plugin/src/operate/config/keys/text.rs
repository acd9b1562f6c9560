//! Values as text.

use std::fmt::Display;

/// Stands for a value that is not set.
pub const NOT_SET: &str = "not set";

/// Stands for a secret.
pub(super) const MASK: &str = "***";

pub(super) fn optional(value: Option<impl Display>) -> String {
    value.map_or_else(|| NOT_SET.into(), |value| value.to_string())
}

pub(super) fn list(values: impl IntoIterator<Item = impl Display>) -> String {
    let texts: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
    if texts.is_empty() { NOT_SET.into() } else { texts.join(", ") }
}
