//! `snarkos pool admin`: one request to a running pool. `snarkos pool backup`: of a pool that may be running.

use std::{
    io::{BufRead, BufReader, ErrorKind, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::{Command, SOCKET};
use crate::{books::backup, operate::admin::Question};

const PATIENCE: Duration = Duration::from_secs(30);
/// A backup to another file system copies every file.
const BACKUP_PATIENCE: Duration = Duration::from_secs(3600);

#[derive(Args, Clone, Debug)]
pub struct AdminArgs {
    #[command(subcommand)]
    command: Command,

    /// The data folder of the running pool (`--pool-data` of the node)
    #[arg(long, value_name = "DIR", global = true)]
    data: Option<PathBuf>,
}

/// Sends the command to the pool, and returns its answer as JSON for people.
pub fn run(args: &AdminArgs) -> Result<String> {
    let data = args.data.as_ref().context("which pool? name its data folder with --data")?;
    let answer = ask(&data.join(SOCKET), &from_here(&args.command)?)?;
    refuse_refusal(&answer)?;
    Ok(serde_json::to_string_pretty(&answer)?)
}

/// Backs the books in the data folder `data` up to the folder `dir`: by the pool's own process if it runs,
/// since no other process can open its database, or else by this one. Returns a text for people.
pub fn backup(data: &Path, dir: &Path) -> Result<String> {
    let socket = data.join(SOCKET);
    match UnixStream::connect(&socket) {
        Ok(_) => {
            let answer = ask(&socket, &from_here(&Command::Backup { dir: dir.to_owned() })?)?;
            refuse_refusal(&answer)?;
            Ok(answer["text"].as_str().unwrap_or("backed up").to_owned())
        }
        // The second error is for the socket that a killed pool leaves.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
            Ok(backup::create_offline(data, dir)?.to_string())
        }
        Err(error) => Err(error).with_context(|| {
            format!("cannot connect to the pool at {}: run this as the pool's user", socket.display())
        }),
    }
}

/// The pool runs in another folder than this program.
fn from_here(command: &Command) -> Result<Command> {
    Ok(match command {
        Command::Backup { dir } => Command::Backup { dir: std::path::absolute(dir)? },
        other => other.clone(),
    })
}

pub(crate) fn refuse_refusal(answer: &Value) -> Result<()> {
    if answer["ok"] != true {
        bail!("{}", answer["error"].as_str().unwrap_or("the pool refused"));
    }
    Ok(())
}

/// One request and its answer.
pub fn ask(socket: &Path, command: &Command) -> Result<Value> {
    let patience = if matches!(command, Command::Backup { .. }) { BACKUP_PATIENCE } else { PATIENCE };
    exchange(socket, command, patience)
}

/// One question and its answer.
pub fn ask_for(socket: &Path, question: &Question) -> Result<Value> {
    exchange(socket, question, PATIENCE)
}

fn exchange(socket: &Path, request: &impl Serialize, patience: Duration) -> Result<Value> {
    let stream = UnixStream::connect(socket).with_context(|| {
        format!("no pool answers at {}: is it running, and do you run this as its user?", socket.display())
    })?;
    stream.set_read_timeout(Some(patience))?;
    let mut reader = BufReader::new(stream);
    reader.get_mut().write_all(format!("{}\n", serde_json::to_string(request)?).as_bytes())?;
    let mut line = String::new();
    reader.read_line(&mut line).context("the pool did not answer")?;
    serde_json::from_str(&line).context("cannot read the pool's answer")
}
