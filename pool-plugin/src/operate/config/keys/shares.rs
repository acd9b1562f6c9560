//! Keys for share targets, and how shares are checked and refused.

use std::time::Duration;

use clap::ValueEnum;
use pool_core::evaluator::PuzzleKind;

use super::{
    Allowed::{OneOf, Words},
    DefaultValue::{Absent, Described, Fixed},
    Flag, Key,
    Reload::{Now, Restart},
    Sample::One,
    Section,
    Show::Whole,
    range::in_range,
    text::optional,
};

const MAX_SHARE_INTERVAL: u64 = 3_600;
/// A day, in seconds.
const MAX_STALL: u64 = 86_400;
const MAX_VERIFY_THREADS: usize = 1_024;

pub(super) const TARGET: &str = "a whole number from 1 to 18446744073709551615";
const STALL: &str = "a whole number of seconds from 1 to 86400";

pub(super) static SECTION: Section = Section {
    about: "Shares",
    keys: &[
        Key {
            name: "share_target",
            flag: Flag::new("pool-share-target", "N"),
            allowed: Words(TARGET),
            default: Fixed,
            sample: One("7"),
            doc: "Expected attempts per share of a miner that is new to the pool. No share target is above the \
                  network's proof target",
            reload: Now(|running, new| running.share_target = new.share_target),
            parse: |given, config| given.one(&mut config.share_target, target),
            show: Whole(|config| config.share_target.to_string()),
        },
        Key {
            name: "share_interval",
            flag: Flag::new("pool-share-interval", "SECONDS"),
            allowed: Words("a whole number of seconds from 1 to 3600"),
            default: Fixed,
            sample: One("7"),
            doc: "Seconds between the shares of a miner: its target follows from that",
            reload: Now(|running, new| running.share_interval = new.share_interval),
            parse: |given, config| {
                given.one(&mut config.share_interval, |text| {
                    in_range(text, 1, MAX_SHARE_INTERVAL).map(Duration::from_secs)
                })
            },
            show: Whole(|config| config.share_interval.as_secs().to_string()),
        },
        Key {
            name: "min_share_target",
            flag: Flag::new("pool-min-share-target", "N"),
            allowed: Words(TARGET),
            default: Fixed,
            sample: One("7"),
            doc: "The lowest share target",
            reload: Now(|running, new| running.min_share_target = new.min_share_target),
            parse: |given, config| given.one(&mut config.min_share_target, target),
            show: Whole(|config| config.min_share_target.to_string()),
        },
        Key {
            name: "fixed_share_target",
            flag: Flag::new("pool-fixed-share-target", "N"),
            allowed: Words(TARGET),
            default: Absent,
            sample: One("1_000_000"),
            doc: "One share target for every miner that asks for no other (`d=N` in its password), instead of one \
                  that adapts to its shares",
            reload: Now(|running, new| running.fixed_share_target = new.fixed_share_target),
            parse: |given, config| given.one(&mut config.fixed_share_target, |text| target(text).map(Some)),
            show: Whole(|config| optional(config.fixed_share_target)),
        },
        Key {
            name: "puzzle",
            flag: Flag::new("puzzle", "native|stock"),
            allowed: OneOf(puzzles),
            default: Fixed,
            sample: One("\"stock\""),
            doc: "What computes the target of a share: `native` (a sample of it is checked with snarkVM) or `stock`, \
                  which is snarkVM itself and takes a fifth of a second per share",
            reload: Restart,
            parse: |given, config| {
                given.choice(&mut config.puzzle, puzzles, |text| {
                    <PuzzleKind as ValueEnum>::from_str(text, false)
                })
            },
            show: Whole(|config| config.puzzle.name().to_owned()),
        },
        Key {
            name: "verify_threads",
            flag: Flag::new("pool-verify-threads", "N"),
            allowed: Words("a whole number from 1 to 1024"),
            default: Described("half of the cores"),
            sample: One("8"),
            doc: "Threads that verify shares",
            reload: Restart,
            parse: |given, config| {
                given.one(&mut config.verify_threads, |text| in_range(text, 1, MAX_VERIFY_THREADS))
            },
            show: Whole(|config| config.verify_threads.to_string()),
        },
        Key {
            name: "stall_refuse",
            flag: Flag::new("pool-stall-refuse", "SECONDS"),
            allowed: Words(STALL),
            default: Fixed,
            sample: One("70"),
            doc: "Seconds after which shares are refused while the node does not follow the network (it is stuck, or \
                  no peer answers), since work then earns nothing",
            reload: Restart,
            parse: |given, config| given.one(&mut config.patience.refuse, stall),
            show: Whole(|config| config.patience.refuse.as_secs().to_string()),
        },
        Key {
            name: "stall_close",
            flag: Flag::new("pool-stall-close", "SECONDS"),
            allowed: Words(STALL),
            default: Fixed,
            sample: One("700"),
            doc: "Seconds after which connections are closed as well, so that miners switch to their next pool",
            reload: Restart,
            parse: |given, config| given.one(&mut config.patience.close, stall),
            show: Whole(|config| config.patience.close.as_secs().to_string()),
        },
    ],
};

pub(super) fn target(text: &str) -> Result<u64, String> {
    in_range(text, 1, u64::MAX)
}

fn stall(text: &str) -> Result<Duration, String> {
    in_range(text, 1, MAX_STALL).map(Duration::from_secs)
}

fn puzzles() -> Vec<&'static str> {
    PuzzleKind::value_variants().iter().map(|kind| kind.name()).collect()
}
