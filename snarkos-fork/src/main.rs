//! snarkOS with a mining pool inside: upstream's command line, plus `start --pool`, `miner` and `pool`.
//!
//! # Layout
//! - [`cli`]: the command line: upstream's, extended.
//! - [`start`]: a node with a pool in it, from flags to shutdown.
//! - [`miner`]: the reference CPU miner.
//! - [`pool`]: commands on a pool's data.
//! - [`report`]: how panics and errors reach the operator, like upstream.

#![forbid(unsafe_code)]

mod cli;
mod miner;
mod pool;
mod report;
mod start;

use std::panic::catch_unwind;

use anyhow::Result;
use cli::Command;
use snarkos_cli::helpers::Updater;

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[global_allocator]
static GLOBAL: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() {
    report::install_panic_hook();
    // A panic on the main thread must end the process, not leave a node without a master.
    match catch_unwind(run) {
        Ok(Ok(output)) => {
            report::info(&output);
            report::exit(0)
        }
        Ok(Err(error)) => {
            report::error(&error);
            report::exit(1)
        }
        Err(_) => {
            report::bug();
            report::exit(1)
        }
    }
}

fn run() -> Result<String> {
    let arguments = cli::parse();
    if arguments.check_for_update
        && let Ok(version) = Updater::update_available()
    {
        report::info(&format!("upstream has released snarkOS v{version}: docs/fork.md says how to upgrade"));
    }
    match arguments.command {
        Command::Upstream(command) => command.parse(),
        Command::Start { start, pool } if pool.pool => start::with_pool(*start, *pool),
        Command::Start { start, .. } => start.parse(),
        Command::Miner(args) => miner::run(&args),
        Command::Pool(command) => pool::run(command),
        Command::Update => cli::refuse_update(),
    }
}
