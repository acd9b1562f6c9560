//! The commands that show a running pool.

use std::{
    io::{IsTerminal, Write},
    path::PathBuf,
    thread::sleep,
    time::Duration,
};

use anyhow::Result;
use clap::{Args, Subcommand};
use pool_core::types::unix_seconds;
use serde::{Serialize, de::DeserializeOwned};

use super::{screen, tables};
use crate::operate::admin::{
    Command, LogLevel, Question, SOCKET, client,
    query::{self, Account, Blocks, Miners, Solutions, Status},
};

/// How often `status --watch` refreshes.
const AGAIN: Duration = Duration::from_secs(2);
/// Moves to the upper left corner, and erases everything below.
const HOME: &str = "\x1b[H\x1b[J";

/// Which pool, and the format of the answer.
#[derive(Args, Clone, Debug)]
pub struct Asked {
    /// The data folder of the running pool (`--pool-data` of the node)
    #[arg(long, value_name = "DIR")]
    data: PathBuf,

    /// JSON for programs instead of text for people
    #[arg(long)]
    json: bool,
}

#[derive(Args, Clone, Debug)]
pub struct StatusArgs {
    #[command(flatten)]
    asked: Asked,

    /// Refresh every two seconds, until Ctrl-C
    #[arg(long, conflicts_with = "json")]
    watch: bool,
}

#[derive(Args, Clone, Debug)]
pub struct MinersArgs {
    #[command(flatten)]
    asked: Asked,

    /// Only the workers of this account
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
}

#[derive(Args, Clone, Debug)]
pub struct ListArgs {
    #[command(flatten)]
    asked: Asked,

    /// How many, the last ones; at most 1000
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
}

#[derive(Args, Clone, Debug)]
pub struct AccountArgs {
    /// The account: an Aleo address, or a name
    #[arg(value_name = "NAME")]
    name: String,

    #[command(flatten)]
    asked: Asked,
}

#[derive(Args, Clone, Debug)]
pub struct LogsArgs {
    #[command(subcommand)]
    command: LogsCommand,
}

#[derive(Subcommand, Clone, Debug)]
enum LogsCommand {
    /// Log more or less from now on, until the node restarts
    Level {
        #[arg(value_enum)]
        level: LogLevel,

        /// Only events whose target begins with this, e.g. `snarkos_node` [default: the pool's]
        #[arg(long, value_name = "TARGET")]
        of: Option<String>,

        /// The data folder of the running pool (`--pool-data` of the node)
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
    },
}

pub fn status(args: &StatusArgs) -> Result<String> {
    if !args.watch {
        return show(&args.asked, &Question::Status, |answer: &Status, _| screen::status(answer));
    }
    let mut out = std::io::stdout();
    let home = if out.is_terminal() { HOME } else { "" };
    loop {
        let text = show(&args.asked, &Question::Status, |answer: &Status, _| screen::status(answer))?;
        writeln!(out, "{home}{text}")?;
        sleep(AGAIN);
    }
}

pub fn miners(args: &MinersArgs) -> Result<String> {
    let question = Question::Miners { account: args.account.clone() };
    show(&args.asked, &question, |answer: &Miners, now| tables::miners(answer, now))
}

pub fn blocks(args: &ListArgs) -> Result<String> {
    let question = Question::Blocks { limit: args.limit };
    show(&args.asked, &question, |answer: &Blocks, now| tables::blocks(answer, now))
}

pub fn solutions(args: &ListArgs) -> Result<String> {
    let question = Question::Solutions { limit: args.limit };
    show(&args.asked, &question, |answer: &Solutions, now| tables::solutions(answer, now))
}

pub fn account(args: &AccountArgs) -> Result<String> {
    let question = Question::Account { name: args.name.clone() };
    show(&args.asked, &question, |answer: &Account, now| tables::account(answer, now))
}

pub fn logs(args: &LogsArgs) -> Result<String> {
    let LogsCommand::Level { level, of, data } = &args.command;
    let answer = client::ask(&data.join(SOCKET), &Command::LogLevel { level: *level, of: of.clone() })?;
    client::refuse_refusal(&answer)?;
    Ok(format!("in force until the node restarts: {}", answer["directive"].as_str().unwrap_or_default()))
}

/// Queries the pool and shows its answer; `now` for the tables is in Unix seconds.
fn show<T: Serialize + DeserializeOwned>(
    asked: &Asked,
    question: &Question,
    text: impl Fn(&T, u64) -> String,
) -> Result<String> {
    let answer: T = query::read(client::ask_for(&asked.data.join(SOCKET), question)?)?;
    Ok(if asked.json { serde_json::to_string_pretty(&answer)? } else { text(&answer, unix_seconds()) })
}
