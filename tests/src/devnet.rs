//! The validators of a devnet.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
    time::Duration,
};

use anyhow::{Context, Result};

use crate::process::{Process, snarkos_binary};

pub const NUM_VALIDATORS: usize = 4;

/// Clients the validators know in advance: a validator accepts no connection from an unknown client.
pub const NUM_CLIENTS: usize = 3;

/// Where upstream looks, under the home folder, for the genesis block of a devnet of four validators on
/// TestnetV0 with default balances, before it would compute one. The name is a hash of those parameters; the
/// block's content is not compared with it.
const GENESIS_FILE: &str =
    ".aleo/dev-genesis/2477916822279173290443845197164989488535520247143832690212263284458274655150field";

/// What the program `devnet-genesis` makes; `scripts/test` compares. As a file, so that a first run compiles no VM for it.
const GENESIS: &[u8] = include_bytes!("../genesis/devnet.block");

/// How long the validators may take to find each other and make a block.
const START_PATIENCE: Duration = Duration::from_secs(180);

/// Four validators on loopback, each a `snarkos` of its own; stopped when dropped.
pub struct Devnet {
    pub binary: PathBuf,
    /// Everything of the devnet: ledgers, logs, the genesis block.
    pub folder: PathBuf,
    pub validators: Vec<Process>,
    /// Where clients reach the validators.
    pub validator_addresses: Vec<SocketAddr>,
    /// Where the validators expect clients.
    pub client_addresses: Vec<SocketAddr>,
}

impl Devnet {
    /// Puts the genesis block into `folder` and starts the validators on it; the last validator also gets
    /// `last_arguments` (for a pool, say).
    pub fn start(folder: &Path, last_arguments: &[String]) -> Result<Self> {
        Self::start_with(folder, last_arguments, &[])
    }

    /// The same, with additional environment variables for the validators.
    pub fn start_with(
        folder: &Path,
        last_arguments: &[String],
        variables: &[(String, String)],
    ) -> Result<Self> {
        let binary = snarkos_binary()?;
        std::fs::create_dir_all(folder)?;
        put_genesis(folder)?;

        let mut ports = free_addresses(2 * NUM_VALIDATORS + NUM_CLIENTS)?;
        let client_addresses = ports.split_off(2 * NUM_VALIDATORS);
        let bft_addresses = ports.split_off(NUM_VALIDATORS);
        let validator_addresses = ports;

        let mut devnet =
            Self { binary, folder: folder.into(), validators: vec![], validator_addresses, client_addresses };
        for index in 0..NUM_VALIDATORS {
            let extra = if index + 1 == NUM_VALIDATORS { last_arguments } else { &[] };
            let validator = devnet.start_validator(index, &bft_addresses, extra, variables)?;
            devnet.validators.push(validator);
        }
        Ok(devnet)
    }

    fn start_validator(
        &self,
        index: usize,
        bft_addresses: &[SocketAddr],
        extra: &[String],
        variables: &[(String, String)],
    ) -> Result<Process> {
        let name = format!("validator-{index}");
        let others: Vec<_> = bft_addresses.iter().enumerate().filter(|(other, _)| *other != index).collect();
        let others: Vec<_> = others.into_iter().map(|(_, address)| *address).collect();
        let mut arguments = self.common_arguments(&name, index);
        arguments.extend([
            "--validator".into(),
            "--norest".into(),
            "--no-dev-txs".into(),
            format!("--node={}", self.validator_addresses[index]),
            format!("--bft={}", bft_addresses[index]),
            format!("--validators={}", join(&others)),
            format!("--peers={}", join(&self.client_addresses)),
        ]);
        arguments.extend_from_slice(extra);
        let log = self.folder.join(format!("{name}.log"));
        Process::start_with(&name, &self.binary, arguments, &log, &self.folder, variables)
    }

    /// The arguments every node of this devnet shares.
    pub fn common_arguments(&self, name: &str, dev: usize) -> Vec<String> {
        let at = |what: &str| self.folder.join(format!("{name}-{what}")).display().to_string();
        vec![
            "--noupdater".into(),
            "start".into(),
            "--network=1".into(),
            "--nodisplay".into(),
            "--nobanner".into(),
            "--verbosity=0".into(),
            format!("--logfile={}", at("node.log")),
            format!("--dev={dev}"),
            format!("--dev-num-validators={NUM_VALIDATORS}"),
            format!("--ledger-storage={}", at("ledger")),
            format!("--node-data-storage={}", at("data")),
        ]
    }

    /// Waits until the validators have made their first block, or until `stop`.
    pub fn wait_for_blocks(&mut self, stop: &AtomicBool) -> Result<()> {
        let first = self.validators.first_mut().context("a devnet has validators")?;
        first.wait_for_or_stop("Advanced to block 1 ", START_PATIENCE, stop)
    }

    /// The file of the genesis block.
    pub fn genesis(&self) -> PathBuf {
        self.folder.join(GENESIS_FILE)
    }

    pub fn check_alive(&mut self) -> Result<()> {
        self.validators.iter_mut().try_for_each(Process::check_alive)
    }

    /// Stops all validators at once rather than one after the other.
    pub fn stop(&mut self) {
        for validator in &self.validators {
            let _ = validator.signal("TERM");
        }
        self.validators.clear();
    }
}

impl Drop for Devnet {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Writes the genesis block to where the nodes look for it.
fn put_genesis(folder: &Path) -> Result<()> {
    let file = folder.join(GENESIS_FILE);
    std::fs::create_dir_all(file.parent().context("the genesis file is in a folder")?)?;
    std::fs::write(&file, GENESIS).with_context(|| format!("cannot write {}", file.display()))
}

/// Unused loopback addresses. Taken together, so that they differ.
pub fn free_addresses(count: usize) -> Result<Vec<SocketAddr>> {
    let listeners: Vec<_> =
        (0..count).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).collect::<Result<_, _>>()?;
    listeners.iter().map(|listener| Ok(listener.local_addr()?)).collect()
}

pub fn join(addresses: &[SocketAddr]) -> String {
    addresses.iter().map(SocketAddr::to_string).collect::<Vec<_>>().join(",")
}
