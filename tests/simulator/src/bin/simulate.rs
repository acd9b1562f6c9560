//! Synthetic miners on real sockets: `simulate --help`.

use std::{rc::Rc, time::Duration};

use anyhow::{Context, Result};
use clap::Parser;
use pool_simulator::{args::Args, control, crowd::ConnectionLimits};
use tokio::{task::LocalSet, time::sleep};

fn main() -> Result<()> {
    let args = Args::parse();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start")?;
    let local = LocalSet::new();
    let (controlled, miners, seconds) = (args.control, args.miners, args.seconds);
    let crowd = ConnectionLimits::start(&local, args);
    let shared = Rc::clone(&crowd.shared);
    runtime.block_on(local.run_until(async move {
        if controlled {
            return control::run_commands(&shared.tally, miners).await;
        }
        sleep(Duration::from_secs(seconds)).await;
        shared.tally.report().iter().for_each(|line| println!("{line}"));
        Ok(())
    }))
}
