//! The devnet that the scenarios share; started when the first of them needs it.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::atomic::AtomicBool,
};

use anyhow::{Context, Result};
use pool_tests::{
    devnet::{Devnet, free_addresses},
    miner,
    pool_node::{PoolNode, STAKED_ADDRESS},
    process::{Process, snarkos_binary},
};
use tempfile::TempDir;

/// Attempts per second of the reference miner; every eighth solves the devnet's puzzle.
const MINER_RATE: u32 = 2;

/// Small enough that every other attempt is a share, and under the devnet's proof target of 8.
pub const SHARE_TARGET: u64 = 2;

pub struct World {
    pub folder: TempDir,
    net: Option<Net>,
}

/// What runs once a scenario needs it. Fields are dropped in this order.
pub struct Net {
    pub miner: Process,
    pub pool: PoolNode,
    /// The stratum port of the last validator's own pool, and that pool's data.
    pub validator_pool: (std::net::SocketAddr, PathBuf),
    /// The pool address's balance before the pool found anything.
    pub first_balance: u64,
    pub devnet: Devnet,
}

impl World {
    pub fn new() -> Result<Self> {
        Ok(Self { folder: tempfile::Builder::new().prefix("aleo-pool-e2e-").tempdir()?, net: None })
    }

    /// Runs `snarkos` to its end.
    pub fn snarkos(&self, arguments: &[&str]) -> Result<Output> {
        let output = Command::new(snarkos_binary()?)
            .args(arguments)
            .env("TMPDIR", self.folder.path())
            .current_dir(self.folder.path())
            .output()?;
        Ok(output)
    }

    /// The devnet with a pool node and a miner on it.
    pub fn net(&mut self) -> Result<&mut Net> {
        if self.net.is_none() {
            self.net = Some(Net::start(&self.folder.path().join("net"))?);
        }
        self.net.as_mut().context("the devnet was just started")
    }
}

impl Net {
    fn start(folder: &Path) -> Result<Self> {
        let stratum = free_addresses(1)?[0];
        let data = folder.join("validator-pool");
        let validator_pool = [
            "--pool".to_owned(),
            format!("--pool-listen={stratum}"),
            "--pool-api=off".to_owned(),
            format!("--pool-data={}", data.display()),
            "--pool-fixed-share-target=1".to_owned(),
        ];
        let mut devnet = Devnet::start(folder, &validator_pool)?;
        devnet.wait_for_blocks(&AtomicBool::new(false))?;
        let address = format!("--pool-address={STAKED_ADDRESS}");
        let share_target = format!("--pool-fixed-share-target={SHARE_TARGET}");
        // Each share in one dump, so that the scenarios can count them.
        let mut pool = PoolNode::start(&devnet, 0, &[&address, &share_target, "--pool-scheme=prop"])?;
        pool.wait_for_work("waiting.test")?;
        let first_balance = pool.rest.balance(STAKED_ADDRESS)?;
        let miner = miner::start(&devnet, pool.stratum, "alice.rig-1", MINER_RATE)?;
        Ok(Self { miner, pool, validator_pool: (stratum, data), first_balance, devnet })
    }
}
