//! From a miner's counter to a block, a dump and a balance.

use std::{
    path::{Path, PathBuf},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use pool_tests::{
    pool_node::{PoolNode, STAKED_ADDRESS, read_json},
    process::tail,
};
use serde_json::Value;

use crate::world::{Net, SHARE_TARGET, World};

/// How long a solution may take from the first attempt to a dump.
const LANDING_PATIENCE: Duration = Duration::from_secs(300);

/// Waits for a dump that `wanted` accepts.
pub fn wait_for_dump(pool: &mut PoolNode, wanted: impl Fn(&Value) -> bool) -> Result<(PathBuf, Value)> {
    let deadline = Instant::now() + LANDING_PATIENCE;
    while Instant::now() < deadline {
        pool.process.check_alive()?;
        for path in pool.dumps()? {
            let dump = read_json(&path)?;
            if wanted(&dump) {
                return Ok((path, dump));
            }
        }
        sleep(Duration::from_millis(500));
    }
    bail!("no such dump within {LANDING_PATIENCE:?}:\n{}", tail(&pool.process.output(), 30))
}

/// A number in a dump: large ones are decimal strings.
pub fn number(value: &Value) -> Result<u128> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.parse().with_context(|| format!("{value} is not a number"))
}

/// The total reward of all dumps so far.
pub fn dumped_reward(pool: &PoolNode) -> Result<u128> {
    pool.dumps()?.iter().map(|path| number(&read_json(path)?["total_reward"])).sum()
}

pub fn a_solution_lands_and_the_dump_matches_the_chain(world: &mut World) -> Result<()> {
    let Net { pool, miner, .. } = world.net()?;
    let (path, dump) = wait_for_dump(pool, |_| true)
        .with_context(|| format!("the miner said:\n{}", tail(&miner.output(), 10)))?;

    // The block is real, and it is in the chain with our solution and our address.
    let height = dump["height"].as_u64().context("a dump has a height")?;
    let block = pool.rest.block(height)?;
    ensure!(block["block_hash"] == dump["hash"], "the block's hash differs: {block}");
    let solutions = block["solutions"].to_string();
    let ours = dump["solutions"].as_array().context("a dump has solutions")?;
    ensure!(!ours.is_empty(), "a dump without a solution");
    for solution in ours {
        let id = solution["id"].as_str().context("a solution has an id")?;
        ensure!(solutions.contains(id), "{id} is not in block {height}: {solutions}");
        ensure!(
            solution["finder"]["account"] == "alice" && solution["finder"]["worker"] == "rig-1",
            "the finder is another: {solution}"
        );
    }
    ensure!(solutions.contains(STAKED_ADDRESS), "the block does not pay us: {solutions}");
    ensure!(dump["pool_address"] == STAKED_ADDRESS, "the dump names another address");
    let name = format!("{height}-{}.json", dump["hash"].as_str().unwrap_or_default());
    ensure!(path.file_name().is_some_and(|found| found == name.as_str()), "{} is not {name}", path.display());

    check_sums(&dump)?;
    check_rebuild(pool, height, &path)
}

/// Every total of a dump is the sum of its parts, and every share is credited with the assigned target.
pub fn check_sums(dump: &Value) -> Result<()> {
    let sum =
        |values: &[Value], key: &str| values.iter().map(|value| number(&value[key])).sum::<Result<u128>>();
    let list = |value: &Value| value.as_array().cloned().context("a list is missing");

    let accounts = list(&dump["accounts"])?;
    for account in &accounts {
        let workers = list(&account["workers"])?;
        ensure!(sum(&workers, "shares")? == number(&account["shares"])?, "shares of an account: {account}");
        ensure!(sum(&workers, "credit")? == number(&account["credit"])?, "credit of an account: {account}");
    }
    let shares = sum(&accounts, "shares")?;
    ensure!(shares == number(&dump["total_shares"])?, "the accounts' shares do not add up: {dump}");
    ensure!(shares == number(&dump["window"]["count"])?, "the window holds another count: {dump}");
    let credit = sum(&accounts, "credit")?;
    ensure!(credit == number(&dump["total_credit"])?, "the accounts' credit does not add up: {dump}");
    ensure!(credit == shares * u128::from(SHARE_TARGET), "credit is not the assigned target: {dump}");
    let rewards = sum(&list(&dump["solutions"])?, "reward")?;
    ensure!(rewards == number(&dump["total_reward"])?, "the rewards do not add up: {dump}");
    Ok(())
}

fn check_rebuild(pool: &PoolNode, height: u64, path: &Path) -> Result<()> {
    let rebuilt = pool.rebuild_dump(height)?;
    ensure!(rebuilt == std::fs::read(path)?, "rebuilt from the database the dump differs");
    Ok(())
}

pub fn every_reward_reaches_the_balance(world: &mut World) -> Result<()> {
    let Net { pool, first_balance, .. } = world.net()?;
    let deadline = Instant::now() + LANDING_PATIENCE;
    // A block may land between the two reads; then read again.
    loop {
        let dumped = dumped_reward(pool)?;
        let earned = u128::from(pool.rest.balance(STAKED_ADDRESS)? - *first_balance);
        if dumped == earned && dumped > 0 && pool.dumps()?.len() >= 3 {
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!("the dumps say {dumped} microcredits, the chain says {earned}");
        }
        sleep(Duration::from_millis(300));
    }
}

/// The two verifiers agree that every dump is right: its sums, its shares, its block and its reward.
pub fn strangers_can_verify_the_dumps(world: &mut World) -> Result<()> {
    ensure_verified(&world.net()?.pool)
}

/// The pool's own verifier and the miners' script find nothing wrong in any dump.
pub fn ensure_verified(pool: &PoolNode) -> Result<()> {
    let verdicts = pool.verify_dumps()?;
    ensure!(
        verdicts.lines().last().is_some_and(|last| last.ends_with("0 wrong, 0 not checked in full")),
        "the pool's own verifier: {verdicts}"
    );
    ensure!(verdicts.contains("right (sums, digest, split, chain, shares, block)"), "{verdicts}");
    let script = format!("{}/../scripts/verify_dump.py", std::env::var("CARGO_MANIFEST_DIR")?);
    let output = std::process::Command::new("python3")
        .arg(script)
        .args(pool.dumps()?)
        .args(["--node", pool.rest.origin()])
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "the script: {said}{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

pub fn sigterm_ends_the_node_in_peace(world: &mut World) -> Result<()> {
    let Net { pool, .. } = world.net()?;
    let mut systemd = pool.listen_as_systemd()?;
    let status = pool.process.stop()?;
    ensure!(status.success(), "the node ended with {status}:\n{}", tail(&pool.process.output(), 20));
    let output = pool.process.output();
    ensure!(output.contains("pool stopped"), "the pool did not say that it stopped:\n{}", tail(&output, 20));
    let patience = Duration::from_secs(60);
    systemd.wait_for("STOPPING=1", patience)?;
    pool.restart()?;
    systemd.wait_for("READY=1", patience)?;
    pool.wait_for_work("after.stop")?;
    // How full this machine's disk is says nothing about the pool, and it is reported only if nothing is
    // worse.
    let status = systemd.wait_for_one_of(&["STATUS=green", "STATUS=amber: disk"], patience)?;
    ensure!(status.contains("WATCHDOG=1"), "the watchdog is not fed: {status}");
    Ok(())
}
