//! From three miners' work to their money, with the pool killed in between: chain, dumps, payout books, Redis
//! and PostgreSQL agree to the microcredit; then the miners are paid on the chain.

use std::{
    path::{Path, PathBuf},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use pool_tests::{
    miner,
    pool_node::{PoolNode, STAKED_ADDRESS, read_json},
};
use redis::Commands;

use crate::{
    mining::{dumped_reward, ensure_verified, number},
    payments::Payout,
    world::{Net, World},
};

// The code that starts real servers also serves the tests of the sinks, which may panic.
#[allow(clippy::unwrap_used, clippy::panic)]
#[path = "../../pool-plugin/sinks/tests/servers/mod.rs"]
mod servers;

use servers::{PostgresServer, RedisServer};

/// Accounts, and attempts per second of their miners.
const MINERS: [(&str, u32); 3] = [("ann", 1), ("bob", 2), ("cyd", 4)];

const PATIENCE: Duration = Duration::from_secs(300);

/// Blocks without a reward for the pool after which none of its solutions is on its way any more.
const QUIET_BLOCKS: u64 = 4;

pub fn five_books_agree_to_the_microcredit(world: &mut World) -> Result<()> {
    let folder = world.folder.path().join("payday");
    std::fs::create_dir_all(&folder)?;
    let (redis, postgres) = (RedisServer::start(), PostgresServer::start());
    let Net { pool: other_pool, devnet, .. } = world.net()?;

    // The pool under test is another one on the same address, so that it starts with empty books.
    other_pool.process.stop()?;
    let config = write_config(&folder, &redis, &postgres)?;
    let mut pool = PoolNode::start(devnet, 1, &[&format!("--pool-config={}", config.display())])?;
    pool.wait_for_work("waiting.test")?;
    // A late landing of the other pool is in these books too.
    let before = u128::from(quiet_balance(&mut pool)?) - dumped_reward(&pool)?;

    let mut miners = MINERS
        .iter()
        .map(|(account, rate)| miner::start(devnet, pool.stratum, &format!("{account}.rig"), *rate))
        .collect::<Result<Vec<_>>>()?;
    let so_far = pool.dumps()?.len();
    wait_for_dumps(&mut pool, so_far + 2)?;
    pool.process.kill()?;
    pool.restart()?;
    let so_far = pool.dumps()?.len();
    wait_for_dumps(&mut pool, so_far + 2)?;
    for miner in &mut miners {
        miner.stop()?;
    }
    let earned = u128::from(quiet_balance(&mut pool)?) - before;

    let books = Books::of_dumps(&pool)?;
    ensure!(books.earned == earned, "the chain paid {earned}, the dumps say {}", books.earned);
    ensure!(books.earned == books.paid + books.carried, "the parts are not the whole");
    ensure_verified(&pool)?;
    let payout = Payout::new(&folder, &pool, &MINERS.map(|(account, _)| account))?;
    ensure!(payout_owes(&payout)? == books.paid, "the payout books differ from {}", books.paid);
    wait_for_redis(&redis, books.earned)?;
    wait_for_postgres(&postgres, &books)?;
    payout.pay_all(&mut pool)?;

    pool.process.stop()?;
    other_pool.restart()
}

fn write_config(folder: &Path, redis: &RedisServer, postgres: &PostgresServer) -> Result<PathBuf> {
    let path = folder.join("pool.toml");
    let text = format!(
        "address = \"{STAKED_ADDRESS}\"\nfixed_share_target = 2\nscheme = \"pplns:4\"\nfees = \"operator:100\"\n\
         [sinks.redis]\nurl = \"{}\"\n[sinks.postgres]\nurl = \"{}\"\n",
        redis.url(),
        postgres.url()
    );
    std::fs::write(&path, text)?;
    Ok(path)
}

/// The pool address's balance once it has not changed for some blocks.
fn quiet_balance(pool: &mut PoolNode) -> Result<u64> {
    let deadline = Instant::now() + PATIENCE;
    let (mut balance, mut since) = (pool.rest.balance(STAKED_ADDRESS)?, pool.rest.height()?);
    loop {
        pool.process.check_alive()?;
        let now = pool.rest.balance(STAKED_ADDRESS)?;
        let height = pool.rest.height()?;
        if now != balance {
            (balance, since) = (now, height);
        } else if height >= since + QUIET_BLOCKS {
            return Ok(balance);
        }
        ensure!(Instant::now() < deadline, "the balance does not settle");
        sleep(Duration::from_millis(300));
    }
}

fn wait_for_dumps(pool: &mut PoolNode, count: usize) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while pool.dumps()?.len() < count {
        pool.process.check_alive()?;
        ensure!(Instant::now() < deadline, "no {count} dumps within {PATIENCE:?}");
        sleep(Duration::from_millis(500));
    }
    Ok(())
}

