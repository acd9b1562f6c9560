//! The annotated configuration file that `snarkos pool config example` prints.

/// Every key with its default, or commented out if it has none.
pub const EXAMPLE: &str = include_str!("example.toml");

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::operate::config::{Config, NOT_SET, change::LIVE};

    fn load(file: &str) -> Config {
        Config::of_file(file).unwrap()
    }

    /// The example with every key set: lines that begin with `#` and no space are keys.
    fn all_set() -> String {
        let uncomment = |line: &str| match line.strip_prefix('#') {
            Some(key) if key.starts_with(|first: char| first == '[' || first.is_ascii_lowercase()) => {
                format!("{key}\n")
            }
            _ => format!("{line}\n"),
        };
        EXAMPLE.lines().map(uncomment).collect()
    }

    #[test]
    fn the_example_is_the_defaults() {
        assert_eq!(load(EXAMPLE), load(""));
    }

    #[test]
    fn the_example_has_every_key_and_all_of_them_parse() {
        let config = load(&all_set());
        // An empty location is a value too.
        let unset = config.entries().into_iter().filter(|entry| entry.value == NOT_SET);
        assert_eq!(unset.collect::<Vec<_>>(), []);
        let table: toml::Table = all_set().parse().unwrap();
        let written: BTreeSet<&str> = table.keys().map(String::as_str).collect();
        let entries = config.entries();
        let tops = entries.iter().map(|entry| entry.key.split('.').next().unwrap());
        assert_eq!(written, tops.collect(), "a key of the configuration is missing here or there");
    }

    #[test]
    fn the_example_says_which_keys_need_a_restart() {
        let paragraphs: Vec<&str> = EXAMPLE.split("\n\n").collect();
        for entry in load("").entries() {
            let (table, key) = entry.key.rsplit_once('.').unwrap_or(("", entry.key));
            let begins = [format!("{key} ="), format!("#{key} ="), format!("#[[{key}]]")];
            // The keys of one sink stand below the other's remark.
            let remark = match table {
                "" => key,
                "api" => "#[api]",
                _ => "#[sinks.redis]",
            };
            let of_key = |paragraph: &&&str| {
                let has = |line: &str| begins.iter().any(|begin| line.starts_with(begin));
                match remark {
                    table if table.starts_with('#') => paragraph.contains(table),
                    _ => paragraph.lines().filter(|line| !line.starts_with("#dialect")).any(has),
                }
            };
            let paragraph = paragraphs.iter().find(of_key).unwrap_or_else(|| panic!("{key} is missing"));
            assert_eq!(paragraph.contains("[restart]"), !LIVE.contains(&entry.key), "{key}: {paragraph}");
        }
    }
}
