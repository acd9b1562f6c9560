//! A running pool and its admin, over the socket.

use std::{os::unix::fs::PermissionsExt, path::Path};

use pool_plugin::operate::admin::{Command, LogLevel, SOCKET, client::ask};
use serde_json::Value;

use crate::pool_support::{Client, EvenSolves, chain, start, until};

fn admin(data: &Path, command: Command) -> Value {
    ask(&data.join(SOCKET), &command).unwrap()
}

fn who(who: &str) -> String {
    who.to_owned()
}

#[test]
fn an_admin_looks_and_acts_while_the_pool_runs() {
    let (sim, data) = (chain(), tempfile::tempdir().unwrap());
    let data = data.path();
    let pool = start(&sim, data, EvenSolves::default());
    until("the socket is there", || data.join(SOCKET).exists());
    let mode = std::fs::metadata(data.join(SOCKET)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "only for its owner");

    let mut ann = Client::with_work(pool.address, "ann.rig");
    assert_eq!(ann.submit(1), 0);
    let status = admin(data, Command::Status);
    assert_eq!(
        (&status["ok"], &status["connections"], &status["accepted"]),
        (&true.into(), &1.into(), &1.into())
    );
    let sessions = admin(data, Command::Sessions);
    assert_eq!(
        (&sessions["sessions"][0]["account"], &sessions["sessions"][0]["accepted"]),
        (&"ann".into(), &1.into())
    );

    let set = admin(data, Command::SetTarget { who: who("ann.rig"), target: 3 });
    assert_eq!(set["sessions"], 1);
    assert_eq!(ann.next_target(), 3);
    assert_eq!(admin(data, Command::Kick { who: who("nobody") })["ok"], false);
    assert_eq!(admin(data, Command::Kick { who: who("ann") })["sessions"], 1);
    assert!(ann.is_closed());

    let ban = Command::Ban { network: who("127.0.0.0/8"), minutes: Some(5), reason: who("a test") };
    assert_eq!(admin(data, ban)["ok"], true);
    assert_eq!(admin(data, Command::Bans)["bans"][0]["network"], "127.0.0.0/8");
    assert!(Client::connect(pool.address).first_line().contains("banned for 5 minutes"));
    assert_eq!(admin(data, Command::Allow { network: who("127.0.0.1"), reason: String::new() })["ok"], true);
    drop(Client::with_work(pool.address, "ann.rig"));
    assert_eq!(admin(data, Command::Unban { network: who("127.0.0.0/8") })["ok"], true);
    assert_eq!(admin(data, Command::Unban { network: who("127.0.0.0/8") })["ok"], false);
    assert_eq!(admin(data, Command::Disallow { network: who("127.0.0.1") })["ok"], true);

    std::fs::write(data.join("users.json"), "rubbish\n").unwrap();
    let reload = admin(data, Command::Reload);
    // The pool may have noticed by itself a moment before.
    assert!(reload["users_changed"] == false || reload["broken_lines"][0]["line"] == 1, "{reload}");

    let level = Command::LogLevel { level: LogLevel::Debug, of: None };
    assert_eq!(admin(data, level)["directive"], "pool_=debug");
    let level = Command::LogLevel { level: LogLevel::Trace, of: Some(who("snarkos_node_router")) };
    assert_eq!(admin(data, level)["ok"], true);
    assert_eq!(*pool.logger.lock().unwrap(), ["pool_=debug", "snarkos_node_router=trace"]);
    let wrong = Command::LogLevel { level: LogLevel::Trace, of: Some(who("a=b,c")) };
    assert_eq!(admin(data, wrong)["ok"], false);

    let mut last = Client::with_work(pool.address, "ann.rig");
    assert_eq!(admin(data, Command::Drain)["ok"], true);
    assert!(last.is_closed());
    until("no port is open", || std::net::TcpStream::connect(pool.address).is_err());
    assert_eq!(admin(data, Command::Status)["draining"], true, "the node, and the admin, go on");
    pool.stop();
    assert!(!data.join(SOCKET).exists());
}
