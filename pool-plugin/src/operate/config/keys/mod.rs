//! The table of keys: each key of the configuration is one entry of a section below. The flags, the reader of the
//! file, the example file, docs/configuration.md, what is shown and what a reload applies all come from it.

mod addresses;
mod api;
mod connect;
mod data;
mod given;
mod near;
mod ports;
mod range;
mod rewards;
mod shares;
mod sinks;
#[cfg(test)]
mod tests;
mod text;
mod webhooks;

pub use api::ApiConfig;
pub use connect::AcceptConfig;
pub use sinks::{PostgresConfig, RedisConfig, SinksConfig};
pub use text::NOT_SET;

pub(super) use given::{Given, Wrong};
pub(super) use near::near;

use super::Config;

/// In the order of the example file.
pub(super) static SECTIONS: [&Section; 9] = [
    &connect::SECTION,
    &rewards::SECTION,
    &shares::SECTION,
    &data::SECTION,
    &api::SECTION,
    &ports::SECTION,
    &sinks::REDIS,
    &sinks::POSTGRES,
    &webhooks::SECTION,
];

/// Keys that belong together.
pub(super) struct Section {
    /// What they are about, in a few words.
    pub about: &'static str,
    pub keys: &'static [Key],
}

/// A key of the configuration.
pub(super) struct Key {
    /// As the file has it; `sinks.redis.url` is the `url` of the table `[sinks.redis]`.
    pub name: &'static str,
    /// `None`: only a file can set it.
    pub flag: Option<Flag>,
    pub allowed: Allowed,
    pub default: DefaultValue,
    pub sample: Sample,
    /// What it is for. Sentences in Markdown, without the last full stop.
    pub doc: &'static str,
    pub reload: Reload,
    /// Writes a given value into a configuration; what is wrong with it otherwise.
    pub parse: fn(&Given<'_>, &mut Config) -> Vec<Wrong>,
    pub show: Show,
}

/// A flag of `snarkos start`.
pub(super) struct Flag {
    /// Without the two dashes.
    pub name: &'static str,
    /// What `--help` calls its value.
    pub value: &'static str,
    /// Whether it may be given several times.
    pub many: bool,
}

/// The allowed values.
pub(super) enum Allowed {
    /// In words.
    Words(&'static str),
    /// In words that contain a list of names which is kept elsewhere.
    Built(fn() -> String),
    /// One of these names.
    OneOf(fn() -> Vec<&'static str>),
}

/// What holds if a key is not set.
pub(super) enum DefaultValue {
    /// The value that [`Config::defaults`] has, or its table if that is set.
    Fixed,
    /// What these words say; it depends on the node or the machine.
    Described(&'static str),
    /// Nothing is set.
    Absent,
    /// A mistake, if the key's table is there.
    Needed,
}

/// A valid value that is not the default, for the example file, docs and tests.
pub(super) enum Sample {
    /// As TOML.
    One(&'static str),
    /// For `[[tables]]`: the fields of each.
    Tables(&'static [Field]),
}

impl Sample {
    /// The value; of `[[tables]]` none.
    pub const fn one(&self) -> &'static str {
        match self {
            Self::One(value) => value,
            Self::Tables(_) => "",
        }
    }
}

/// A field of `[[tables]]`.
pub(super) struct Field {
    pub name: &'static str,
    pub allowed: Allowed,
    /// A valid value, as TOML.
    pub sample: &'static str,
    /// What it is for, in a few words.
    pub doc: &'static str,
}

/// When another value of a key takes effect.
pub(super) enum Reload {
    /// At a reload: copies the value from the second configuration into the first.
    Now(fn(&mut Config, &Config)),
    /// When the node is started again.
    Restart,
}

/// A value as text, or [`NOT_SET`].
pub(super) enum Show {
    Whole(fn(&Config) -> String),
    /// Without what is secret in it; and whether two configurations have the same value, the secret included.
    Masked(fn(&Config) -> String, fn(&Config, &Config) -> bool),
}

/// Every key, in the order of the example file.
pub(super) fn all() -> impl Iterator<Item = &'static Key> {
    SECTIONS.iter().flat_map(|section| section.keys)
}

/// Every key, sorted by name.
pub(super) fn by_name() -> Vec<&'static Key> {
    let mut keys: Vec<_> = all().collect();
    keys.sort_unstable_by_key(|key| key.name);
    keys
}

impl Key {
    /// The table that contains it, if any.
    pub fn table(&self) -> Option<&'static str> {
        self.name.rsplit_once('.').map(|(table, _)| table)
    }

    /// Its name within its table.
    pub fn short_name(&self) -> &'static str {
        self.name.rsplit_once('.').map_or(self.name, |(_, name)| name)
    }

    pub fn needs_restart(&self) -> bool {
        matches!(self.reload, Reload::Restart)
    }

    /// Its value in `config`, without secrets.
    pub fn shown(&self, config: &Config) -> String {
        match self.show {
            Show::Whole(show) | Show::Masked(show, _) => show(config),
        }
    }

    /// Whether two values that look the same when shown are the same.
    pub fn same_secret(&self, left: &Config, right: &Config) -> bool {
        match self.show {
            Show::Whole(_) => true,
            Show::Masked(_, same) => same(left, right),
        }
    }

    /// Its default as it is shown, if it is the same on every machine.
    pub fn fixed_default(&self) -> Option<String> {
        let DefaultValue::Fixed = self.default else { return None };
        let mut config = Config::defaults(None, Default::default(), 1);
        // A table that has nothing but what it needs.
        let needed = |key: &&Key| key.table() == self.table() && matches!(key.default, DefaultValue::Needed);
        for key in all().filter(needed) {
            (key.parse)(&Given::Flag(&[key.sample.one().trim_matches('"').to_owned()]), &mut config);
        }
        Some(self.shown(&config))
    }

    /// The default in words; empty if there is none.
    pub fn default_in_words(&self) -> String {
        match self.default {
            DefaultValue::Described(words) => words.to_owned(),
            _ => self.fixed_default().unwrap_or_default(),
        }
    }
}

impl Flag {
    pub const fn new(name: &'static str, value: &'static str) -> Option<Self> {
        Some(Self { name, value, many: false })
    }

    pub const fn many(name: &'static str, value: &'static str) -> Option<Self> {
        Some(Self { name, value, many: true })
    }
}

impl Allowed {
    pub fn in_words(&self) -> String {
        match self {
            Self::Words(words) => (*words).to_owned(),
            Self::Built(build) => build(),
            Self::OneOf(names) => one_of(&names()),
        }
    }
}

/// `a, b or c`.
fn one_of(names: &[&str]) -> String {
    match names {
        [names @ .., last] if !names.is_empty() => format!("{} or {last}", names.join(", ")),
        names => names.concat(),
    }
}
