//! Reads the tables of a configuration file, and collects the mistakes in them.

use toml::{Table, Value};

use super::Problem;

pub(super) struct TableReader<'a> {
    /// The file's name.
    pub(super) origin: &'a str,
    pub(super) problems: &'a mut Vec<Problem>,
}

impl TableReader<'_> {
    pub(super) fn problem(&mut self, key: &str, wrong: impl Into<String>, allowed: &str) {
        let (key, origin) = (key.to_owned(), self.origin.to_owned());
        self.problems.push(Problem { key, origin, wrong: wrong.into(), allowed: allowed.to_owned() });
    }

    pub(super) fn table<'v>(&mut self, key: &str, value: &'v Value, keys: &[&str]) -> Option<&'v Table> {
        let Value::Table(table) = value else {
            self.problem(key, "it is not a table", &format!("a table [{key}]"));
            return None;
        };
        for unknown in table.keys().filter(|name| !keys.contains(&name.as_str())) {
            self.problem(&format!("{key}.{unknown}"), "unknown key", &keys.join(", "));
        }
        Some(table)
    }

    pub(super) fn text(&mut self, key: &str, value: Option<&Value>) -> Option<String> {
        match value? {
            Value::String(text) => Some(text.clone()),
            other => {
                self.problem(key, format!("a {} stands where text belongs", other.type_str()), "text");
                None
            }
        }
    }

    /// A list of texts; a single text is a list of one.
    pub(super) fn texts(&mut self, key: &str, value: Option<&Value>) -> Vec<String> {
        let values = match value {
            None => return vec![],
            Some(Value::Array(values)) => values.as_slice(),
            Some(one) => std::slice::from_ref(one),
        };
        values.iter().filter_map(|value| self.text(key, Some(value))).collect()
    }
}
