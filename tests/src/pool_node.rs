//! A client with the pool in it.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{
    devnet::{Devnet, free_addresses, join},
    process::{Process, notify_socket, tail},
    rest::Rest,
    stratum::Stratum,
    systemd::Notifications,
};

/// The first validator's address: half a quarter of the supply is bonded to it, so that it may land thousands
/// of solutions per epoch.
pub const STAKED_ADDRESS: &str = "aleo1rhgdu77hgyqd3xjj8ucu3jj9r2krwz6mnzyd80gncr5fxcwlh5rsvzp9px";

const SYNC_PATIENCE: Duration = Duration::from_secs(120);

/// A pool node; the same folder and ports across restarts.
pub struct PoolNode {
    pub process: Process,
    pub stratum: SocketAddr,
    pub rest: Rest,
    /// Where the pool's API and dashboard are.
    pub api: SocketAddr,
    /// The pool's own data: `db/` and `shares/`.
    pub data: PathBuf,
    binary: PathBuf,
    folder: PathBuf,
    name: String,
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
}

impl PoolNode {
    /// Starts a client with the pool as the `index`-th of the clients that the validators know.
    pub fn start(devnet: &Devnet, index: usize, pool_arguments: &[&str]) -> Result<Self> {
        Self::start_with(devnet, index, pool_arguments, vec![])
    }

    /// The same, with additional environment variables.
    pub fn start_with(
        devnet: &Devnet,
        index: usize,
        pool_arguments: &[&str],
        variables: Vec<(String, String)>,
    ) -> Result<Self> {
        let name = format!("pool-{index}");
        let addresses = free_addresses(3)?;
        let (stratum, rest, api) = (addresses[0], addresses[1], addresses[2]);
        let node = *devnet.client_addresses.get(index).context("the validators know no such client")?;
        let data = devnet.folder.join(format!("{name}-pool"));
        let mut arguments = devnet.common_arguments(&name, devnet.validators.len() + index);
        arguments.extend([
            "--client".into(),
            "--nojwt".into(),
            "--rest-rps=1000".into(),
            format!("--rest={rest}"),
            format!("--node={node}"),
            format!("--peers={}", join(&devnet.validator_addresses)),
            "--pool".into(),
            format!("--pool-listen={stratum}"),
            format!("--pool-api={api}"),
            format!("--pool-data={}", data.display()),
        ]);
        arguments.extend(pool_arguments.iter().map(|argument| (*argument).to_owned()));
        let log = devnet.folder.join(format!("{name}.log"));
        let process =
            Process::start_with(&name, &devnet.binary, &arguments, &log, &devnet.folder, &variables)?;
        Ok(Self {
            process,
            stratum,
            rest: Rest::new(rest),
            api,
            data,
            binary: devnet.binary.clone(),
            folder: devnet.folder.clone(),
            name,
            arguments,
            variables,
        })
    }

    /// Starts the node again after it was stopped or killed.
    pub fn restart(&mut self) -> Result<()> {
        let log = self.process.log.clone();
        let (arguments, variables) = (&self.arguments, &self.variables);
        self.process =
            Process::start_with(&self.name, &self.binary, arguments, &log, &self.folder, variables)?;
        Ok(())
    }

    /// The environment from the next start on.
    pub fn set_variables(&mut self, variables: Vec<(String, String)>) {
        self.variables = variables;
    }

    /// Waits until the pool sends work, and returns a connection that has some.
    pub fn wait_for_work(&mut self, login: &str) -> Result<Stratum> {
        let deadline = Instant::now() + SYNC_PATIENCE;
        let mut last = String::from("nothing was tried");
        while Instant::now() < deadline {
            self.process.check_alive()?;
            match Stratum::login(self.stratum, login).and_then(Stratum::with_work) {
                Ok(stratum) => return Ok(stratum),
                Err(error) => last = format!("{error:#}"),
            }
            std::thread::sleep(Duration::from_millis(500));
        }
        bail!(
            "the pool gave no work within {SYNC_PATIENCE:?} ({last}):\n{}",
            tail(&self.process.output(), 30)
        )
    }

    /// Listens like the service manager of this node, from now on.
    pub fn listen_as_systemd(&self) -> Result<Notifications> {
        Notifications::listen(&notify_socket(&self.folder, &self.name))
    }

    /// The share dumps written so far, by height.
    pub fn dumps(&self) -> Result<Vec<PathBuf>> {
        dumps_in(&self.data.join("shares"))
    }

    /// Runs `snarkos pool dump` on this pool's data.
    pub fn rebuild_dump(&self, height: u64) -> Result<Vec<u8>> {
        let output = std::process::Command::new(&self.binary)
            .args(["pool", "dump", "--height", &height.to_string(), "--data"])
            .arg(&self.data)
            .output()?;
        if !output.status.success() {
            bail!("`pool dump` failed: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(output.stdout)
    }

    /// Runs `snarkos pool verify` on this pool's data and node.
    pub fn verify_dumps(&self) -> Result<String> {
        let output = std::process::Command::new(&self.binary)
            .args(["pool", "verify", "--node", self.rest.origin(), "--data"])
            .arg(&self.data)
            .output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            bail!("`pool verify` failed: {said}{}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(said)
    }
}

/// The dump files in a folder, by height, without temporary files.
pub fn dumps_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(vec![]) };
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    let mut dumps: Vec<_> = paths.into_iter().filter_map(|path| Some((height_of(&path)?, path))).collect();
    dumps.sort();
    Ok(dumps.into_iter().map(|(_, path)| path).collect())
}

fn height_of(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?.strip_suffix(".json")?;
    name.split_once('-')?.0.parse().ok()
}

pub fn read_json(path: &Path) -> Result<Value> {
    let bytes = std::fs::read(path).with_context(|| format!("failed to read {}", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is not JSON", path.display()))
}
