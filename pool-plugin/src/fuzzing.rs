//! What a fuzz target does with files that people write: reads all of them. Panics if a line is lost or
//! counted twice.

use pool_core::json_lines::{self, BrokenLine};

use crate::stratum::{guard::access::AccessRule, server::capture::transcript, users::file};

/// Parses the text as `users.json`, `access.json` and a capture, whichever it is.
pub fn read_files(text: &str) {
    let lines = text.lines().filter(|line| !line.trim().is_empty()).count();
    let (users, broken) = file::parse(text);
    check(lines, users.len(), &broken);
    let names: std::collections::HashSet<_> = users.iter().map(|user| &user.username).collect();
    assert_eq!(names.len(), users.len(), "a user is read twice");

    let (entries, broken) = json_lines::parse::<AccessRule>(text);
    check(lines, entries.len(), &broken);
    for (_, entry) in entries {
        let written = serde_json::to_string(&entry).unwrap_or_default();
        assert_eq!(serde_json::from_str::<AccessRule>(&written).ok(), Some(entry), "{written}");
    }

    if let Ok(transcript) = transcript::from_capture(text) {
        assert!(transcript.lines().any(|line| line.starts_with("-> ")), "nobody speaks: {transcript}");
    }
}

/// Every line is either valid or reported, in order.
fn check(lines: usize, good: usize, broken: &[BrokenLine]) {
    assert_eq!(good + broken.len(), lines);
    assert!(broken.is_sorted_by(|one, next| one.number < next.number), "{broken:?}");
}
