//! SIGHUP to a process with a pool in it: it reads its configuration again, and continues.

use std::{
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use pool_core::accounting::terms::Scheme;
use pool_plugin::ledger::ShareLedger;
use pool_simulator::helper::Helper;

fn scheme(data: &Path) -> Option<Scheme> {
    let ledger = ShareLedger::open_read_only(&data.join("db")).unwrap();
    ledger.terms().unwrap().last().map(|terms| terms.rules.scheme)
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let patience = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < patience, "never: {what}");
        sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_hangup_reloads_and_does_not_stop() {
    let folder = tempfile::tempdir().unwrap();
    let (file, data) = (folder.path().join("pool.toml"), folder.path().join("data"));
    std::fs::write(&file, "scheme = \"prop\"").unwrap();
    let args = ["--config", file.to_str().unwrap(), "--data", data.to_str().unwrap()].map(String::from);
    let mut pool = Helper::start(env!("CARGO_BIN_EXE_pool-on-sim"), &args).unwrap();
    pool.answer("listening").unwrap();
    until("the rules are recorded", || scheme(&data) == Some(Scheme::Prop));

    let process = Pid::from_raw(pool.id().try_into().unwrap());
    std::fs::write(&file, "scheme = \"solo\"").unwrap();
    kill(process, Signal::SIGHUP).unwrap();
    until("the new scheme is in force", || scheme(&data) == Some(Scheme::Solo));
    // A file with a mistake, and then a good one: the process is still there to read it.
    std::fs::write(&file, "scheme = \"pps\"").unwrap();
    kill(process, Signal::SIGHUP).unwrap();
    assert_eq!(pool.ask("epoch", "epoch").unwrap().split(' ').next(), Some("1"));
    std::fs::write(&file, "scheme = \"prop\"").unwrap();
    kill(process, Signal::SIGHUP).unwrap();
    until("the last scheme is in force", || scheme(&data) == Some(Scheme::Prop));
}
