//! Ports in addition to the default one, each pinned to a dialect and, optionally, to a share target.

use std::{net::SocketAddr, str::FromStr};

use toml::{Table, Value};

use super::{PortConfig, range::in_range};
use crate::stratum::wire::dialects::Dialect;

/// Reads `DIALECT@IP:PORT` or `DIALECT@IP:PORT,d=N`, as the flag has it.
pub(super) fn from_flag(text: &str) -> Result<PortConfig, String> {
    let (dialect, rest) =
        text.split_once('@').ok_or_else(|| format!("'{text}' has no '@' between dialect and address"))?;
    let (listen, target) = match rest.split_once(',') {
        Some((listen, option)) => (listen, Some(option)),
        None => (rest, None),
    };
    let target = target.map(|option| {
        let digits = option
            .strip_prefix("d=")
            .ok_or_else(|| format!("'{option}' is not a share target: write d=N"))?;
        parse_target(digits)
    });
    Ok(PortConfig {
        listen: parse_listen(listen)?,
        dialect: dialect.parse()?,
        fixed_share_target: target.transpose()?,
    })
}

/// Reads the `[[port]]` tables of the file.
pub(super) fn from_tables(value: &Value) -> Vec<Result<PortConfig, String>> {
    match value {
        Value::Array(tables) => tables.iter().map(from_table).collect(),
        other => vec![Err(format!("a {} stands where [[port]] tables belong", other.type_str()))],
    }
}

fn from_table(value: &Value) -> Result<PortConfig, String> {
    let Value::Table(table) = value else {
        return Err(format!("a {} stands where a [[port]] table belongs", value.type_str()));
    };
    const KEYS: [&str; 3] = ["listen", "dialect", "fixed_share_target"];
    if let Some(unknown) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(format!("a port has no key '{unknown}'"));
    }
    Ok(PortConfig {
        listen: parse_listen(text(table, "listen")?)?,
        dialect: text(table, "dialect")?.parse()?,
        fixed_share_target: table.get("fixed_share_target").map(target).transpose()?,
    })
}

fn target(value: &Value) -> Result<u64, String> {
    match value {
        Value::Integer(number) => parse_target(&number.to_string()),
        Value::String(digits) => parse_target(digits),
        other => Err(format!("a {} stands where a share target belongs", other.type_str())),
    }
}

fn parse_target(digits: &str) -> Result<u64, String> {
    in_range(digits, 1, u64::MAX)
}

fn text<'a>(table: &'a Table, key: &str) -> Result<&'a str, String> {
    table.get(key).and_then(Value::as_str).ok_or_else(|| format!("a port needs '{key}', a text"))
}

pub(super) fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    SocketAddr::from_str(text).map_err(|_| format!("'{text}' is not an address with a port"))
}

/// The allowed forms of a port.
pub(super) fn allowed() -> String {
    let dialects = Dialect::ALL.map(Dialect::name).join(", ");
    format!(
        "--pool-port DIALECT@IP:PORT[,d=TARGET], or [[port]] with listen = \"IP:PORT\", dialect one of \
         {dialects}, and optionally fixed_share_target"
    )
}
