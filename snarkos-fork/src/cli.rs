//! The command line: upstream's, extended without a patch, so that upstream's flags follow by themselves.

use anyhow::{Result, bail};
use clap::{Args, CommandFactory, FromArgMatches};
use pool_plugin::{miner::MinerArgs, operate::config::PoolArgs};
use snarkos_cli::commands::{CLI, Command as UpstreamCommand, Start};

use crate::pool::PoolCommand;

/// What the operator asked for.
pub struct Arguments {
    pub command: Command,
    pub check_for_update: bool,
}

pub enum Command {
    Start { start: Box<Start>, pool: Box<PoolArgs> },
    Miner(MinerArgs),
    Pool(PoolCommand),
    Update,
    Upstream(UpstreamCommand),
}

/// Parses the process's arguments; like clap, prints help, version or mistakes and exits.
pub fn parse() -> Arguments {
    // Like upstream: clap's own version line knows neither branch nor features.
    if std::env::args().nth(1).is_some_and(|first| ["--version", "-V"].contains(&first.as_str())) {
        println!("{}", version_line());
        std::process::exit(0);
    }
    parse_from(std::env::args_os()).unwrap_or_else(|error| error.exit())
}

fn command() -> clap::Command {
    CLI::command()
        .mut_subcommand("start", PoolArgs::augment_args)
        .mut_subcommand("update", |update| {
            update.about("Refuses: it would replace this binary with upstream's, which has no pool")
        })
        .subcommand(
            MinerArgs::augment_args(clap::Command::new("miner"))
                .about("Mine for a pool on the CPU (the reference miner)"),
        )
        .subcommand(
            PoolCommand::augment(clap::Command::new("pool"))
                .about("Read a pool's data, whether it runs or not"),
        )
}

fn parse_from<I, T>(arguments: I) -> Result<Arguments, clap::Error>
where
    I: IntoIterator<Item = T>,
    T: Into<std::ffi::OsString> + Clone,
{
    let mut matches = command().try_get_matches_from(arguments)?;
    let ours = match matches.subcommand() {
        Some(("miner", miner)) => Some(Command::Miner(MinerArgs::from_arg_matches(miner)?)),
        Some(("pool", pool)) => Some(Command::Pool(PoolCommand::from_matches(pool)?)),
        Some(("update", _)) => Some(Command::Update),
        _ => None,
    };
    if let Some(command) = ours {
        return Ok(Arguments { command, check_for_update: false });
    }
    let pool = match matches.subcommand() {
        Some(("start", start)) => PoolArgs::from_arg_matches(start)?,
        _ => PoolArgs::default(),
    };
    let upstream = CLI::from_arg_matches_mut(&mut matches)?;
    let command = match upstream.command {
        UpstreamCommand::Start(start) => Command::Start { start, pool: Box::new(pool) },
        other => Command::Upstream(other),
    };
    Ok(Arguments { command, check_for_update: !upstream.noupdater })
}

pub fn refuse_update() -> Result<String> {
    bail!(
        "`snarkos update` would replace this binary with upstream's, which has no pool; \
         to follow an upstream release, move the pins and rebuild (docs/fork.md)"
    )
}

/// `snarkos --version` in upstream's form; the features distinguish a pool and a devnet binary.
fn version_line() -> String {
    let features = if cfg!(feature = "test_network") { "pool,test_network" } else { "pool" };
    format!(
        "snarkos {} {} {} features=[{features}]",
        env!("CARGO_PKG_VERSION"),
        env!("SNARKOS_GIT_BRANCH"),
        env!("SNARKOS_GIT_COMMIT")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, clap::Error> {
        parse_from(line.split_whitespace())
    }

    #[test]
    fn clap_finds_no_fault() {
        command().debug_assert();
    }

    #[test]
    fn every_upstream_command_is_there() {
        let names: Vec<_> = CLI::command().get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
        let extended = command();
        assert!(names.iter().all(|name| extended.find_subcommand(name).is_some()), "{names:?}");
        let upstream_start = CLI::command().find_subcommand("start").unwrap().get_arguments().count();
        let start = extended.find_subcommand("start").unwrap();
        let ours = PoolArgs::augment_args(clap::Command::new("pool")).get_arguments().count();
        assert_eq!(
            start.get_arguments().count(),
            upstream_start + ours,
            "a flag of ours hides one of upstream's"
        );
        assert!(start.get_about().is_none_or(|about| !about.to_string().contains("pool")));
    }

    #[test]
    fn pool_flags_do_not_disturb_upstreams() {
        let line = "snarkos start --client --network 1 --pool --pool-listen 127.0.0.1:1 --nodisplay";
        let Command::Start { start, pool } = parse(line).unwrap().command else { panic!("not a start") };
        assert!(start.client && start.nodisplay && start.network == 1);
        assert!(pool.pool);
        assert_eq!(pool.keys.get("listen").unwrap(), ["127.0.0.1:1"]);
    }

    #[test]
    fn pool_flags_need_the_pool() {
        assert!(parse("snarkos start --client --pool-listen 127.0.0.1:1").is_err());
    }

    #[test]
    fn update_is_refused() {
        assert!(matches!(parse("snarkos update").unwrap().command, Command::Update));
        assert!(refuse_update().unwrap_err().to_string().contains("no pool"));
    }
}
