//! The command line.

use std::{num::NonZeroUsize, thread};

use pool_core::evaluator::PuzzleKind;

/// The arguments of `snarkos miner`.
#[derive(Clone, Debug, PartialEq, clap::Args)]
#[command(
    about = "Mine for a pool with this machine's processor",
    long_about = "Mine for a pool that speaks AleoStratum/3.0.0 with this machine's processor. It connects, \
                  asks for work, tries counters, and sends those that reach the share target. Every five \
                  seconds it prints its rate and how many shares the pool took and refused. It reconnects \
                  by itself. Stop it with Ctrl-C.",
    after_help = "Examples:\n  \
                  snarkos miner --pool 127.0.0.1:3333 --worker alice.rig1\n  \
                  snarkos miner --pool pool.example:3333 --worker aleo1….rig1 --threads 4 --rate 20"
)]
pub struct MinerArgs {
    /// The pool's stratum port
    #[arg(long, value_name = "HOST:PORT", value_parser = parse_pool)]
    pub pool: String,

    /// Who is credited: an Aleo address or a pool account, then a dot and a name for this machine
    #[arg(long, value_name = "NAME")]
    pub worker: String,

    /// The password, if the pool asks for one
    #[arg(long, default_value = "x")]
    pub password: String,

    /// What computes targets: `native`, or `stock`, which is snarkVM itself and hundreds of times slower
    #[arg(long, value_enum, default_value_t)]
    pub puzzle: PuzzleKind,

    /// Mining threads [default: one for each core]
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,

    /// The most attempts a second, in all threads together [default: unlimited]
    #[arg(long, value_name = "ATTEMPTS_PER_S", value_parser = parse_rate)]
    pub rate: Option<f64>,
}

impl MinerArgs {
    /// How many threads to run.
    pub fn threads(&self) -> usize {
        let default = || thread::available_parallelism().map_or(1, NonZeroUsize::get);
        self.threads.map_or_else(default, NonZeroUsize::get)
    }
}

fn parse_pool(text: &str) -> Result<String, String> {
    let Some((host, port)) = text.rsplit_once(':') else {
        return Err("give the port too, as in pool.example:3333".into());
    };
    if host.is_empty() {
        return Err("give the host too, as in pool.example:3333".into());
    }
    match port.parse::<u16>() {
        Ok(1..) => Ok(text.into()),
        _ => Err(format!("'{port}' is not a port: use a number from 1 to 65535")),
    }
}

fn parse_rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (0.001..=1e9).contains(&rate) => Ok(rate),
        _ => Err("use a number of attempts a second, from 0.001 to 1000000000".into()),
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args, Command, FromArgMatches};

    use super::*;

    fn parse(args: &[&str]) -> Result<MinerArgs, clap::Error> {
        let command = MinerArgs::augment_args(Command::new("miner"));
        MinerArgs::from_arg_matches(&command.try_get_matches_from(args)?)
    }

    #[test]
    fn the_command_line_of_the_documents() {
        let args =
            parse(&["miner", "--pool", "h:3333", "--worker", "a.b", "--threads", "2", "--rate", "0.5"]);
        let args = args.unwrap();
        assert_eq!(
            (args.pool.as_str(), args.worker.as_str(), args.password.as_str()),
            ("h:3333", "a.b", "x")
        );
        assert_eq!((args.threads(), args.rate), (2, Some(0.5)));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let with = |name: &str, value: &str| {
            let mut args = vec!["miner", "--worker", "a"];
            if name != "--pool" {
                args.extend(["--pool", "h:1"]);
            }
            args.extend([name, value]);
            parse(&args)
        };
        for (name, value) in [
            ("--pool", "host"),
            ("--pool", ":1"),
            ("--pool", "h:0"),
            ("--pool", "h:70000"),
            ("--rate", "0"),
            ("--rate", "-1"),
            ("--rate", "NaN"),
            ("--rate", "inf"),
            ("--rate", "x"),
            ("--threads", "0"),
        ] {
            assert!(with(name, value).is_err(), "{name} {value}");
        }
        assert!(with("--rate", "20").is_ok());
    }
}
