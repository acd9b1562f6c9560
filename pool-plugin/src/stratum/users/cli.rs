//! `snarkos pool user`: edits `users.json`. A running pool follows within seconds.

use std::{
    io::{BufRead, IsTerminal, stdin},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use clap::{Args, Subcommand};
use pool_core::json_lines;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::{file, password};

#[derive(Args, Clone, Debug)]
pub struct UserArgs {
    #[command(subcommand)]
    command: UserCommand,

    /// The pool's data folder (`--pool-data` of the node); the pool may be running
    #[arg(long, value_name = "DIR", global = true)]
    data: Option<PathBuf>,
}

#[derive(Subcommand, Clone, Debug)]
enum UserCommand {
    /// Add a user. Asks for the password, or takes the first line of the standard input
    Add { username: String },
    /// List the users, and the invalid lines of users.json
    List,
    /// Stop a user from logging in
    Disable {
        username: String,
        /// Let the user log in again
        #[arg(long)]
        undo: bool,
    },
    /// Change a user's password. Asks for it, or takes the first line of the standard input
    Passwd { username: String },
}

/// Carries out the command, and returns a line that says what was done.
pub fn run(args: &UserArgs) -> Result<String> {
    let data = args.data.as_ref().context("where are the users? name the pool's data folder with --data")?;
    ensure!(data.is_dir(), "{} is not a folder: name the pool's data folder", data.display());
    let path = data.join("users.json");
    match &args.command {
        UserCommand::Add { username } => {
            file::add(&path, username, new_hash()?)?;
            Ok(format!("added {username}"))
        }
        UserCommand::Passwd { username } => {
            file::set_password(&path, username, new_hash()?)?;
            Ok(format!("changed the password of {username}"))
        }
        UserCommand::Disable { username, undo } => {
            file::set_disabled(&path, username, !undo)?;
            Ok(format!("{username} may {}", if *undo { "log in again" } else { "no longer log in" }))
        }
        UserCommand::List => list(&path),
    }
}

fn list(path: &Path) -> Result<String> {
    let (users, broken) = file::parse(&json_lines::read(path).with_context(|| path.display().to_string())?);
    let users = users
        .iter()
        .map(|user| format!("{}{}", user.username, if user.disabled { " (disabled)" } else { "" }));
    let broken = broken.iter().map(|line| format!("line {} is not a user: {}", line.number, line.reason));
    Ok(users.chain(broken).collect::<Vec<_>>().join("\n"))
}

fn new_hash() -> Result<String> {
    // Turns the terminal's echo off until the line is read.
    let _unseen = match stdin().is_terminal() {
        true => {
            eprint!("password: ");
            Some(Unseen::begin()?)
        }
        false => None,
    };
    let mut line = String::new();
    stdin().lock().read_line(&mut line).context("cannot read the password")?;
    Ok(password::hash(line.trim_end_matches(['\r', '\n']))?)
}

/// A terminal without echo, until it is dropped.
struct Unseen(Termios);

impl Unseen {
    fn begin() -> Result<Self> {
        let before = tcgetattr(stdin()).context("cannot read the terminal's settings")?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        tcsetattr(stdin(), OptionalActions::Now, &quiet).context("cannot change the terminal's settings")?;
        Ok(Self(before))
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        let _ = tcsetattr(stdin(), OptionalActions::Now, &self.0);
        eprintln!();
    }
}
