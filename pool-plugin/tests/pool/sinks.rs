//! The whole pool on a simulated chain, with its books in Redis and PostgreSQL.

use std::collections::BTreeMap;

use pool_plugin::operate::config::{Config, PostgresConfig, RedisConfig, SinksConfig};

use crate::{
    pool_support::{Client, EvenSolves, chain, config, dumps, start_with},
    servers::{PostgresServer, RedisServer, until},
};

#[test]
fn the_books_are_copied_to_redis_and_postgres_though_both_are_away_at_times() {
    let (sim, data) = (chain(), tempfile::tempdir().unwrap());
    let (mut redis, mut postgres) = (RedisServer::start_persistent(), PostgresServer::start());
    let sinks = SinksConfig {
        redis: Some(RedisConfig { url: redis.url().parse().unwrap(), prefix: "{stratum}:aleo:".into() }),
        postgres: Some(PostgresConfig { url: postgres.url().parse().unwrap(), location: "here".into() }),
    };
    let hash = |server: &RedisServer, key: &str| -> BTreeMap<String, String> {
        let mut command = redis::cmd("HGETALL");
        command.arg(format!("{{stratum}}:aleo:{key}")).query(&mut server.client()).unwrap()
    };
    let rig = pool_sinks::names::worker_id("rig");
    let (field, credit) = (format!("ann:{rig}"), |shares: u64| Some((10 * shares).to_string()));

    let pool =
        start_with(&sim, Config { sinks: sinks.clone(), ..config(data.path()) }, EvenSolves::default());
    let mut client = Client::with_work(pool.address, "ann.rig");
    assert_eq!(client.submit(1), 0);
    assert_eq!(client.submit(1), 22, "a duplicate");
    until("redis has the share", || hash(&redis, "workers:accept:current").get(&field).cloned() == credit(1));
    until("and the refusal", || hash(&redis, "workers:reject:current").get(&field).cloned() == credit(1));
    assert!(hash(&redis, "initWorker")["ann"].starts_with(&format!("{rig}/rig/127.0.0.1:")));
    assert!(hash(&redis, "workers:lastShare")[&field].starts_with("127.0.0.1/"));

    // Shares are accepted while both servers are gone, and the pool is restarted in the meantime.
    redis.kill();
    postgres.kill();
    assert_eq!(client.submit(2), 0);
    until("the solution is offered", || !sim.mempool().is_empty());
    let block = sim.produce_block();
    until("the block is dumped", || dumps(data.path()).len() == 1);
    pool.stop();
    let pool = start_with(&sim, Config { sinks, ..config(data.path()) }, EvenSolves::default());
    let mut client = Client::with_work(pool.address, "ann.rig");
    assert_eq!(client.submit(3), 0);
    redis.restart();
    postgres.restart();
    assert_eq!(client.submit(5), 0);

    until("redis has them all", || hash(&redis, "workers:accept:current").get(&field).cloned() == credit(4));
    let solution = &block.solutions[0];
    let landed = hash(&redis, "successSolution:current");
    let of_block = format!("{}:{}:{}", block.height, solution.solution.id(), solution.solution.counter);
    let value: Vec<&str> = landed[&of_block].split('/').collect();
    assert_eq!((value[0], value[1], value[2]), ("ann", rig.to_string().as_str(), "rig"));
    assert_eq!(value[9], solution.reward.to_string());

    let count = "SELECT count(*) FROM blocks_records WHERE hash = $1 AND worker_name = 'rig'";
    let recorded = || {
        postgres
            .client()
            .query_one(count, &[&block.hash.to_string()])
            .is_ok_and(|row| row.get::<_, i64>(0) == 1)
    };
    until("postgres has the block", recorded);
    let dump = &dumps(data.path())[0];
    let rewards: u64 = dump["total_reward"].as_str().unwrap().parse().unwrap();
    let of_ann = dump["accounts"][0]["reward"].as_str().unwrap();
    let balances = "SELECT (SELECT balance FROM miners_balance WHERE id = 'ann_ann')::TEXT, \
                    (SELECT total FROM wallet_total WHERE address = 'ann')::TEXT, \
                    (SELECT sum(total) FROM wallet_total)::TEXT";
    let sums = || -> Option<[String; 3]> {
        let row = postgres.client().query_one(balances, &[]).ok()?;
        Some([row.try_get(0).ok()?, row.try_get(1).ok()?, row.try_get(2).ok()?])
    };
    let expected = [of_ann.to_owned(), of_ann.to_owned(), rewards.to_string()];
    until("postgres has the dump's rewards", || sums().as_ref() == Some(&expected));
    pool.stop();
}
