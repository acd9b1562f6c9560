//! The flags and the file that were given, and what is wrong with them.

use std::{collections::BTreeSet, path::PathBuf};

use toml::{Table, Value};

use super::{
    Config, KeyFlags, Problem,
    keys::{self, DefaultValue, Given, Key, Wrong, near},
};

/// Reads one key after the other, and collects every mistake on the way.
pub(super) struct Settings<'a> {
    flags: &'a KeyFlags,
    file_name: String,
    file: Table,
    pub(super) problems: Vec<Problem>,
}

impl<'a> Settings<'a> {
    /// `file`: its name and its text, or the reason why it cannot be read.
    pub(super) fn new(flags: &'a KeyFlags, file: Option<(PathBuf, Result<String, String>)>) -> Self {
        let mut settings = Self { flags, file_name: String::new(), file: Table::new(), problems: vec![] };
        for name in
            flags.names().filter(|name| keys::all().all(|key| key.name != *name || key.flag.is_none()))
        {
            settings.problem(
                name,
                "flags".into(),
                "no key with a flag".to_owned().into(),
                "what --help lists",
            );
        }
        if let Some((path, text)) = file {
            settings.file_name = path.display().to_string();
            match text.and_then(|text| text.parse().map_err(|error| without_quoting(&text, &error))) {
                Ok(table) => {
                    settings.refuse_unknown(&table, "");
                    settings.file = table;
                }
                Err(wrong) => {
                    let file = settings.file_name.clone();
                    settings.problem("pool-config", file, wrong.into(), "a readable TOML file");
                }
            }
        }
        settings
    }

    pub(super) fn problem(&mut self, key: &str, origin: String, wrong: Wrong, allowed: &str) {
        let Wrong { what, near, allowed: instead } = wrong;
        let allowed = instead.unwrap_or_else(|| allowed.to_owned());
        self.problems.push(Problem { key: key.to_owned(), origin, wrong: what, near, allowed });
    }

    pub(super) fn is_set(&self, key: &str) -> bool {
        self.flags.get(key).is_some() || self.in_file(key).is_some()
    }

    /// The flag or the file that sets a key.
    pub(super) fn origin(&self, key: &Key) -> String {
        match &key.flag {
            Some(flag) if self.flags.get(key.name).is_some() => format!("--{}", flag.name),
            _ => self.file_name.clone(),
        }
    }

    /// Writes a key's value into the configuration. A flag wins over the file as a whole; only if the flag is wrong
    /// is the file's value checked too, since it may be the next to be used.
    pub(super) fn read(&mut self, key: &Key, config: &mut Config) {
        let before = self.problems.len();
        if let Some(values) = self.flags.get(key.name) {
            self.take(key, self.origin(key), (key.parse)(&Given::Flag(values), config));
            if self.problems.len() == before {
                return;
            }
        }
        let file = self.file_name.clone();
        match self.in_file(key.name) {
            Some(value) => {
                let wrong = (key.parse)(&Given::File(value), config);
                self.take(key, file, wrong);
            }
            None if self.is_missing(key) => {
                self.take(key, file, vec!["it is missing".to_owned().into()]);
            }
            None => {}
        }
    }

    fn take(&mut self, key: &Key, origin: String, wrong: Vec<Wrong>) {
        for wrong in wrong {
            self.problem(key.name, origin.clone(), wrong, &key.allowed.in_words());
        }
    }

    /// Whether the key's table is there and needs it.
    fn is_missing(&self, key: &Key) -> bool {
        matches!(key.default, DefaultValue::Needed)
            && key.table().and_then(|table| self.in_file(table)).is_some_and(Value::is_table)
    }

    /// `name`: of a key or a table, as `sinks.redis.url`.
    fn in_file(&self, name: &str) -> Option<&Value> {
        let mut names = name.split('.');
        let first = self.file.get(names.next()?);
        names.try_fold(first?, |value, name| value.get(name))
    }

    /// Lists the keys that are in no entry of the table of keys, and what is not a table but should be.
    /// `prefix`: the name of `table`, and a dot.
    fn refuse_unknown(&mut self, table: &Table, prefix: &str) {
        let below = || keys::all().filter_map(|key| key.name.strip_prefix(prefix));
        let known: BTreeSet<&'static str> =
            below().map(|name| name.split_once('.').map_or(name, |(table, _)| table)).collect();
        for name in table.keys().filter(|name| !known.contains(name.as_str())) {
            let wrong =
                Wrong { near: near(name, known.iter().copied()), ..Wrong::from("unknown key".to_owned()) };
            let allowed: Vec<_> = known.iter().copied().collect();
            self.problem(&format!("{prefix}{name}"), self.file_name.clone(), wrong, &allowed.join(", "));
        }
        for (name, value) in table {
            if below().any(|key| key.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('.'))) {
                let name = format!("{prefix}{name}");
                match value {
                    Value::Table(inner) => self.refuse_unknown(inner, &format!("{name}.")),
                    _ => {
                        let (file, allowed) = (self.file_name.clone(), format!("a table [{name}]"));
                        self.problem(&name, file, "it is not a table".to_owned().into(), &allowed);
                    }
                }
            }
        }
    }
}

/// Where and what, without the line itself: it may hold a password.
fn without_quoting(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let what = error.message().lines().map(str::trim).collect::<Vec<_>>().join(" ");
    format!("line {}: {what}", before.matches('\n').count() + 1)
}
