//! What the program logs, changed while it runs. The logger is not the pool's: the program supplies the
//! function that sets it.

use std::{fmt, sync::Arc};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Applies a directive, e.g. `pool_=debug`, to the running logger; returns what is wrong with it.
pub type Logger = Arc<dyn Fn(&str) -> Result<(), String> + Send + Sync>;

/// What the crate names of the pool, and so its log targets, begin with.
const POOL: &str = "pool_";

/// The lowest level of logged events.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    Off,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "off",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        })
    }
}

/// The directive for a module and all below it; without one, for the pool.
pub(super) fn directive(level: LogLevel, module: Option<&str>) -> Result<String, String> {
    let module = module.unwrap_or(POOL);
    let is_path = |byte: u8| byte.is_ascii_alphanumeric() || b"_:".contains(&byte);
    if module.is_empty() || !module.bytes().all(is_path) {
        return Err(format!("'{module}' is not a module name like snarkos_node_router"));
    }
    Ok(format!("{module}={level}"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        level: LogLevel,
    }

    #[test]
    fn a_misspelt_level_gets_a_suggestion() {
        let wrong = Cli::try_parse_from(["level", "debgu"]).map(|cli| cli.level).unwrap_err().to_string();
        assert!(wrong.contains("a similar value exists: 'debug'"), "{wrong}");
    }

    #[test]
    fn a_level_has_one_name_in_the_command_line_in_json_and_in_the_logger() {
        for level in LogLevel::value_variants() {
            assert_eq!(level.to_possible_value().unwrap().get_name(), level.to_string());
            assert_eq!(serde_json::to_value(level).unwrap(), level.to_string());
        }
    }

    #[test]
    fn a_level_is_of_the_pool_unless_a_module_is_named() {
        assert_eq!(directive(LogLevel::Debug, None).unwrap(), "pool_=debug");
        let router = directive(LogLevel::Trace, Some("snarkos_node_router::peering")).unwrap();
        assert_eq!(router, "snarkos_node_router::peering=trace");
        for wrong in ["", "a b", "a=info,b", "[span]"] {
            assert!(directive(LogLevel::Info, Some(wrong)).is_err(), "{wrong}");
        }
    }
}
