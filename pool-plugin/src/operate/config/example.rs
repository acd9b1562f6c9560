//! The annotated configuration file that `snarkos pool config example` prints.

use super::keys::{self, Field, Key, Sample, Section};

const HEAD: &str = r##"# The configuration of an Aleo mining pool: `snarkos start --pool --pool-config FILE`.
#
# All keys. The values below are the defaults; a line that begins with "#" and no space has no default, or one
# that depends on the machine, or is of a table. A flag of the command line wins over its key. Check a file with
#     snarkos pool config check FILE
# and apply a changed one with `systemctl reload aleo-pool` (SIGHUP) or `snarkos pool admin reload --data DIR`.
# Keys marked [restart] take effect when the node is started again, all others at once.
"##;

/// Columns of the longest line.
const WIDTH: usize = 118;

/// Every key with its default, or commented out if it has none.
pub fn example() -> String {
    let mut text = HEAD.to_owned();
    let mut in_tables = false;
    for section in &keys::SECTIONS {
        match table(section) {
            None => text += &title(section.about),
            Some(table) => {
                if !std::mem::replace(&mut in_tables, true) {
                    text += &title("Tables: from here on the order matters");
                }
                text += &format!("\n{}#{table}\n", comment(&format!("{}.", section.about)));
            }
        }
        for key in section.keys {
            text += &match &key.sample {
                Sample::One(_) if key.table().is_some() => comment(&remark(key)) + &line(key) + "\n",
                Sample::One(_) => format!("\n{}{}\n", comment(&remark(key)), line(key)),
                Sample::Tables(fields) => {
                    comment(&remark(key)) + &fields.iter().map(of_field).collect::<String>()
                }
            };
        }
    }
    text.trim_end().to_owned()
}

/// The header of the section's table; `None`: its keys are at the top of the file.
fn table(section: &Section) -> Option<String> {
    let key = section.keys.first()?;
    match key.sample {
        Sample::Tables(_) => Some(format!("[[{}]]", key.name)),
        Sample::One(_) => key.table().map(|table| format!("[{table}]")),
    }
}

fn title(about: &str) -> String {
    format!("\n{:-<WIDTH$}\n", format!("# --- {about} "))
}

/// What a key is for.
fn remark(key: &Key) -> String {
    let default = match key.default {
        keys::DefaultValue::Described(words) => format!(" Default: {words}."),
        _ => String::new(),
    };
    let restart = if key.needs_restart() { " [restart]" } else { "" };
    format!("{}.{default}{restart}", key.doc)
}

/// A key with its default; if that is not the same everywhere, or the key is of a table, as a comment.
fn line(key: &Key) -> String {
    let (name, sample) = (key.short_name(), key.sample.one());
    match key.fixed_default() {
        Some(default) if key.table().is_none() => format!("{name} = {}", toml_of(&default)),
        Some(default) => format!("#{name} = {}", toml_of(&default)),
        None => format!("#{name} = {sample}"),
    }
}

fn of_field(Field { name, allowed, sample, doc }: &Field) -> String {
    comment(&format!("{doc}: {}.", allowed.in_words())) + &format!("#{name} = {sample}\n")
}

/// Lines that begin with `# `.
fn comment(text: &str) -> String {
    let mut lines = vec!["#".to_owned()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() < WIDTH => *line += &format!(" {word}"),
            _ => lines.push(format!("# {word}")),
        }
    }
    lines.join("\n") + "\n"
}

/// A value that is shown, as the file writes it: numbers with their digits in groups.
fn toml_of(shown: &str) -> String {
    if shown.is_empty() || !shown.bytes().all(|byte| byte.is_ascii_digit()) {
        return format!("\"{shown}\"");
    }
    let grouped = shown.len() > 4;
    let groups = shown.chars().enumerate().map(|(place, digit)| {
        let begins_group = grouped && place > 0 && (shown.len() - place).is_multiple_of(3);
        if begins_group { format!("_{digit}") } else { digit.to_string() }
    });
    groups.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::operate::config::{Config, NOT_SET};

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
        example().lines().map(uncomment).collect()
    }

    #[test]
    fn the_example_is_the_defaults() {
        assert_eq!(load(&example()), load(""));
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
        let text = example();
        let paragraphs: Vec<&str> = text.split("\n\n").collect();
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
            let needs_restart = keys::all().find(|key| key.name == entry.key).unwrap().needs_restart();
            assert_eq!(paragraph.contains("[restart]"), needs_restart, "{key}: {paragraph}");
        }
    }
}
