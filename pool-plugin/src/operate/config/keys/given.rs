//! A value as it was given, by a flag or by the file, on its way into the configuration.

use toml::{Table, Value};

use super::{Field, near};

/// Where a value comes from.
pub enum Given<'a> {
    /// A flag: its values, several if the flag was repeated.
    Flag(&'a [String]),
    File(&'a Value),
}

/// What is wrong with a value.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong {
    pub what: String,
    /// A name that was probably meant.
    pub near: Option<&'static str>,
    /// What is allowed instead; `None`: what the key's entry says.
    pub allowed: Option<String>,
}

impl From<String> for Wrong {
    fn from(what: String) -> Self {
        Self { what, near: None, allowed: None }
    }
}

impl Wrong {
    /// With the one of `names` that `word` was probably meant to be.
    pub fn suggest(what: String, word: &str, names: &[&'static str]) -> Self {
        Self { what, near: near(word, names.iter().copied()), allowed: None }
    }
}

impl Given<'_> {
    /// Reads one value. A file may write a number with or without quotes.
    pub fn one<T, E: Into<Wrong>>(&self, to: &mut T, parse: impl Fn(&str) -> Result<T, E>) -> Vec<Wrong> {
        let text = |value: &Value| match value {
            Value::Integer(number) => Ok(number.to_string()),
            value => text_of(value, "text or a whole number belongs"),
        };
        self.set(to, text, parse)
    }

    /// Reads one value that a file writes as text.
    pub fn text<T, E: Into<Wrong>>(&self, to: &mut T, parse: impl Fn(&str) -> Result<T, E>) -> Vec<Wrong> {
        self.set(to, |value| text_of(value, "text belongs"), parse)
    }

    /// Reads one of `names`.
    pub fn choice<T>(
        &self,
        to: &mut T,
        names: fn() -> Vec<&'static str>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Vec<Wrong> {
        self.one(to, |text| parse(text).map_err(|what| Wrong::suggest(what, text, &names())))
    }

    /// Reads as many values as there are: a repeated flag, or texts in the file, where one text is a list of one.
    /// `stands`: what is said of another type, after "a … stands where".
    pub fn list<T, E: Into<Wrong>>(
        &self,
        to: &mut Vec<T>,
        stands: &str,
        mut parse: impl FnMut(&str) -> Result<T, E>,
    ) -> Vec<Wrong> {
        let texts: Vec<Result<String, String>> = match self {
            Self::Flag(texts) => texts.iter().cloned().map(Ok).collect(),
            Self::File(Value::Array(values)) => values.iter().map(|value| text_of(value, stands)).collect(),
            Self::File(value) => vec![text_of(value, stands)],
        };
        replace(to, texts.into_iter().map(|text| parse(&text?).map_err(Into::into)))
    }

    fn set<T, E: Into<Wrong>>(
        &self,
        to: &mut T,
        text: impl Fn(&Value) -> Result<String, String>,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Vec<Wrong> {
        let texts = match self {
            Self::Flag(texts) => texts.iter().cloned().map(Ok).collect(),
            Self::File(value) => vec![text(value)],
        };
        let mut wrong = vec![];
        for text in texts {
            match text.map_err(Wrong::from).and_then(|text| parse(&text).map_err(Into::into)) {
                Ok(value) => *to = value,
                Err(reason) => wrong.push(reason),
            }
        }
        wrong
    }
}

/// Puts the good values in the place of those in `to`; returns what is wrong with the others.
pub fn replace<T>(to: &mut Vec<T>, read: impl Iterator<Item = Result<T, Wrong>>) -> Vec<Wrong> {
    let mut wrong = vec![];
    *to = read.filter_map(|value| value.map_err(|reason| wrong.push(reason)).ok()).collect();
    wrong
}

/// The first key of a table that none of the fields has. `owner`: what has these fields, as "a port".
pub fn unknown_field(table: &Table, owner: &str, fields: &[Field]) -> Option<Wrong> {
    let names: Vec<&'static str> = fields.iter().map(|field| field.name).collect();
    let unknown = table.keys().find(|key| !names.contains(&key.as_str()))?;
    Some(Wrong::suggest(format!("{owner} has no key '{unknown}'"), unknown, &names))
}

fn text_of(value: &Value, stands: &str) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        other => Err(format!("a {} stands where {stands}", other.type_str())),
    }
}
