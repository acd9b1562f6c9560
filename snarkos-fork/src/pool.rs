//! Commands on a pool's data.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Args, FromArgMatches, Subcommand};
use pool_core::types::{Address, Network};
use pool_node::{account, protocol};
use pool_plugin::{
    books::{audit, backup, dump},
    ledger::{self, ShareLedger},
    operate::{
        admin::{self, AdminArgs},
        config::cli::{self as config, ConfigArgs},
        console::cli::{self as console, AccountArgs, ListArgs, LogsArgs, MinersArgs, StatusArgs},
    },
    stratum::{
        server::capture::transcript,
        users::cli::{self as users, UserArgs},
    },
};

#[derive(Subcommand, Clone, Debug)]
pub enum PoolCommand {
    /// Show a running pool on one screen: sync, rates, miners, shares, round, budget, and current problems
    Status(StatusArgs),

    /// List the workers of a running pool: rates, targets, shares
    Miners(MinersArgs),

    /// List the last blocks with solutions of ours
    Blocks(ListArgs),

    /// List the last solutions, their states and why
    Solutions(ListArgs),

    /// Show an account: rates, shares, rewards and workers
    Account(AccountArgs),

    /// Change what a running pool logs
    Logs(LogsArgs),

    /// Print the share dump of a block, rebuilt from the database byte for byte
    Dump(DumpArgs),

    /// Check share dumps: their sums, how they share out the reward, their digests and the chain they form;
    /// with `--data` also against the shares, with `--node` against the blocks
    Verify(VerifyArgs),

    /// Print a capture, which the node has written with `--capture`, as a golden transcript: as a `.txt` next to the
    /// dialects (`pool-plugin/src/stratum/wire/dialects`) it is replayed by the tests
    Transcript(TranscriptArgs),

    /// Print how lucky the last rounds were, and what each account found and was expected to find
    Luck(LuckArgs),

    /// Back the database and the dumps up to a new folder. A running pool makes the backup itself and keeps
    /// running: its user must be able to create the folder
    Backup(BackupArgs),

    /// Restore a backup to the data folder of a stopped pool that has no database. Existing dumps stay, and
    /// nothing they paid for is credited or dumped again; shares are credited from the next epoch on
    Restore(BackupArgs),

    /// Add, list, disable and change the users in users.json; a running pool follows
    User(UserArgs),

    /// Make a token for the admin part of the API, and print it with its line of the configuration file
    ApiToken,

    /// Show and control a running pool, through its socket in the data folder
    Admin(AdminArgs),

    /// Check a configuration file, or print an annotated one
    Config(ConfigArgs),

    /// List the consensus versions that this release knows, with the heights at which they begin
    Heights(HeightsArgs),
}

#[derive(Args, Clone, Debug)]
pub struct HeightsArgs {
    /// 0 for mainnet, 1 for testnet, 2 for canary
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=2))]
    network: u16,

    /// JSON for programs instead of text for people
    #[arg(long)]
    json: bool,
}

#[derive(Args, Clone, Debug)]
pub struct BackupArgs {
    /// The folder of the backup
    #[arg(value_name = "DIR")]
    dir: PathBuf,

    /// The pool's data folder (`--pool-data` of the node)
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
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

#[derive(Args, Clone, Debug)]
#[command(arg_required_else_help = true)]
pub struct VerifyArgs {
    /// Dump files; without any, all dumps in the data folder
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,

    /// The pool's data folder (`--pool-data` of the node); the pool may be running
    #[arg(long, value_name = "DIR", required_unless_present = "files")]
    data: Option<PathBuf>,

    /// The REST address of a node of the same network, e.g. http://127.0.0.1:3030
    #[arg(long, value_name = "URL")]
    node: Option<String>,
}

#[derive(Args, Clone, Debug)]
pub struct TranscriptArgs {
    /// The capture of one connection
    #[arg(value_name = "FILE")]
    capture: PathBuf,
}

#[derive(Args, Clone, Debug)]
pub struct LuckArgs {
    /// The pool's data folder (`--pool-data` of the node); the pool may be running
    #[arg(long, value_name = "DIR")]
    data: PathBuf,

    /// How many of the last rounds
    #[arg(long, value_name = "N", default_value_t = 20)]
    rounds: usize,
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
        PoolCommand::Status(args) => console::status(&args),
        PoolCommand::Miners(args) => console::miners(&args),
        PoolCommand::Blocks(args) => console::blocks(&args),
        PoolCommand::Solutions(args) => console::solutions(&args),
        PoolCommand::Account(args) => console::account(&args),
        PoolCommand::Logs(args) => console::logs(&args),
        PoolCommand::Dump(args) => dump(&args),
        PoolCommand::Verify(args) => verify(&args),
        PoolCommand::Transcript(args) => transcript::of_file(&args.capture),
        PoolCommand::Backup(args) => admin::client::backup(&args.data, &args.dir),
        PoolCommand::Restore(args) => Ok(backup::restore(&args.dir, &args.data)?.to_string()),
        PoolCommand::Luck(args) => luck(&args),
        PoolCommand::User(args) => users::run(&args),
        PoolCommand::ApiToken => Ok(pool_api::token::make()?),
        PoolCommand::Admin(args) => admin::client::run(&args),
        PoolCommand::Config(args) => config::run(&args, Box::new(check_address)),
        PoolCommand::Heights(args) => heights(&args),
    }
}

/// Accounts have the same form on all networks.
fn check_address(address: &Address) -> Result<(), String> {
    account::check_address(Network::Mainnet, address).map_err(|error| format!("{error:#}"))
}

fn dump(args: &DumpArgs) -> Result<String> {
    let ledger = ShareLedger::open_read_only(&args.data.join(ledger::FOLDER))?;
    dump::export(&ledger, args.height, &mut std::io::stdout().lock())?;
    Ok(String::new())
}

fn verify(args: &VerifyArgs) -> Result<String> {
    let mut out = std::io::stdout().lock();
    let summary = dump::verify::run(&args.files, args.data.as_deref(), args.node.as_deref(), &mut out)?;
    match (summary.wrong, summary.unknown) {
        (0, 0) => Ok(summary.to_string()),
        _ => bail!("{summary}"),
    }
}

fn luck(args: &LuckArgs) -> Result<String> {
    let ledger = ShareLedger::open_read_only(&args.data.join(ledger::FOLDER))?;
    audit::report::report(&ledger, args.rounds, &mut std::io::stdout().lock())?;
    Ok(String::new())
}

fn heights(args: &HeightsArgs) -> Result<String> {
    let network = Network::from_id(args.network).context("unknown network")?;
    let heights = protocol::heights(network);
    if args.json {
        let heights = heights.iter().map(|(version, height)| {
            format!(
                "{{\"version\":{version},\"height\":{}}}",
                height.map_or("null".to_owned(), |height| height.to_string())
            )
        });
        return Ok(format!("[{}]", heights.collect::<Vec<_>>().join(",")));
    }
    let line = |(version, height): &(u16, Option<u32>)| match height {
        Some(height) => format!("V{version:<3} {height}"),
        None => format!("V{version:<3} no height yet"),
    };
    Ok(heights.iter().map(line).collect::<Vec<_>>().join("\n"))
}
