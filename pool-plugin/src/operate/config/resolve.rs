//! From flags, file and defaults to a configuration, or to the list of all mistakes in them.

#[cfg(test)]
mod tests;

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use clap::ValueEnum;
use pool_core::{
    accounting::terms::{Rules, Scheme, parse_fees},
    chain::following::Patience,
    evaluator::PuzzleKind,
    login::parse_login,
    types::Address,
};

use super::{
    Config, PoolArgs, Problem, Problems, api, entrance, ports::parse_listen, range::in_range, reader::Reader,
    sinks, webhooks,
};
use crate::{
    release::policy::Policy,
    stratum::{server::capture::CaptureConfig, wire::extranonce::MOST_NODES},
};

const DEFAULT_LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), 3333);
const DEFAULT_SHARE_TARGET: u64 = 100_000;
const DEFAULT_SHARE_INTERVAL: u64 = 10;
const MAX_SHARE_INTERVAL: u64 = 3_600;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const DEFAULT_KEEP_SHARES_DAYS: u32 = 30;
const DEFAULT_MAX_CONNECTIONS: usize = 10_000;
/// A day, in seconds.
const MAX_STALL: u64 = 86_400;
const MAX_VERIFY_THREADS: usize = 1_024;
const MAX_CONNECTIONS: usize = 1_000_000;

/// What the configuration depends on besides flags and file.
pub struct Context<'a> {
    /// The file's name and its text, or the reason why it cannot be read.
    pub file: Option<(PathBuf, Result<String, String>)>,
    /// The node's own address, if it has an account that outlives the process.
    pub node_address: Option<Address>,
    /// `pool-<network>` in the node's data folder.
    pub default_data: PathBuf,
    pub cores: usize,
    /// Whether an address is an account on the running network; the reason if not.
    pub check_address: &'a dyn Fn(&Address) -> Result<(), String>,
}

