//! The tables of docs/configuration.md, which are made from the table of keys.

use std::{fs, path::PathBuf};

use super::keys::{self, DefaultValue, Field, Key, Sample, Section};

const BEGIN: &str = "<!-- from here on made from the table of keys -->\n";
const END: &str = "<!-- until here -->\n";
const HEAD: &str =
    "| key | flag | allowed | default | another value holds | what it is for |\n|---|---|---|---|---|---|\n";

fn section(section: &Section) -> String {
    format!("\n## {}\n\n{HEAD}{}", section.about, section.keys.iter().map(rows).collect::<String>())
}

fn rows(key: &Key) -> String {
    let flag = key.flag.as_ref().map(|flag| format!("`--{} {}`", flag.name, flag.value));
    let default = match (&key.default, key.default_in_words()) {
        (DefaultValue::Needed, _) => "must be set".to_owned(),
        (DefaultValue::Fixed, words) if words.is_empty() => "empty".to_owned(),
        (DefaultValue::Fixed, words) => format!("`{words}`"),
        (_, words) => words,
    };
    let when = if key.needs_restart() { "after a restart" } else { "at a reload" };
    let (name, fields) = match &key.sample {
        Sample::One(_) => (key.name.to_owned(), &[][..]),
        Sample::Tables(fields) => (format!("[[{}]]", key.name), *fields),
    };
    let own = row(&[
        &format!("`{name}`"),
        &flag.unwrap_or_default(),
        &key.allowed.in_words(),
        &default,
        when,
        key.doc,
    ]);
    let field = |Field { name, allowed, doc, .. }: &Field| {
        row(&[&format!("`{}.{name}`", key.name), "", &allowed.in_words(), "", when, doc])
    };
    own + &fields.iter().map(field).collect::<String>()
}

fn row(cells: &[&str]) -> String {
    let cells: Vec<_> = cells.iter().map(|cell| cell.replace('|', "\\|").replace('<', "&lt;")).collect();
    format!("| {} |\n", cells.join(" | "))
}

#[test]
fn the_documentation_is_the_table_of_keys() {
    let folder = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").unwrap());
    let file = folder.join("../docs/configuration.md");
    let text = fs::read_to_string(&file).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the line where the tables begin");
    let (written, after) = rest.split_once(END).expect("the line where the tables end");
    let made = keys::SECTIONS.iter().map(|keys| section(keys)).collect::<String>() + "\n";
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&file, format!("{before}{BEGIN}{made}{END}{after}")).unwrap();
        return;
    }
    for (written, made) in written.lines().zip(made.lines()) {
        assert_eq!(written, made, "{UPDATE}");
    }
    assert_eq!(written, made, "{UPDATE}");
}

const UPDATE: &str = "docs/configuration.md is not what the table of keys says. Make it again with\n    \
                      UPDATE_DOCS=1 cargo test --locked -p pool-plugin --lib operate::config::docs";
