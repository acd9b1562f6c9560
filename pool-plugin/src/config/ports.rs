//! Ports beside the default one, each pinned to a dialect.

use std::{net::SocketAddr, str::FromStr};

use toml::{Table, Value};

use super::PortConfig;
use crate::stratum::dialects::Dialect;

/// Reads `DIALECT@IP:PORT`, as the flag has it.
pub(super) fn from_flag(text: &str) -> Result<PortConfig, String> {
    let (dialect, listen) =
        text.split_once('@').ok_or_else(|| format!("'{text}' has no '@' between dialect and address"))?;
    Ok(PortConfig { listen: parse_listen(listen)?, dialect: dialect.parse()? })
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
    if let Some(unknown) = table.keys().find(|key| !["listen", "dialect"].contains(&key.as_str())) {
        return Err(format!("a port has no key '{unknown}'"));
    }
    Ok(PortConfig {
        listen: parse_listen(text(table, "listen")?)?,
        dialect: text(table, "dialect")?.parse()?,
    })
}

fn text<'a>(table: &'a Table, key: &str) -> Result<&'a str, String> {
    table.get(key).and_then(Value::as_str).ok_or_else(|| format!("a port needs a text '{key}'"))
}

pub(super) fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    SocketAddr::from_str(text).map_err(|_| format!("'{text}' is not an address with a port"))
}

/// What a port may look like.
pub(super) fn allowed() -> String {
    let dialects = Dialect::ALL.map(Dialect::name).join(", ");
    format!(
        "--pool-port DIALECT@IP:PORT, or [[port]] with listen = \"IP:PORT\" and dialect one of {dialects}"
    )
}
