//! `snarkos pool config`: checks a file before a pool reads it, and prints an example.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};
use pool_core::types::Address;

use super::{Config, PoolArgs, Source, example::example, source::CheckAddress};

#[derive(Args, Clone, Debug)]
pub struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Subcommand, Clone, Debug)]
enum ConfigCommand {
    /// Check a configuration file as a start or a reload would, with the files it names, and print every key with
    /// the value it would have. Exits with 1 and a list of all mistakes if there are any
    Check {
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Print an annotated configuration file with every key and its default
    Example,
}

/// `check_address`: whether an address is an account.
pub fn run(args: &ConfigArgs, check_address: CheckAddress) -> Result<String> {
    match &args.command {
        ConfigCommand::Example => Ok(example()),
        ConfigCommand::Check { file } => check(file.clone(), check_address),
    }
}

/// Stands for values that only the running node knows.
const OF_THE_NODE: &str = "(the node's)";

fn check(file: PathBuf, check_address: CheckAddress) -> Result<String> {
    // No file can contain this address.
    let node = Address::default();
    let source = Source {
        args: PoolArgs { pool_config: Some(file.clone()), ..PoolArgs::default() },
        node_address: Some(node),
        default_data: OF_THE_NODE.into(),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        check_address,
    };
    let config = source.load()?;
    Ok(format!("{} is valid:\n{}", file.display(), listed(&config, &node)))
}

fn listed(config: &Config, node: &Address) -> String {
    let lines = config.entries().into_iter().map(|entry| {
        let value = match entry.key {
            "address" if config.addresses == [*node] => OF_THE_NODE.to_owned(),
            _ => entry.value,
        };
        format!("  {:<24} {value}", entry.key)
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: ConfigArgs,
    }

    fn run_line(line: &[&str]) -> Result<String> {
        let args = Cli::parse_from([&["config"], line].concat()).args;
        run(&args, Box::new(|_| Ok(())))
    }

    fn check_text(text: &str) -> Result<String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pool.toml");
        std::fs::write(&file, text).unwrap();
        run_line(&["check", file.to_str().unwrap()])
    }

    #[test]
    fn the_example_that_is_printed_passes_the_check() {
        let example = run_line(&["example"]).unwrap();
        let checked = check_text(&example).unwrap();
        assert!(checked.contains("is valid"), "{checked}");
        assert!(checked.contains("\n  address                  (the node's)\n"), "{checked}");
        assert!(checked.contains("\n  share_target             100000\n"), "{checked}");
    }

    #[test]
    fn every_mistake_is_listed_and_no_password_shown() {
        let wrong = check_text("share_target = 0\nusers = \"some\"").unwrap_err().to_string();
        assert!(wrong.starts_with("the pool's configuration has 2 problems:"), "{wrong}");
        let checked = check_text("[sinks.redis]\nurl = \"redis://:hunter2@x\"").unwrap();
        assert!(checked.contains("redis://x:6379/0") && !checked.contains("hunter2"), "{checked}");
        assert!(run_line(&["check", "/none"]).unwrap_err().to_string().contains("cannot be read"));
    }
}
