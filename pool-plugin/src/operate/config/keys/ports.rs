//! Ports in addition to the default one, each pinned to a dialect and, optionally, to a share target.

use toml::{Table, Value};

use super::{
    Allowed::{Built, OneOf, Words},
    DefaultValue::Absent,
    Field, Flag, Given, Key,
    Reload::Restart,
    Sample::Tables,
    Section,
    Show::Whole,
    Wrong,
    connect::parse_listen,
    given::{replace, unknown_field},
    shares::{TARGET, target},
    text::list,
};
use crate::{operate::config::PortConfig, stratum::wire::dialects::Dialect};

const FIELDS: &[Field] = &[
    Field {
        name: "listen",
        allowed: Words("an IP address and a port"),
        sample: "\"0.0.0.0:3340\"",
        doc: "Where its miners connect",
    },
    Field { name: "dialect", allowed: OneOf(dialects), sample: "\"generic\"", doc: "What its miners speak" },
    Field {
        name: "fixed_share_target",
        allowed: Words(TARGET),
        sample: "5_000_000",
        doc: "The share target of its miners that ask for no other, if it is to be fixed",
    },
];

pub(super) static SECTION: Section = Section {
    about: "More ports, each pinned to a dialect",
    keys: &[Key {
        name: "port",
        flag: Flag::many("pool-port", "DIALECT@IP:PORT[,d=N]"),
        allowed: Built(allowed),
        default: Absent,
        sample: Tables(FIELDS),
        doc: "One more port, pinned to a dialect: `json` is AleoStratum and the habits of other coins, distinguished by \
              the subscription, like the default port. With a fixed share target all its miners that ask for no other \
              have that. As many as you like",
        reload: Restart,
        parse: |given, config| match given {
            Given::Flag(texts) => replace(&mut config.ports, texts.iter().map(|text| from_flag(text))),
            Given::File(value) => replace(&mut config.ports, from_tables(value)),
        },
        show: Whole(|config| {
            list(config.ports.iter().map(|port| {
                let target = port.fixed_share_target.map(|target| format!(",d={target}"));
                format!("{}@{}{}", port.dialect, port.listen, target.unwrap_or_default())
            }))
        }),
    }],
};

/// Reads `DIALECT@IP:PORT` or `DIALECT@IP:PORT,d=N`, as the flag has it.
fn from_flag(text: &str) -> Result<PortConfig, Wrong> {
    let (dialect, rest) =
        text.split_once('@').ok_or_else(|| format!("'{text}' has no '@' between dialect and address"))?;
    let (listen, wish) = match rest.split_once(',') {
        Some((listen, wish)) => (listen, Some(wish)),
        None => (rest, None),
    };
    let fixed = wish.map(|wish| {
        let digits =
            wish.strip_prefix("d=").ok_or_else(|| format!("'{wish}' is not a share target: write d=N"))?;
        target(digits)
    });
    Ok(PortConfig {
        listen: parse_listen(listen)?,
        dialect: parse_dialect(dialect)?,
        fixed_share_target: fixed.transpose()?,
    })
}

/// Reads the `[[port]]` tables of the file.
fn from_tables(value: &Value) -> impl Iterator<Item = Result<PortConfig, Wrong>> {
    let (tables, other) = match value {
        Value::Array(tables) => (tables.as_slice(), None),
        other => (&[][..], Some(format!("a {} stands where [[port]] tables belong", other.type_str()))),
    };
    tables.iter().map(from_table).chain(other.map(|what| Err(what.into())))
}

fn from_table(value: &Value) -> Result<PortConfig, Wrong> {
    let Value::Table(table) = value else {
        return Err(format!("a {} stands where a [[port]] table belongs", value.type_str()).into());
    };
    if let Some(unknown) = unknown_field(table, "a port", FIELDS) {
        return Err(unknown);
    }
    Ok(PortConfig {
        listen: parse_listen(text(table, "listen")?)?,
        dialect: parse_dialect(text(table, "dialect")?)?,
        fixed_share_target: table.get("fixed_share_target").map(target_of).transpose()?,
    })
}

fn target_of(value: &Value) -> Result<u64, String> {
    match value {
        Value::Integer(number) => target(&number.to_string()),
        Value::String(digits) => target(digits),
        other => Err(format!("a {} stands where a share target belongs", other.type_str())),
    }
}

fn text<'a>(table: &'a Table, key: &str) -> Result<&'a str, String> {
    table.get(key).and_then(Value::as_str).ok_or_else(|| format!("a port needs '{key}', a text"))
}

fn parse_dialect(text: &str) -> Result<Dialect, Wrong> {
    text.parse().map_err(|what| Wrong::suggest(what, text, &dialects()))
}

fn dialects() -> Vec<&'static str> {
    Dialect::ALL.map(Dialect::name).into()
}

/// The allowed forms of a port.
fn allowed() -> String {
    let dialects = dialects().join(", ");
    format!(
        "--pool-port DIALECT@IP:PORT[,d=TARGET], or [[port]] with listen = \"IP:PORT\", dialect one of \
         {dialects}, and optionally fixed_share_target"
    )
}
