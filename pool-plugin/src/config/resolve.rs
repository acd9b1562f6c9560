//! From flags, file and defaults to a configuration, or to the list of everything that is wrong with them.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use clap::ValueEnum;
use toml::{Table, Value};

use super::{
    Config, PoolArgs, Problem, Problems, addresses, entrance,
    ports::{self, parse_listen},
    sinks, webhooks,
};
use crate::{
    accounting::terms::{Rules, Scheme, parse_fees},
    evaluator::PuzzleKind,
    release::policy::Policy,
    stratum::{capture::CaptureConfig, login::parse_login, places::MOST_NODES},
    types::Address,
};

const DEFAULT_LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), 3333);
const DEFAULT_SHARE_TARGET: u64 = 100_000;
const DEFAULT_SHARE_INTERVAL: u64 = 10;
const MAX_SHARE_INTERVAL: u64 = 3_600;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const DEFAULT_KEEP_SHARES_DAYS: u32 = 30;
const DEFAULT_MAX_CONNECTIONS: usize = 10_000;
const MAX_VERIFY_THREADS: usize = 1_024;
const MAX_CONNECTIONS: usize = 1_000_000;

const KEYS: &[&str] = &[
    "address",
    "capture",
    "capture_address",
    "data",
    "fees",
    "fixed_share_target",
    "listen",
    "max_connections",
    "keep_shares_days",
    "min_share_target",
    "node",
    "port",
    "puzzle",
    "release",
    "scheme",
    "share_interval",
    "share_target",
    "sinks",
    "verify_threads",
    "webhook",
];

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

/// Checks everything before it gives up, so that an operator mends a configuration in one go.
pub fn resolve(args: &PoolArgs, context: Context<'_>) -> Result<Config, Problems> {
    let mut reader = Reader::new(context.file);

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
        named.map(|(_, policy)| policy).ok_or_else(|| format!("'{text}' is no policy"))
    });
    let verify_threads =
        reader.read("verify_threads", &args.pool_verify_threads, "a whole number from 1 to 1024", |text| {
            in_range(text, 1, MAX_VERIFY_THREADS)
        });
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

    if args.pool_address.is_empty() && !reader.table.contains_key("address") {
        addresses.extend(context.node_address);
    }
    if addresses.is_empty() && reader.problems.iter().all(|problem| problem.key != "address") {
        reader.problems.push(Problem {
            key: "address".into(),
            origin: "not set".into(),
            wrong: "the node has no account of its own, and rewards to a passing one would be lost".into(),
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
            verify_threads: verify_threads.unwrap_or((context.cores / 2).max(1)),
            keep_shares: DAY * keep_shares_days.unwrap_or(DEFAULT_KEEP_SHARES_DAYS),
            max_connections: max_connections.unwrap_or(DEFAULT_MAX_CONNECTIONS),
            entrance,
            sinks,
            webhooks,
        }),
        false => Err(Problems(reader.problems)),
    }
}

/// The account a login of this name would be credited to.
fn account_of(name: &str) -> Result<String, String> {
    let login = parse_login(name).map_err(|error| error.to_string())?;
    if !login.worker.is_empty() {
        return Err(format!("'{name}' names a worker: fees go to accounts"));
    }
    Ok(login.account)
}

pub(super) fn in_range<T: FromStr + PartialOrd>(text: &str, low: T, high: T) -> Result<T, String> {
    let digits_only = text.replace('_', "");
    let number: T =
        digits_only.parse().map_err(|_| format!("'{text}' is not a whole number in the range"))?;
    match number >= low && number <= high {
        true => Ok(number),
        false => Err(format!("{text} is out of range")),
    }
}

/// Takes one key after the other from its flag or the file, and collects what is wrong on the way.
pub(super) struct Reader {
    file_name: String,
    table: Table,
    pub(super) problems: Vec<Problem>,
}

impl Reader {
    fn new(file: Option<(PathBuf, Result<String, String>)>) -> Self {
        let Some((path, text)) = file else {
            return Self { file_name: String::new(), table: Table::new(), problems: vec![] };
        };
        let file_name = path.display().to_string();
        let mut problems = vec![];
        let parsed =
            text.and_then(|text| text.parse::<Table>().map_err(|error| without_quoting(&text, &error)));
        let table = parsed.unwrap_or_else(|wrong| {
            problems.push(Problem {
                key: "pool-config".into(),
                origin: file_name.clone(),
                wrong,
                allowed: "a readable TOML file".into(),
            });
            Table::new()
        });
        let known: Vec<&str> = KEYS.iter().copied().chain(entrance::KEYS).collect();
        for key in table.keys().filter(|key| !known.contains(&key.as_str())) {
            problems.push(Problem {
                key: key.clone(),
                origin: file_name.clone(),
                wrong: "the pool knows no such key".into(),
                allowed: known.join(", "),
            });
        }
        Self { file_name, table, problems }
    }

