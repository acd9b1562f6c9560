//! What an admin can ask.

use std::path::PathBuf;

use clap::Subcommand;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::LogLevel;

/// A request.
#[derive(Subcommand, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "command", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// The pool's status: health of its parts, miners, shares
    Status,
    /// Every session: its id, address, login and shares
    Sessions,
    /// Close sessions
    Kick {
        /// A session id, an account, account.worker, an address or a network
        who: String,
    },
    /// Ban an address or a network, and close its sessions
    Ban {
        network: String,
        /// Minutes after which the ban ends; without it the ban lasts until it is lifted
        #[arg(long)]
        #[serde(default)]
        minutes: Option<u64>,
        /// A note, shown in the list of bans
        #[arg(long, default_value = "")]
        #[serde(default)]
        reason: String,
    },
    /// Lift a ban: the operator's of exactly this network, and the pool's own inside it
    Unban { network: String },
    /// Every ban and the allow-list
    Bans,
    /// Free an address or a network of limits and penalties
    Allow {
        network: String,
        /// A note, shown in the list of bans
        #[arg(long, default_value = "")]
        #[serde(default)]
        reason: String,
    },
    /// Take a network off the allow-list
    Disallow { network: String },
    /// Give sessions a fixed share target, until they reconnect
    SetTarget {
        /// A session id, an account, account.worker, an address or a network
        who: String,
        /// Expected attempts per share; never above the network's proof target
        target: u64,
    },
    /// Stop serving miners: tell them to reconnect, settle their shares, close the ports. The node goes on
    Drain,
    /// Read the configuration, users.json, access.json and the TLS certificate now; nothing changes if one is wrong
    Reload,
    /// Back the database and the dumps up to a new folder, which the pool's user must be able to make. Shares go on
    Backup {
        #[arg(value_name = "DIR")]
        #[schema(value_type = String)]
        dir: PathBuf,
    },
    /// Log more or less from now on, until the node is started again
    LogLevel {
        level: LogLevel,
        /// Of this module and those below it, e.g. snarkos_node_router, rather than of the pool's
        #[arg(long, value_name = "MODULE")]
        #[serde(default)]
        of: Option<String>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_has_every_command() {
        let commands = Command::augment_subcommands(clap::Command::new("admin"));
        let text = include_str!("../../../../docs/stratum.md");
        let examples = text.lines().filter(|line| line.trim_start().starts_with("snarkos pool admin "));
        let words: Vec<&str> = examples.flat_map(str::split_whitespace).collect();
        for command in commands.get_subcommands() {
            assert!(words.contains(&command.get_name()), "docs/stratum.md lacks `{}`", command.get_name());
        }
    }

    #[test]
    fn requests_are_lines_of_json() {
        let read = |line: &str| serde_json::from_str::<Command>(line);
        assert_eq!(read(r#"{"command":"status"}"#).unwrap(), Command::Status);
        let target = Command::SetTarget { who: "alice".into(), target: 7 };
        assert_eq!(read(r#"{"command":"set-target","who":"alice","target":7}"#).unwrap(), target);
        let ban = read(r#"{"command":"ban","network":"10.0.0.1"}"#).unwrap();
        assert_eq!(ban, Command::Ban { network: "10.0.0.1".into(), minutes: None, reason: String::new() });
        let backup = read(r#"{"command":"backup","dir":"/backup/monday"}"#).unwrap();
        assert_eq!(backup, Command::Backup { dir: "/backup/monday".into() });
        let level = read(r#"{"command":"log-level","level":"debug"}"#).unwrap();
        assert_eq!(level, Command::LogLevel { level: LogLevel::Debug, of: None });
        assert!(read(r#"{"command":"log-level","level":"loud"}"#).is_err());
        assert!(read(r#"{"command":"shutdown"}"#).unwrap_err().to_string().contains("unknown variant"));
        assert!(read(r#"{"command":"kick"}"#).is_err());
        assert_eq!(read(&serde_json::to_string(&target).unwrap()).unwrap(), target);
    }
}
