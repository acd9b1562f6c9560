//! The reference miner as a process.

use std::net::SocketAddr;

use anyhow::Result;

use crate::{devnet::Devnet, process::Process};

/// Starts `snarkos miner` for `login`, paced to `rate` attempts a second.
pub fn start(devnet: &Devnet, pool: SocketAddr, login: &str, rate: u32) -> Result<Process> {
    let name = format!("miner-{}", login.replace(['/', '.'], "-"));
    let arguments = [
        "miner".into(),
        format!("--pool={pool}"),
        format!("--worker={login}"),
        "--threads=1".into(),
        format!("--rate={rate}"),
    ];
    let log = devnet.folder.join(format!("{name}.log"));
    Process::start(&name, &devnet.binary, arguments, &log, &devnet.folder)
}