    pub(super) fn is_set(&self, key: &str, flag: &Option<String>) -> bool {
        flag.is_some() || self.table.contains_key(key)
    }

    /// The flag's addresses, or else the file's: the flag wins as a whole.
    fn read_addresses(
        &mut self,
        flags: &[String],
        check: &dyn Fn(&Address) -> Result<(), String>,
    ) -> Vec<Address> {
        let (origin, texts) = match (flags, self.table.get("address")) {
            ([], None) => return vec![],
            ([], Some(value)) => (self.file_name.clone(), addresses::from_value(value)),
            _ => (flag_of("address"), flags.iter().cloned().map(Ok).collect()),
        };
        let (addresses, wrong) = addresses::judge(texts, check);
        for wrong in wrong {
            let (key, allowed) = ("address".into(), addresses::ALLOWED.into());
            self.problems.push(Problem { key, origin: origin.clone(), wrong, allowed });
        }
        addresses
    }

    /// The flag's ports, or else the file's: the flag wins as a whole.
    fn read_ports(&mut self, flags: &[String]) -> Vec<super::PortConfig> {
        let (origin, read) = match (flags, self.table.get("port")) {
            ([], None) => return vec![],
            ([], Some(value)) => (self.file_name.clone(), ports::from_tables(value)),
            _ => (flag_of("port"), flags.iter().map(|text| ports::from_flag(text)).collect()),
        };
        let (good, bad): (Vec<_>, Vec<_>) = read.into_iter().partition(Result::is_ok);
        for wrong in bad.into_iter().filter_map(Result::err) {
            let (key, allowed) = ("port".into(), ports::allowed());
            self.problems.push(Problem { key, origin: origin.clone(), wrong, allowed });
        }
        good.into_iter().flatten().collect()
    }

    pub(super) fn read<T>(
        &mut self,
        key: &str,
        flag: &Option<String>,
        allowed: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let (origin, text) = match (flag, self.table.get(key)) {
            (Some(text), _) => (flag_of(key), Ok(text.clone())),
            (None, Some(value)) => (self.file_name.clone(), scalar(value)),
            (None, None) => return None,
        };
        match text.and_then(|text| parse(&text)) {
            Ok(value) => Some(value),
            Err(wrong) => {
                self.problems.push(Problem { key: key.into(), origin, wrong, allowed: allowed.into() });
                None
            }
        }
    }
}

fn flag_of(key: &str) -> String {
    match key {
        "puzzle" | "capture" | "capture_address" => format!("--{}", key.replace('_', "-")),
        _ => format!("--pool-{}", key.replace('_', "-")),
    }
}

/// A file may spell a number with or without quotes; anything but text and whole numbers is a mistake.
fn scalar(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Integer(number) => Ok(number.to_string()),
        other => Err(format!("a {} stands where text or a whole number belongs", other.type_str())),
    }
}