/// Reports all mistakes at once, so that an operator fixes a configuration in one go.
pub fn resolve(args: &PoolArgs, context: Context<'_>) -> Result<Config, Problems> {
    let mut reader = Reader::new(context.file, &entrance::KEYS);

    let listen =
        reader.read("listen", &args.pool_listen, "an IP address and a port, e.g. 0.0.0.0:3333", parse_listen);
    let ports = reader.read_ports(&args.pool_port);
    let mut addresses = reader.read_addresses(&args.pool_address, context.check_address);
    let data = reader.read("data", &args.pool_data, "a folder the pool may write to", |text| match text {
        "" => Err("it is empty".into()),
        _ => Ok(PathBuf::from(text)),
    });
    let mut target = |key, flag| {
        reader.read(key, flag, "a whole number from 1 to 18446744073709551615", |text| {
            in_range(text, 1, u64::MAX)
        })
    };
    let share_target = target("share_target", &args.pool_share_target);
    let min_share_target = target("min_share_target", &args.pool_min_share_target);
    let fixed_share_target = target("fixed_share_target", &args.pool_fixed_share_target);
    let share_interval = reader.read(
        "share_interval",
        &args.pool_share_interval,
        "a whole number of seconds from 1 to 3600",
        |text| in_range(text, 1, MAX_SHARE_INTERVAL),
    );
    let scheme = reader.read(
        "scheme",
        &args.pool_scheme,
        "prop, pplns:N with N from 1 to 1000000, or solo",
        Scheme::from_str,
    );
    let fees = reader.read(
        "fees",
        &args.pool_fees,
        "ACCOUNT:POINTS,… with at most 16 accounts and 10000 basis points together",
        |text| parse_fees(text, account_of),
    );
    let node = reader.read("node", &args.pool_node, "a whole number from 0 to 15", |text| {
        in_range(text, 0, MOST_NODES - 1)
    });
    let puzzle = reader.read("puzzle", &args.puzzle, "native or stock", |text| {
        <PuzzleKind as ValueEnum>::from_str(text, false)
    });
    let release = reader.read("release", &args.pool_release, "auto, immediate or best-of-epoch", |text| {
        let named = Policy::NAMES.into_iter().find(|(name, _)| *name == text);
        named.map(|(_, policy)| policy).ok_or_else(|| format!("'{text}' is not a policy"))
    });
    let verify_threads =
        reader.read("verify_threads", &args.pool_verify_threads, "a whole number from 1 to 1024", |text| {
            in_range(text, 1, MAX_VERIFY_THREADS)
        });
    let mut stall = |key, flag| {
        reader
            .read(key, flag, "a whole number of seconds from 1 to 86400", |text| in_range(text, 1, MAX_STALL))
    };
    let stall_refuse = stall("stall_refuse", &args.pool_stall_refuse).map(Duration::from_secs);
    let stall_close = stall("stall_close", &args.pool_stall_close).map(Duration::from_secs);
    let patience = Patience {
        refuse: stall_refuse.unwrap_or(Patience::default().refuse),
        close: stall_close.unwrap_or(Patience::default().close),
    };
    if patience.close < patience.refuse {
        reader.problems.push(Problem {
            key: "stall_close".into(),
            origin: "with stall_refuse".into(),
            wrong: format!(
                "connections would be closed after {} s, before shares are refused after {} s",
                patience.close.as_secs(),
                patience.refuse.as_secs()
            ),
            allowed: "stall_refuse or more".into(),
        });
    }
    let keep_shares_days = reader.read(
        "keep_shares_days",
        &args.pool_keep_shares_days,
        "a whole number from 1 to 36500",
        |text| in_range(text, 1, 36_500),
    );
    let folder = reader.read("capture", &args.capture, "a folder the pool may write to", |text| match text {
        "" => Err("it is empty".into()),
        _ => Ok(PathBuf::from(text)),
    });
    let only = reader.read("capture_address", &args.capture_address, "an IP address", |text| {
        IpAddr::from_str(text).map_err(|_| format!("'{text}' is not an IP address"))
    });
    if only.is_some() && folder.is_none() {
        reader.problems.push(Problem {
            key: "capture_address".into(),
            origin: "set alone".into(),
            wrong: "there is no folder to write to".into(),
            allowed: "together with --capture DIR".into(),
        });
    }
    let max_connections = reader.read(
        "max_connections",
        &args.pool_max_connections,
        "a whole number from 1 to 1000000",
        |text| in_range(text, 1, MAX_CONNECTIONS),
    );

    let entrance = entrance::read(&mut reader, args);
    let sinks = sinks::read(reader.table.get("sinks"), &reader.file_name, &mut reader.problems);

    let webhooks = webhooks::read(reader.table.get("webhook"), &reader.file_name, &mut reader.problems);
    let api =
        api::read(reader.table.get("api"), args.pool_api.as_deref(), &reader.file_name, &mut reader.problems);

    if args.pool_address.is_empty() && !reader.table.contains_key("address") {
        addresses.extend(context.node_address);
    }
    if addresses.is_empty() && reader.problems.iter().all(|problem| problem.key != "address") {
        reader.problems.push(Problem {
            key: "address".into(),
            origin: "not set".into(),
            wrong: "the node has no account of its own, and rewards to a temporary one would be lost".into(),
            allowed: "--pool-address, or a node with --private-key or --private-key-file".into(),
        });
    }

    match reader.problems.is_empty() {
        true => Ok(Config {
            listen: listen.unwrap_or(DEFAULT_LISTEN),
            ports,
            addresses,
            data: data.unwrap_or(context.default_data),
            share_target: share_target.unwrap_or(DEFAULT_SHARE_TARGET),
            share_interval: Duration::from_secs(share_interval.unwrap_or(DEFAULT_SHARE_INTERVAL)),
            min_share_target: min_share_target.unwrap_or(1),
            fixed_share_target,
            rules: Rules {
                scheme: scheme.unwrap_or(Rules::default().scheme),
                fees: fees.unwrap_or_default(),
            },
            node: node.unwrap_or(0),
            puzzle: puzzle.unwrap_or_default(),
            release: release.unwrap_or_default(),
            capture: folder.map(|folder| CaptureConfig { folder, only }),
            patience,
            verify_threads: verify_threads.unwrap_or((context.cores / 2).max(1)),
            keep_shares: DAY * keep_shares_days.unwrap_or(DEFAULT_KEEP_SHARES_DAYS),
            max_connections: max_connections.unwrap_or(DEFAULT_MAX_CONNECTIONS),
            entrance,
            sinks,
            webhooks,
            api,
        }),
        false => Err(Problems(reader.problems)),
    }
}

/// The account that a login of this name would credit.
fn account_of(name: &str) -> Result<String, String> {
    let login = parse_login(name).map_err(|error| error.to_string())?;
    if !login.name.is_empty() {
        return Err(format!("'{name}' names a worker: fees go to accounts"));
    }
    Ok(login.account)
}
