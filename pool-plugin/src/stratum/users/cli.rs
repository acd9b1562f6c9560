//! `snarkos pool user`: edits `users.json`. A running pool follows within seconds.

use std::{
    io::{BufRead, IsTerminal, stdin},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use clap::{Args, Subcommand};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::{file, password};
use crate::core::json_lines;

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
    /// Add a user. The password is asked for, or is the first line of the standard input
    Add { username: String },
    /// List the users, and the lines of users.json that are none
    List,
    /// Keep a user from logging in
    Disable {
        username: String,
        /// Let it log in again
        #[arg(long)]
        undo: bool,
    },
    /// Change a user's password, which is asked for, or is the first line of the standard input
    Passwd { username: String },
}

/// Does what was asked, and says in a line what that was.
pub fn run(args: &UserArgs) -> Result<String> {
    let data = args.data.as_ref().context("where are the users? name the pool's data folder with --data")?;
    ensure!(data.is_dir(), "{} is no folder: name the pool's data folder", data.display());
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
    let broken = broken.iter().map(|line| format!("line {} is no user: {}", line.number, line.reason));
    Ok(users.chain(broken).collect::<Vec<_>>().join("\n"))
}

fn new_hash() -> Result<String> {
    // Until the line is read, a terminal does not show what is typed.
    let _unseen = match stdin().is_terminal() {
        true => {
            eprint!("password: ");
            Some(Unseen::begin()?)
        }
        false => None,
    };
    let mut line = String::new();
    stdin().lock().read_line(&mut line).context("the password cannot be read")?;
    Ok(password::hash(line.trim_end_matches(['\r', '\n']))?)
}

/// A terminal that shows nothing, until it is dropped.
struct Unseen(Termios);

impl Unseen {
    fn begin() -> Result<Self> {
        let before = tcgetattr(stdin()).context("the terminal cannot be asked")?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        tcsetattr(stdin(), OptionalActions::Now, &quiet).context("the terminal cannot be set")?;
        Ok(Self(before))
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        let _ = tcsetattr(stdin(), OptionalActions::Now, &self.0);
        eprintln!();
    }
}
