//! The reference CPU miner.

use anyhow::Result;
use pool_node::stock::stock_evaluator;
use pool_plugin::{chain::Network, miner::MinerArgs};

pub fn run(args: &MinerArgs) -> Result<String> {
    // The puzzle is the same on every network: it depends on the epoch hash alone.
    let evaluator = stock_evaluator(Network::Mainnet, args.threads())?;
    pool_plugin::miner::run(args, evaluator)?;
    Ok(String::new())
}
