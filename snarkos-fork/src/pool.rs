//! Commands on a pool's data.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, FromArgMatches, Subcommand};
use pool_plugin::{dump, ledger::ShareLedger};

#[derive(Subcommand, Clone, Debug)]
pub enum PoolCommand {
    /// Print the share dump of a block, rebuilt from the database byte for byte
    Dump(DumpArgs),
}

#[derive(Args, Clone, Debug)]
pub struct DumpArgs {
    /// The height of a block with a solution of this pool
    #[arg(long)]
    height: u32,

    /// The pool's data folder (`--pool-data` of the node); the pool may be running
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

impl PoolCommand {
    pub fn augment(command: clap::Command) -> clap::Command {
        Self::augment_subcommands(command).subcommand_required(true).arg_required_else_help(true)
    }

    pub fn from_matches(matches: &clap::ArgMatches) -> Result<Self, clap::Error> {
        Self::from_arg_matches(matches)
    }
}

pub fn run(command: PoolCommand) -> Result<String> {
    match command {
        PoolCommand::Dump(args) => dump(&args),
    }
}

fn dump(args: &DumpArgs) -> Result<String> {
    let ledger = ShareLedger::open_read_only(&args.data.join("db"))?;
    dump::export(&ledger, args.height, &mut std::io::stdout().lock())?;
    Ok(String::new())
}
