//! Many miners that only wait for work: a `simulate` process.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use pool_simulator::helper::Helper;

use crate::process::built_beside;

/// Miners that are logged in and find nothing; gone when dropped.
pub struct ConnectionLimits {
    helper: Helper,
    miners: usize,
}

impl ConnectionLimits {
    /// Returns once all have work.
    pub fn log_in(pool: SocketAddr, miners: usize) -> Result<Self> {
        let program = built_beside("simulate")?;
        let program = program.to_str().context("the path of `simulate` is not UTF-8")?;
        let (pool, count) = (pool.to_string(), miners.to_string());
        let args = ["--control", "--rate", "0", "--pool", &pool, "--miners", &count];
        let mut helper = Helper::start(program, &args.map(String::from))?;
        helper.ask("wait", "working")?;
        Ok(Self { helper, miners })
    }

    /// When each miner's kernel had the last job of a new epoch, in seconds since 1970. A job is one segment:
    /// its first byte comes with its last. Empty if no miner had one; an error if only some had.
    pub fn arrivals(&mut self) -> Result<Vec<f64>> {
        let arrivals = self.helper.ask_numbers("arrivals", "arrivals")?;
        let (count, miners) = (arrivals.len(), self.miners);
        ensure!(count == 0 || count == miners, "{count} of {miners} miners got the new epoch's job");
        Ok(arrivals.into_iter().map(|nanoseconds| nanoseconds as f64 / 1e9).collect())
    }
}
