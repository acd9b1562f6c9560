//! The reference CPU miner: the smallest complete miner, and a strict test of the pool's protocol.
//!
//! - [`args`]: the command line.
//! - [`protocol`]: AleoStratum/3.0.0 from the miner's side. Pure.
//! - [`work`]: the threads' work, and their pace.
//! - [`report`]: the rate line.
//! - `client`: the connection.

pub mod args;
mod client;
pub mod protocol;
pub mod report;
pub mod work;

use std::{sync::Arc, thread};

use anyhow::Context;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub use args::MinerArgs;

use pool_core::evaluator::Evaluator;

/// Mines until `stop` is cancelled, or the pool refuses the login. Reconnects when the connection is lost.
/// Blocks; writes to the standard output.
pub fn run(args: &MinerArgs, evaluator: Arc<dyn Evaluator>, stop: CancellationToken) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the miner's runtime could not be started")?;
    let board = Arc::new(work::Board::new(args.rate));
    let (shares, found) = mpsc::unbounded_channel();
    let mut threads = Vec::new();
    for number in 0..args.threads() {
        let (shared, puzzle, sender) = (Arc::clone(&board), Arc::clone(&evaluator), shares.clone());
        let spawned = thread::Builder::new()
            .name(format!("miner-{number}"))
            .spawn(move || work::mine(&shared, &*puzzle, &sender));
        match spawned {
            Ok(thread) => threads.push(thread),
            Err(reason) => {
                board.close();
                return Err(reason).context("a mining thread could not be started: ask for fewer");
            }
        }
    }
    drop(shares);
    let outcome = runtime.block_on(client::Client::new(args, Arc::clone(&board), found).run(&stop));
    board.close();
    for thread in threads {
        // The thread has reported a panic itself.
        let _ = thread.join();
    }
    outcome.map(|report| report::say(&report.last_line()))
}

#[cfg(test)]
mod tests;
