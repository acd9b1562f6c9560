//! `snarkos pool user` and `snarkos pool admin` as an operator types them, with a running pool.

use std::{env, io::Write, path::Path, process::Stdio};

use clap::{Args, FromArgMatches};
use pool_plugin::{
    operate::{
        admin::{self, AdminArgs},
        config::{AcceptConfig, Config},
    },
    stratum::users::{
        UserMode,
        cli::{self as users, UserArgs},
    },
};
use serde_json::Value;

use crate::{
    child,
    pool_support::{Client, EvenSolves, chain, config, start_with, until},
};

/// Makes the child below run this command, words with tabs between them.
const WORDS: &str = "POOL_COMMAND_WORDS";

/// One run of a command, in a separate process: it reads its standard input and may fail as a whole.
#[test]
fn child() {
    let Ok(words) = env::var(WORDS) else { return };
    let words: Vec<&str> = words.split('\t').collect();
    let command = clap::Command::new("pool")
        .subcommand(UserArgs::augment_args(clap::Command::new("user")))
        .subcommand(AdminArgs::augment_args(clap::Command::new("admin")));
    let matches = command.get_matches_from([&["pool"], &words[..]].concat());
    let said = match matches.subcommand() {
        Some(("user", user)) => users::run(&UserArgs::from_arg_matches(user).unwrap()),
        Some(("admin", admin)) => admin::client::run(&AdminArgs::from_arg_matches(admin).unwrap()),
        _ => panic!("no command"),
    };
    // After the test harness's output.
    match said {
        Ok(said) => eprintln!("\nsaid\n{said}"),
        Err(error) => {
            eprintln!("\nsaid\n{error:#}");
            std::process::exit(1);
        }
    }
}

/// Runs `snarkos pool …` on this folder; returns its output, or why it fails.
fn run(data: &Path, words: &str, input: &str) -> Result<String, String> {
    let words = format!("{}\t--data\t{}", words.replace(' ', "\t"), data.display());
    let mut child = child::command(module_path!(), "child")
        .env(WORDS, words)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    let said = text.split_once("\nsaid\n").map_or(&*text, |(_, said)| said).trim().to_owned();
    if output.status.success() { Ok(said) } else { Err(said) }
}

fn admin(data: &Path, words: &str) -> Value {
    serde_json::from_str(&run(data, &format!("admin {words}"), "").unwrap()).unwrap()
}

fn may_work(pool: std::net::SocketAddr, login: &str, password: &str) -> bool {
    Client::connect(pool).try_password(login, password, &Value::Null)
}

#[test]
fn users_are_added_changed_and_disabled_while_the_pool_runs() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let accept = AcceptConfig { users: UserMode::Closed, ..AcceptConfig::default() };
    let pool = start_with(&chain(), Config { accept, ..config(data) }, EvenSolves::default());
    until("the socket is there", || data.join(admin::SOCKET).exists());
    assert!(!may_work(pool.address, "alice.rig", "correct horse"));

    assert_eq!(run(data, "user add alice", "correct horse\n").unwrap(), "added alice");
    assert_eq!(run(data, "user list", "").unwrap(), "alice");
    // The pool checks by itself every other second; this is immediate.
    assert_eq!(admin(data, "reload")["ok"], true);
    assert!(may_work(pool.address, "alice.rig", "correct horse"));
    assert!(may_work(pool.address, "alice.rig", "correct horse,d=50"), "with a suggested target");
    assert!(!may_work(pool.address, "alice.rig", "battery staple"));

    let again = run(data, "user add alice", "another horse\n").unwrap_err();
    assert!(again.contains("there is a user 'alice' already: change its password with passwd"), "{again}");
    let worker = run(data, "user add alice.rig", "another horse\n").unwrap_err();
    assert!(worker.contains("names a worker"), "{worker}");
    let unknown = run(data, "user passwd bob", "another horse\n").unwrap_err();
    assert!(unknown.contains("there is no user 'bob': add it first"), "{unknown}");

    run(data, "user passwd alice", "battery staple\r\n").unwrap();
    admin(data, "reload");
    assert!(may_work(pool.address, "alice.rig", "battery staple"));
    assert!(!may_work(pool.address, "alice.rig", "correct horse"));

    run(data, "user disable alice", "").unwrap();
    admin(data, "reload");
    assert!(!may_work(pool.address, "alice.rig", "battery staple"));
    assert_eq!(run(data, "user list", "").unwrap(), "alice (disabled)");
    run(data, "user disable alice --undo", "").unwrap();
    until("the pool sees it by itself", || may_work(pool.address, "alice.rig", "battery staple"));
    pool.stop();
}

#[test]
fn an_admin_types_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let missing = run(data, "admin status", "").unwrap_err();
    assert!(missing.contains("is it running"), "{missing}");
    let pool = start_with(&chain(), config(data), EvenSolves::default());
    until("the socket is there", || data.join(admin::SOCKET).exists());
    let mut ann = Client::with_work(pool.address, "ann.rig");
    assert_eq!(ann.submit(2), 0);

    let status = admin(data, "status");
    assert_eq!((&status["connections"], &status["accepted"]), (&1.into(), &1.into()));
    assert_eq!(admin(data, "sessions")["sessions"][0]["worker"], "rig");
    assert_eq!(admin(data, "set-target ann.rig 7")["sessions"], 1);
    assert_eq!(ann.next_target(), 7);
    assert_eq!(admin(data, "allow 198.51.100.7 --reason farm")["network"], "198.51.100.7/32");
    assert_eq!(admin(data, "ban 192.0.2.0/24 --minutes 60")["sessions"], 0);
    let lists = admin(data, "bans");
    assert_eq!(lists["bans"][0]["network"], "192.0.2.0/24");
    assert_eq!(lists["allowed"][0], "198.51.100.7/32");
    assert_eq!(admin(data, "disallow 198.51.100.7")["ok"], true);
    assert_eq!(admin(data, "unban 192.0.2.0/24")["ok"], true);
    assert_eq!(admin(data, "log-level debug")["directive"], "pool_=debug");
    assert_eq!(admin(data, "log-level info --of snarkos_node_bft")["directive"], "snarkos_node_bft=info");
    assert_eq!(admin(data, "reload")["users_changed"], false);
    assert_eq!(admin(data, "kick ann.rig")["sessions"], 1);
    assert!(ann.is_closed());

    for (words, why) in [
        ("kick nobody", "no session matches 'nobody'"),
        ("ban nowhere", "'nowhere' is not an address or a network"),
        ("unban 192.0.2.0/24", "is not banned"),
        ("set-target ann 0", "a target is 1 or more"),
        ("log-level loud", "possible values"),
        ("dance", "unrecognized subcommand"),
    ] {
        let said = run(data, &format!("admin {words}"), "").unwrap_err();
        assert!(said.contains(why), "{words}: {said}");
    }
    assert_eq!(admin(data, "drain")["ok"], true);
    until("no port is open", || std::net::TcpStream::connect(pool.address).is_err());
    pool.stop();
}