/// Microcredits, over all blocks of the pool.
struct Books {
    /// What the chain paid.
    earned: u128,
    /// The accounts' part of it.
    paid: u128,
    /// What the last block could not give to anyone.
    carried: u128,
}

impl Books {
    fn of_dumps(pool: &PoolNode) -> Result<Self> {
        let mut books = Self { earned: 0, paid: 0, carried: 0 };
        let mut seen = vec![];
        for path in pool.dumps()? {
            let dump = read_json(&path)?;
            books.earned += number(&dump["total_reward"])?;
            books.carried = number(&dump["carried_out"])?;
            for account in dump["accounts"].as_array().context("a dump has accounts")? {
                books.paid += number(&account["reward"])?;
                seen.push(account["account"].as_str().unwrap_or_default().to_owned());
            }
        }
        for (account, _) in MINERS {
            ensure!(seen.iter().any(|one| one == account), "{account} is in no dump");
        }
        Ok(books)
    }
}

/// Imports the dumps and rehearses the payments; returns what the payout books owe.
fn payout_owes(payout: &Payout) -> Result<u128> {
    payout.run(&["import"])?;
    let plan = payout.run(&["plan"])?;
    for (account, _) in MINERS {
        ensure!(plan.contains(account), "{account} is not in the plan: {plan}");
    }
    let status = payout.run(&["status"])?;
    let owed = status.lines().find_map(|line| line.strip_prefix("owed: ")).context("what is owed")?;
    let credits = owed.split(' ').next().unwrap_or_default().replace('.', "");
    credits.parse().with_context(|| format!("no amount: {owed}"))
}

fn wait_for_redis(redis: &RedisServer, earned: u128) -> Result<()> {
    let rewards = || -> Result<u128> {
        let values: Vec<String> = redis.client().hvals("{stratum}:aleo:successSolution:current")?;
        // …/{reward}/{timestamp}
        let reward = |value: &String| value.rsplit('/').nth(1).and_then(|text| text.parse::<u128>().ok());
        values.iter().map(|value| reward(value).with_context(|| format!("no reward: {value}"))).sum()
    };
    wait_until("Redis", earned, rewards)
}

fn wait_for_postgres(postgres: &PostgresServer, books: &Books) -> Result<()> {
    let sum = |column: &str, table: &str| -> Result<u128> {
        let row = postgres
            .client()
            .query_one(&format!("SELECT COALESCE(SUM({column}), 0)::TEXT FROM {table}"), &[])?;
        Ok(row.get::<_, String>(0).parse()?)
    };
    wait_until("blocks_records", books.earned, || sum("rewards", "blocks_records"))?;
    wait_until("miners_balance", books.paid, || sum("balance", "miners_balance"))?;
    wait_until("wallet_total", books.paid, || sum("total", "wallet_total"))
}

/// A sink follows by itself, a moment later.
fn wait_until(what: &str, expected: u128, look: impl Fn() -> Result<u128>) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let found = look();
        match found {
            Ok(found) if found == expected => return Ok(()),
            found => ensure!(Instant::now() < deadline, "{what} says {found:?}, not {expected}"),
        }
        sleep(Duration::from_millis(300));
    }
}
