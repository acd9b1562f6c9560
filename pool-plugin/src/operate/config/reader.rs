//! Takes one key after the other from its flag or the file.

use std::path::PathBuf;

use pool_core::types::Address;
use toml::{Table, Value};

use super::{Problem, addresses, ports};

/// Besides those of the entrance.
const KEYS: &[&str] = &[
    "address",
    "api",
    "capture",
    "capture_address",
    "data",
    "fees",
    "fixed_share_target",
    "listen",
    "max_connections",
    "keep_shares_days",
    "min_share_target",
    "node",
    "port",
    "puzzle",
    "release",
    "scheme",
    "share_interval",
    "share_target",
    "sinks",
    "stall_close",
    "stall_refuse",
    "verify_threads",
    "webhook",
];

/// Takes one key after the other from its flag or the file, and collects what is wrong on the way.
pub(super) struct Reader {
    pub(super) file_name: String,
    pub(super) table: Table,
    pub(super) problems: Vec<Problem>,
}

impl Reader {
    /// `more_keys`: what a file may have besides [`KEYS`].
    pub(super) fn new(file: Option<(PathBuf, Result<String, String>)>, more_keys: &[&'static str]) -> Self {
        let Some((path, text)) = file else {
            return Self { file_name: String::new(), table: Table::new(), problems: vec![] };
        };
        let file_name = path.display().to_string();
        let mut problems = vec![];
        let parsed =
            text.and_then(|text| text.parse::<Table>().map_err(|error| without_quoting(&text, &error)));
        let table = parsed.unwrap_or_else(|wrong| {
            problems.push(Problem {
                key: "pool-config".into(),
                origin: file_name.clone(),
                wrong,
                allowed: "a readable TOML file".into(),
            });
            Table::new()
        });
        let known: Vec<&str> = KEYS.iter().copied().chain(more_keys.iter().copied()).collect();
        for key in table.keys().filter(|key| !known.contains(&key.as_str())) {
            problems.push(Problem {
                key: key.clone(),
                origin: file_name.clone(),
                wrong: "unknown key".into(),
                allowed: known.join(", "),
            });
        }
        Self { file_name, table, problems }
    }

    pub(super) fn is_set(&self, key: &str, flag: &Option<String>) -> bool {
        flag.is_some() || self.table.contains_key(key)
    }

    /// The flag's addresses, or else the file's: the flag wins as a whole.
    pub(super) fn read_addresses(
        &mut self,
        flags: &[String],
        check: &dyn Fn(&Address) -> Result<(), String>,
    ) -> Vec<Address> {
        let (origin, texts) = match (flags, self.table.get("address")) {
            ([], None) => return vec![],
            ([], Some(value)) => (self.file_name.clone(), addresses::from_value(value)),
            _ => (flag_of("address"), flags.iter().cloned().map(Ok).collect()),
        };
        let (addresses, wrong) = addresses::judge(texts, check);
        for wrong in wrong {
            let (key, allowed) = ("address".into(), addresses::ALLOWED.into());
            self.problems.push(Problem { key, origin: origin.clone(), wrong, allowed });
        }
        addresses
    }

    /// The flag's ports, or else the file's: the flag wins as a whole.
    pub(super) fn read_ports(&mut self, flags: &[String]) -> Vec<super::PortConfig> {
        let (origin, read) = match (flags, self.table.get("port")) {
            ([], None) => return vec![],
            ([], Some(value)) => (self.file_name.clone(), ports::from_tables(value)),
            _ => (flag_of("port"), flags.iter().map(|text| ports::from_flag(text)).collect()),
        };
        let (good, bad): (Vec<_>, Vec<_>) = read.into_iter().partition(Result::is_ok);
        for wrong in bad.into_iter().filter_map(Result::err) {
            let (key, allowed) = ("port".into(), ports::allowed());
            self.problems.push(Problem { key, origin: origin.clone(), wrong, allowed });
        }
        good.into_iter().flatten().collect()
    }

    pub(super) fn read<T>(
        &mut self,
        key: &str,
        flag: &Option<String>,
        allowed: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let (origin, text) = match (flag, self.table.get(key)) {
            (Some(text), _) => (flag_of(key), Ok(text.clone())),
            (None, Some(value)) => (self.file_name.clone(), scalar(value)),
            (None, None) => return None,
        };
        match text.and_then(|text| parse(&text)) {
            Ok(value) => Some(value),
            Err(wrong) => {
                self.problems.push(Problem { key: key.into(), origin, wrong, allowed: allowed.into() });
                None
            }
        }
    }
}

fn flag_of(key: &str) -> String {
    match key {
        "puzzle" | "capture" | "capture_address" => format!("--{}", key.replace('_', "-")),
        _ => format!("--pool-{}", key.replace('_', "-")),
    }
}

/// A file may write a number with or without quotes; anything but text and whole numbers is a mistake.
fn scalar(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Integer(number) => Ok(number.to_string()),
        other => Err(format!("a {} stands where text or a whole number belongs", other.type_str())),
    }
}

/// Where and what, without the line itself: it may hold a password.
fn without_quoting(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let what = error.message().lines().map(str::trim).collect::<Vec<_>>().join(" ");
    format!("line {}: {what}", before.matches('\n').count() + 1)
}
