//! The operator's bans and allow-list on disk: `access.json`, an entry a line.
//!
//! ```text
//! {"network":"192.0.2.0/24","kind":"ban","until":1790000000,"reason":"a flood"}
//! {"network":"198.51.100.7/32","kind":"allow"}
//! ```

use std::{io, path::Path};

use pool_core::json_lines::{self, BrokenLine};

use super::access::AccessRule;

/// Reads the entries; skips invalid lines and returns them separately.
pub fn load(path: &Path) -> io::Result<(Vec<AccessRule>, Vec<BrokenLine>)> {
    let (entries, broken) = json_lines::parse::<AccessRule>(&json_lines::read(path)?);
    Ok((entries.into_iter().map(|(_, entry)| entry).collect(), broken))
}

/// Writes the entries in place of the old ones.
pub fn save(path: &Path, entries: &[AccessRule]) -> io::Result<()> {
    let mut text = String::new();
    for entry in entries {
        text.push_str(&serde_json::to_string(entry).map_err(io::Error::other)?);
        text.push('\n');
    }
    json_lines::replace(path, &text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stratum::guard::access::RuleKind;

    #[test]
    fn what_is_saved_is_loaded_and_a_broken_line_costs_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.json");
        assert_eq!(load(&path).unwrap(), (vec![], vec![]));
        let entry = |network: &str, kind, until| AccessRule {
            network: network.parse().unwrap(),
            kind,
            until,
            reason: "a test".into(),
        };
        let all =
            [entry("192.0.2.0/24", RuleKind::Ban, Some(7)), entry("2001:db8::/32", RuleKind::Allow, None)];
        save(&path, &all).unwrap();
        assert_eq!(load(&path).unwrap(), (all.to_vec(), vec![]));

        let mut text = std::fs::read_to_string(&path).unwrap();
        text.insert_str(0, "{\"network\":\"nonsense\",\"kind\":\"ban\"}\n");
        std::fs::write(&path, text).unwrap();
        let (entries, broken) = load(&path).unwrap();
        assert_eq!((entries.len(), broken[0].number), (2, 1));
    }
}
