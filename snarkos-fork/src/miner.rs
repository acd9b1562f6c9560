//! The reference CPU miner.

use anyhow::{Context, Result};
use pool_plugin::miner::{self, MinerArgs};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Mines until SIGINT or SIGTERM.
pub fn run(args: &MinerArgs) -> Result<String> {
    let evaluator = pool_evaluators::mining(args.puzzle, args.threads())?;
    let stop = CancellationToken::new();
    stop_on_signal(stop.clone())?;
    miner::run(args, evaluator, stop)?;
    Ok(String::new())
}

/// Waits for the signals on its own thread.
fn stop_on_signal(stop: CancellationToken) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the signal handler")?;
    let (mut interrupt, mut terminate) = {
        let _guard = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    std::thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        });
        stop.cancel();
    });
    Ok(())
}
