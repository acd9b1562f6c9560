//! `snarkos pool status` and similar commands against a running pool.

use std::path::Path;

use clap::Parser;
use pool_plugin::operate::{
    admin::SOCKET,
    console::cli::{self, AccountArgs, ListArgs, MinersArgs, StatusArgs},
};
use serde_json::Value;

use crate::pool_support::{Client, EvenSolves, chain, start, until};

#[derive(Parser)]
enum Cli {
    Status(StatusArgs),
    Miners(MinersArgs),
    Blocks(ListArgs),
    Solutions(ListArgs),
    Account(AccountArgs),
}

/// The output of a command line.
fn run(data: &Path, line: &str) -> anyhow::Result<String> {
    let words = ["pool"].into_iter().chain(line.split(' ')).chain(["--data", data.to_str().unwrap()]);
    match Cli::parse_from(words) {
        Cli::Status(args) => cli::status(&args),
        Cli::Miners(args) => cli::miners(&args),
        Cli::Blocks(args) => cli::blocks(&args),
        Cli::Solutions(args) => cli::solutions(&args),
        Cli::Account(args) => cli::account(&args),
    }
}

fn json(data: &Path, line: &str) -> Value {
    serde_json::from_str(&run(data, &format!("{line} --json")).unwrap()).unwrap()
}

#[test]
fn an_operator_sees_the_pool_its_miners_its_blocks_and_its_solutions() {
    let (sim, data) = (chain(), tempfile::tempdir().unwrap());
    let data = data.path();
    let error = run(data, "status").unwrap_err().to_string();
    assert!(error.contains("is it running"), "{error}");

    let pool = start(&sim, data, EvenSolves::default());
    until("the socket is there", || data.join(SOCKET).exists());
    let mut ann = Client::with_work(pool.address, "ann.rig");
    assert_eq!((ann.submit(2), ann.submit(3)), (0, 0));
    until("the block is shown", || {
        // The chain may not have the find yet.
        sim.produce_block();
        !json(data, "blocks").as_array().unwrap().is_empty()
    });
    until("the shares are shown", || json(data, "status")["pool"]["shares"]["accepted"] == 2);

    until("the landing is counted", || json(data, "status")["pool"]["solutions"]["landed"] == 1);
    let status = run(data, "status").unwrap();
    for line in [
        "pool      ",
        "sync      synced at height ",
        "miners    1 account with 1 worker",
        "shares    2 accepted, 0 refused",
    ] {
        assert!(status.contains(line), "{line} is not in:\n{status}");
    }
    assert!(status.contains("1 found, 1 landed") && status.contains("budget    "), "{status}");
    assert!(status.contains("\nround     since block "), "{status}");

    let miners = run(data, "miners").unwrap();
    let lines: Vec<&str> = miners.lines().collect();
    assert!(lines[0].starts_with("account") && lines[1].starts_with("ann"), "{miners}");
    assert!(lines.len() == 2 && lines[1].contains("rig"), "{miners}");
    assert_eq!(run(data, "miners --account bob").unwrap(), "no miner seen recently");

    let blocks = json(data, "blocks");
    let height = blocks[0]["height"].to_string();
    assert!(run(data, "blocks --limit 1").unwrap().contains(&height));
    assert!(run(data, "solutions").unwrap().contains("landed"));
    assert_eq!(json(data, "solutions")[0]["state"], "landed");

    until("the reward is shown", || !json(data, "account ann")["rewards"].as_array().unwrap().is_empty());
    let account = run(data, "account ann").unwrap();
    assert!(account.starts_with("account   ann\n") && account.contains(&height), "{account}");
    let error = run(data, "account bob").unwrap_err().to_string();
    assert!(error.contains("nobody has mined as 'bob'"), "{error}");
    pool.stop();
}
