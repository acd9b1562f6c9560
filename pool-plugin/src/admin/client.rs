//! `snarkos pool admin`: one request to a running pool.

use std::{
    io::{BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::Value;

use super::{Command, SOCKET};

const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Args, Clone, Debug)]
pub struct AdminArgs {
    #[command(subcommand)]
    command: Command,

    /// The data folder of the running pool (`--pool-data` of the node)
    #[arg(long, value_name = "DIR", global = true)]
    data: Option<PathBuf>,
}

/// Asks the pool, and gives its answer as JSON for people.
pub fn run(args: &AdminArgs) -> Result<String> {
    let data = args.data.as_ref().context("which pool? name its data folder with --data")?;
    let answer = ask(&data.join(SOCKET), &args.command)?;
    if answer["ok"] != true {
        bail!("{}", answer["error"].as_str().unwrap_or("the pool refused"));
    }
    Ok(serde_json::to_string_pretty(&answer)?)
}

/// One request and its answer.
pub fn ask(socket: &Path, command: &Command) -> Result<Value> {
    let stream = UnixStream::connect(socket).with_context(|| {
        format!("no pool answers at {}: is it running, and may you talk to it?", socket.display())
    })?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(stream);
    reader.get_mut().write_all(format!("{}\n", serde_json::to_string(command)?).as_bytes())?;
    let mut line = String::new();
    reader.read_line(&mut line).context("the pool did not answer")?;
    serde_json::from_str(&line).context("the pool's answer cannot be read")
}
