//! A client without a pool, with the default limit of requests: the node that an operator pays through, or
//! that a miner verifies dumps with.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::{
    devnet::{Devnet, free_addresses, join},
    process::{Process, tail},
    rest::Rest,
};

/// The node answers ten requests a second; its limit is not under test.
pub const PACE: Duration = Duration::from_millis(250);

pub struct PlainNode {
    pub process: Process,
    pub rest: Rest,
}

impl PlainNode {
    /// Starts the `index`-th of the clients that the validators know.
    pub fn start(devnet: &Devnet, index: usize) -> Result<Self> {
        let name = format!("plain-{index}");
        let rest = free_addresses(1)?[0];
        let node = *devnet.client_addresses.get(index).context("the validators know no such client")?;
        let mut arguments = devnet.common_arguments(&name, devnet.validators.len() + index);
        arguments.extend([
            "--client".into(),
            "--nojwt".into(),
            format!("--rest={rest}"),
            format!("--node={node}"),
            format!("--peers={}", join(&devnet.validator_addresses)),
        ]);
        let log = devnet.folder.join(format!("{name}.log"));
        let process = Process::start(&name, &devnet.binary, &arguments, &log, &devnet.folder)?;
        Ok(Self { process, rest: Rest::new(rest) })
    }

    /// Retries until there is a result; `what` names it.
    pub fn until<T>(
        &mut self,
        what: &str,
        patience: Duration,
        mut look: impl FnMut(&Rest) -> Result<Option<T>>,
    ) -> Result<T> {
        let deadline = Instant::now() + patience;
        let mut last = String::from("no");
        while Instant::now() < deadline {
            self.process.check_alive()?;
            match look(&self.rest) {
                Ok(Some(found)) => return Ok(found),
                Ok(None) => "not yet".clone_into(&mut last),
                // The node may not listen yet, or be busy.
                Err(error) => last = format!("{error:#}"),
            }
            sleep(PACE);
        }
        bail!("{what}: {last} after {patience:?}:\n{}", tail(&self.process.output(), 20))
    }

    /// Waits until the node has this block.
    pub fn wait_for_height(&mut self, height: u64, patience: Duration) -> Result<()> {
        self.until(&format!("block {height}"), patience, |rest| Ok((rest.height()? >= height).then_some(())))
    }
}