/// Where and what, but not the line itself: it may hold a password.
fn without_quoting(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let what = error.message().lines().map(str::trim).collect::<Vec<_>>().join(" ");
    format!("line {}: {what}", before.matches('\n').count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::UserMode;

    const ADDRESS: &str = "aleo1rhgdu77hgyqd3xjj8ucu3jj9r2krwz6mnzyd80gncr5fxcwlh5rsvzp9px";

    fn check(args: &PoolArgs, file: Option<&str>, node_address: Option<Address>) -> Result<Config, Problems> {
        let context = Context {
            file: file.map(|text| ("pool.toml".into(), Ok(text.to_owned()))),
            node_address,
            default_data: "/data/pool-testnet".into(),
            cores: 8,
            check_address: &|_| Ok(()),
        };
        resolve(args, context)
    }

    fn keys(problems: &Problems) -> Vec<&str> {
        problems.0.iter().map(|problem| problem.key.as_str()).collect()
    }

    #[test]
    fn defaults_need_only_the_nodes_account() {
        let config = check(&PoolArgs::default(), None, Some(Address([7; 32]))).unwrap();
        assert_eq!(config.addresses, [Address([7; 32])]);
        assert_eq!(config.listen.to_string(), "0.0.0.0:3333");
        assert_eq!(config.data, PathBuf::from("/data/pool-testnet"));
        assert_eq!(config.verify_threads, 4);
    }

    #[test]
    fn a_node_without_an_account_needs_an_address() {
        let problems = check(&PoolArgs::default(), None, None).unwrap_err();
        assert_eq!(keys(&problems), ["address"]);
        assert!(problems.to_string().contains("--pool-address"));
    }

    #[test]
    fn further_ports_come_from_flags_or_else_from_the_file() {
        let file = "[[port]]\nlisten = \"0.0.0.0:4000\"\ndialect = \"generic\"\n[[port]]\nlisten = \"[::1]:1\"\ndialect = \"json\"";
        let names = |args: &PoolArgs| -> Vec<String> {
            let config = check(args, Some(file), Some(Address([7; 32]))).unwrap();
            config.ports.iter().map(|port| format!("{}@{}", port.dialect, port.listen)).collect()
        };
        assert_eq!(names(&PoolArgs::default()), ["generic@0.0.0.0:4000", "json@[::1]:1"]);
        let args = PoolArgs { pool_port: vec!["aleostratum@127.0.0.1:5".into()], ..Default::default() };
        assert_eq!(names(&args), ["aleostratum@127.0.0.1:5"]);
    }

    #[test]
    fn a_port_may_have_a_share_target_of_its_own() {
        let targets = |args: &PoolArgs, file: Option<&str>| -> Vec<Option<u64>> {
            let config = check(args, file, Some(Address([7; 32]))).unwrap();
            config.ports.iter().map(|port| port.fixed_share_target).collect()
        };
        let flags = ["json@0.0.0.0:1,d=5_000", "json@[::1]:2"].map(String::from).to_vec();
        let args = PoolArgs { pool_port: flags, ..Default::default() };
        assert_eq!(targets(&args, None), [Some(5_000), None]);
        let file = "[[port]]\nlisten = \"0.0.0.0:1\"\ndialect = \"json\"\nfixed_share_target = 7";
        assert_eq!(targets(&PoolArgs::default(), Some(file)), [Some(7)]);
    }

    #[test]
    fn a_capture_has_a_folder_and_perhaps_one_address() {
        let args = PoolArgs { capture: Some("/tmp/c".into()), ..Default::default() };
        let file = Some("capture_address = \"10.0.0.7\"");
        let capture = check(&args, file, Some(Address([7; 32]))).unwrap().capture.unwrap();
        assert_eq!(capture.folder, PathBuf::from("/tmp/c"));
        assert_eq!(capture.only, Some("10.0.0.7".parse().unwrap()));
        let problems = check(&PoolArgs::default(), file, Some(Address([7; 32]))).unwrap_err();
        assert_eq!(keys(&problems), ["capture_address"]);
    }

    #[test]
    fn every_wrong_port_is_named() {
        let flags = [
            "0.0.0.0:1",
            "esperanto@0.0.0.0:1",
            "json@here",
            "json@0.0.0.0:1,5000",
            "json@0.0.0.0:1,d=0",
            "json@0.0.0.0:1,d=many",
        ];
        let args = PoolArgs { pool_port: flags.map(String::from).to_vec(), ..Default::default() };
        let problems = check(&args, None, Some(Address([7; 32]))).unwrap_err();
        assert_eq!(keys(&problems), ["port"; 6]);
        for file in [
            "port = 3",
            "port = [3]",
            "[[port]]\nlisten = \"0.0.0.0:1\"",
            "[[port]]\nlisten = 1\ndialect = \"json\"",
            "[[port]]\nlisten = \"0.0.0.0:1\"\ndialect = \"json\"\ntls = true",
            "[[port]]\nlisten = \"0.0.0.0:1\"\ndialect = \"json\"\nfixed_share_target = 0",
        ] {
            let problems = check(&PoolArgs::default(), Some(file), Some(Address([7; 32]))).unwrap_err();
            assert_eq!(keys(&problems), ["port"], "{file}");
            assert!(
                problems
                    .to_string()
                    .contains("dialect one of json, aleostratum, generic, aion, abmatrix, zkwork"),
                "{problems}"
            );
        }
    }

    #[test]
    fn flags_win_over_the_file() {
        let args = PoolArgs { pool_share_target: Some("5".into()), ..Default::default() };
        let file = format!("share_target = 9\nlisten = \"127.0.0.1:1\"\naddress = \"{ADDRESS}\"");
        let config = check(&args, Some(&file), None).unwrap();
        assert_eq!(config.share_target, 5);
        assert_eq!(config.listen.to_string(), "127.0.0.1:1");
        assert_eq!(config.addresses, [ADDRESS.parse().unwrap()]);
    }

    #[test]
    fn several_addresses_come_from_flags_or_else_from_the_file() {
        let (one, other) = (Address([1; 32]), Address([2; 32]));
        let file = format!("address = [\"{one}\", \"{other}\"]");
        let addresses = |args: &PoolArgs| check(args, Some(&file), Some(Address([7; 32]))).unwrap().addresses;
        assert_eq!(addresses(&PoolArgs::default()), [one, other], "without the node's account");
        let args = PoolArgs { pool_address: vec![ADDRESS.into()], ..Default::default() };
        assert_eq!(addresses(&args), [ADDRESS.parse().unwrap()]);
    }

    #[test]
    fn every_wrong_address_is_named() {
        let flags = vec![ADDRESS.into(), "aleo1oops".into(), ADDRESS.into()];
        let args = PoolArgs { pool_address: flags, ..Default::default() };
        let problems = check(&args, None, Some(Address([7; 32]))).unwrap_err();
        assert_eq!(keys(&problems), ["address"; 2]);
        assert!(problems.to_string().contains("'aleo1oops' is not an Aleo address"), "{problems}");
        assert!(problems.to_string().contains("is there twice"), "{problems}");
        for file in ["address = []", "address = 5", "address = [5]"] {
            let problems = check(&PoolArgs::default(), Some(file), None).unwrap_err();
            assert_eq!(keys(&problems), ["address"], "{file}");
        }
    }

    #[test]
    fn every_mistake_is_listed_with_its_key_origin_and_what_is_allowed() {
        let args = PoolArgs { pool_listen: Some("nowhere".into()), ..Default::default() };
        let file = "share_target = 0\naddress = \"aleo1oops\"\nverify_threads = 1.5\nshare_taget = 3";
        let problems = check(&args, Some(file), Some(Address([7; 32]))).unwrap_err();
        assert_eq!(keys(&problems), ["share_taget", "listen", "address", "share_target", "verify_threads"]);
        let text = problems.to_string();
        assert!(text.starts_with("the pool's configuration has 5 problems:"), "{text}");
        assert!(text.contains("listen (--pool-listen): 'nowhere' is not an address with a port"), "{text}");
        assert!(
            text.contains("share_target (pool.toml): 0 is out of range; allowed: a whole number"),
            "{text}"
        );
        assert!(text.contains("a float stands where"), "{text}");
    }

    #[test]
    fn schemes_and_fees_are_read_and_judged_like_logins() {
        let file = format!("scheme = \"pplns:9\"\nfees = \"{}:100, donations:25\"", ADDRESS.to_uppercase());
        let rules = check(&PoolArgs::default(), Some(&file), Some(Address([7; 32]))).unwrap().rules;
        assert_eq!(
            rules.to_string(),
            format!("pplns:9, 100 basis points to {ADDRESS}, 25 basis points to donations")
        );
        let default = check(&PoolArgs::default(), None, Some(Address([7; 32]))).unwrap().rules;
        assert_eq!(default, Rules::default());
        for file in ["scheme = \"pps\"", "fees = \"aleo1typo:5\"", "fees = \"ann.rig:5\"", "fees = \"ann\""] {
            let problems = check(&PoolArgs::default(), Some(file), Some(Address([7; 32]))).unwrap_err();
            assert_eq!(problems.0.len(), 1, "{problems}");
        }
    }

    #[test]
    fn a_file_that_does_not_parse_is_one_problem_on_one_line() {
        let problems = check(&PoolArgs::default(), Some("listen = \n"), Some(Address([7; 32]))).unwrap_err();
        assert_eq!(keys(&problems), ["pool-config"]);
        assert_eq!(problems.to_string().lines().count(), 2);
    }

    #[test]
    fn the_entrance_is_read_too() {
        let file = "proxies = \"10.0.0.7, 192.168.0.0/16\"\nusers = \"closed\"\nmax_per_address = 9";
        let entrance = check(&PoolArgs::default(), Some(file), Some(Address([7; 32]))).unwrap().entrance;
        assert_eq!(entrance.proxies.len(), 2);
        assert_eq!((entrance.users, entrance.max_per_address), (UserMode::Closed, 9));

        let wrong = "proxies = \"nowhere\"\nusers = \"some\"\ntls_key = \"key.pem\"";
        let problems = check(&PoolArgs::default(), Some(wrong), Some(Address([7; 32]))).unwrap_err();
        assert_eq!(keys(&problems), ["proxies", "users", "tls_certificate"]);
    }

    #[test]
    fn a_file_that_does_not_parse_is_not_quoted() {
        let file = "listen = \"0.0.0.0:1\"\n[sinks.redis]\nurl = redis://:hunter2@x\n";
        let problems = check(&PoolArgs::default(), Some(file), Some(Address([7; 32]))).unwrap_err();
        assert!(problems.to_string().contains("line 3: "), "{problems}");
        assert!(!problems.to_string().contains("hunter2"), "{problems}");
    }

    #[test]
    fn an_address_the_network_refuses_is_a_problem() {
        let context = Context {
            file: None,
            node_address: None,
            default_data: "/data".into(),
            cores: 1,
            check_address: &|_| Err("no such account".into()),
        };
        let args = PoolArgs { pool_address: vec![ADDRESS.into()], ..Default::default() };
        assert!(resolve(&args, context).unwrap_err().to_string().contains("no such account"));
    }
}
