//! Keys for what the pool writes to disk.

use std::{net::IpAddr, path::PathBuf, str::FromStr, time::Duration};

use super::{
    Allowed::Words,
    DefaultValue::{Absent, Described, Fixed},
    Flag, Key,
    Reload::{Now, Restart},
    Sample::One,
    Section,
    Show::Whole,
    range::in_range,
    text::optional,
};
use crate::{
    operate::config::Config,
    stratum::{server::capture::CaptureConfig, wire::extranonce::MOST_NODES},
};

const DAY: u64 = 24 * 60 * 60;

pub(super) static SECTION: Section = Section {
    about: "Data",
    keys: &[
        Key {
            name: "data",
            flag: Flag::new("pool-data", "DIR"),
            allowed: Words("a folder the pool may write to"),
            default: Described("pool-<network> in the node's data folder"),
            sample: One("\"/var/lib/aleo-pool/pool-mainnet\""),
            doc: "The folder of database, dumps, users and bans",
            reload: Restart,
            parse: |given, config| given.one(&mut config.data, path),
            show: Whole(|config| config.data.display().to_string()),
        },
        Key {
            name: "keep_shares_days",
            flag: Flag::new("pool-keep-shares-days", "DAYS"),
            allowed: Words("a whole number from 1 to 36500"),
            default: Fixed,
            sample: One("7"),
            doc: "Days for which shares are kept in the database; longer while a future block may pay for them. Dumps \
                  and totals stay forever",
            reload: Now(|running, new| running.keep_shares = new.keep_shares),
            parse: |given, config| {
                given.one(&mut config.keep_shares, |text| {
                    in_range(text, 1, 36_500).map(|days| Duration::from_secs(DAY * days))
                })
            },
            show: Whole(|config| (config.keep_shares.as_secs() / DAY).to_string()),
        },
        Key {
            name: "node",
            flag: Flag::new("pool-node", "N"),
            allowed: Words("a whole number from 0 to 15"),
            default: Fixed,
            sample: One("7"),
            doc: "The number of this node where several pool nodes share one address: different nodes never hand out \
                  the same counters",
            reload: Restart,
            parse: |given, config| given.one(&mut config.node, |text| in_range(text, 0, MOST_NODES - 1)),
            show: Whole(|config| config.node.to_string()),
        },
        Key {
            name: "capture",
            flag: Flag::new("capture", "DIR"),
            allowed: Words("a folder the pool may write to"),
            default: Absent,
            sample: One("\"/var/lib/aleo-pool/captures\""),
            doc: "Write down everything that connections send, raw and without passwords, one file each, to learn \
                  what an unknown device speaks; `snarkos pool transcript` makes a test of such a file. Stops when \
                  the folder holds 256 MiB",
            reload: Restart,
            parse: |given, config| given.one(&mut capture(config).folder, path),
            show: Whole(|config| optional(config.capture.as_ref().map(|capture| capture.folder.display()))),
        },
        Key {
            name: "capture_address",
            flag: Flag::new("capture-address", "IP"),
            allowed: Words("an IP address"),
            default: Absent,
            sample: One("\"192.0.2.7\""),
            doc: "Capture only the connections from this address",
            reload: Restart,
            parse: |given, config| {
                given.one(&mut capture(config).only, |text| {
                    IpAddr::from_str(text).map(Some).map_err(|_| format!("'{text}' is not an IP address"))
                })
            },
            show: Whole(|config| optional(config.capture.as_ref().and_then(|capture| capture.only))),
        },
    ],
};

/// An address without a folder is refused later, by the checks of keys that need each other.
fn capture(config: &mut Config) -> &mut CaptureConfig {
    config.capture.get_or_insert_with(|| CaptureConfig { folder: PathBuf::new(), only: None })
}

pub(super) fn path(text: &str) -> Result<PathBuf, String> {
    match text {
        "" => Err("it is empty".to_owned()),
        _ => Ok(PathBuf::from(text)),
    }
}
