//! Near misses: the name that was probably meant.

/// The nearest of `names`, if a third of the word's letters or fewer have to change, or one. `None` for one of the
/// names itself.
pub fn near<'n>(word: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let lower = word.to_lowercase();
    let most = (lower.chars().count() / 3).max(1);
    let distance = |name: &'n str| (strsim::damerau_levenshtein(&lower, name), name);
    let (least, name) = names.into_iter().map(distance).min_by_key(|(distance, _)| *distance)?;
    (least <= most && name != word).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_miss_is_recognised_and_nothing_else() {
        let names = ["open", "closed", "share_target", "share_interval"];
        for (word, meant) in [
            ("share_taget", Some("share_target")),
            ("share-target", Some("share_target")),
            ("SHARE_TARGET", Some("share_target")),
            ("pool_share_target", Some("share_target")),
            ("poen", Some("open")),
            ("close", Some("closed")),
            ("open", None),
            ("some", None),
            ("", None),
            ("requests", None),
        ] {
            assert_eq!(near(word, names), meant, "{word}");
        }
        assert_eq!(near("open", []), None);
    }
}
