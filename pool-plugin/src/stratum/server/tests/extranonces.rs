//! What a session resumes after a reconnect, and the counters that are its own.

use pool_core::{
    chain::addresses::Addresses,
    types::{Address, Worker},
};
use serde_json::{Value, json};

use super::harness::*;
use crate::stratum::{server::StratumConfig, vardiff::Settings, wire::extranonce::Prefix};

async fn following() -> Pool {
    let config =
        StratumConfig::new(Addresses::new(vec![Address::default()]), Settings::starting_at(SHARE_TARGET));
    let pool = Pool::start_with(config, |ledger, _| ledger).await;
    pool.chain.send(state(EPOCH, 1 << 31, true)).unwrap();
    pool
}

async fn subscribe(miner: &mut Miner, session: Value) -> (String, Prefix) {
    let params = json!(["test/1", "AleoStratum/3.0.0", session]);
    let result = miner.ask(1, "mining.subscribe", params).await["result"].clone();
    let text = |index: usize| result[index].as_str().unwrap().to_string();
    (text(0), Prefix::parse(&text(1)).unwrap())
}

/// Logs in and returns the first target.
async fn first_target(miner: &mut Miner, login: &str) -> u64 {
    let answer = miner.ask(2, "mining.authorize", json!([login, "x"])).await;
    assert_eq!(answer["result"], true);
    miner.read().await["params"][0].as_u64().unwrap()
}

fn bob() -> Worker {
    Worker { account: "bob".into(), name: "rig".into() }
}

#[tokio::test]
async fn every_session_is_given_counters_of_its_own_and_may_use_others() {
    let pool = Pool::start().await;
    let (mut one, mut other) = (pool.connect().await, pool.connect().await);
    let (first, second) = (subscribe(&mut one, Value::Null).await, subscribe(&mut other, Value::Null).await);
    assert_ne!(first.0, second.0);
    assert_ne!(first.1, second.1);
    assert_eq!(subscribe(&mut one, Value::Null).await, first, "asked twice");
    one.ask(2, "mining.authorize", json!(["alice", "x"])).await;
    assert_eq!(one.submit(first.1.with(150)).await, Ok(()));
    assert_eq!(one.submit(second.1.with(151)).await, Ok(()), "the other's");
    assert_eq!(one.submit(152).await, Ok(()), "nobody's");
    assert_eq!(one.submit(second.1.with(151)).await, Err(22), "but nothing counts twice");
}

#[tokio::test]
async fn a_session_comes_back_to_its_counters_and_its_target() {
    let pool = following().await;
    let mut miner = pool.connect().await;
    let session = subscribe(&mut miner, Value::Null).await;
    assert_eq!(first_target(&mut miner, "alice").await, SHARE_TARGET);
    assert_eq!(miner.read().await["method"], "mining.notify");
    assert_eq!(miner.submit(150).await, Ok(()));
    let raised = miner.read().await["params"][0].as_u64().unwrap();
    assert!(raised > SHARE_TARGET);
    drop(miner);
    wait_until(|| pool.server.extranonces.taken() == 0).await;

    let mut back = pool.connect().await;
    assert_eq!(subscribe(&mut back, json!(session.0)).await, session);
    let target = first_target(&mut back, "alice").await;
    assert!(target > raised / 2 && target < raised * 2, "{target} after {raised}");
}

#[tokio::test]
async fn a_session_that_is_still_open_moves_to_the_new_connection() {
    let pool = Pool::start().await;
    let mut old = pool.connect().await;
    let session = subscribe(&mut old, Value::Null).await;
    let mut new = pool.connect().await;
    assert_eq!(subscribe(&mut new, json!(session.0)).await, session);
    assert_eq!(old.read_line().await, None, "the old one is closed");
    assert_eq!(first_target(&mut new, "alice").await, SHARE_TARGET);
}

#[tokio::test]
async fn a_session_id_that_is_none_of_ours_gives_a_new_session() {
    let pool = Pool::start().await;
    for id in [json!("0123456789abcdef"), json!(""), json!("00".repeat(16)), json!(7)] {
        let mut miner = pool.connect().await;
        let (session, _) = subscribe(&mut miner, id.clone()).await;
        assert!(session.len() == 32 && json!(session) != id);
    }
}

#[tokio::test]
async fn a_worker_begins_where_it_was_on_whatever_connection() {
    let pool = following().await;
    let mut miner = pool.connect().await;
    miner.subscribe().await;
    assert_eq!(first_target(&mut miner, "bob.rig").await, SHARE_TARGET);
    let mut job = miner.read().await["params"][0].clone();
    // Shares that reach any target, until the target is worth remembering.
    for number in 1..=8 {
        let params = json!(["", job, counter(number, (1 << 31) - 1)]);
        miner.send(9, "mining.submit", params).await;
        loop {
            let line = miner.read().await;
            if line["method"] == "mining.notify" {
                job = line["params"][0].clone();
            }
            if line["id"] == 9 {
                assert_eq!(line["result"], true, "{line}");
                break;
            }
        }
    }
    wait_until(|| pool.server.workers.last_target(&bob()).is_some()).await;
    drop(miner);
    let last = pool.server.workers.last_target(&bob()).unwrap();
    assert!(last > 10 * SHARE_TARGET);
    let mut back = pool.connect().await;
    back.subscribe().await;
    let target = first_target(&mut back, "bob.rig").await;
    assert!(target > last / 2, "{target} after {last}");
    let mut unauthenticated = pool.connect().await;
    unauthenticated.subscribe().await;
    assert_eq!(first_target(&mut unauthenticated, "bob.other").await, SHARE_TARGET);
}

#[tokio::test]
async fn an_account_that_withholds_shares_is_held_to_one_target() {
    let pool = following().await;
    let workers = &pool.server.workers;
    let now = pool_core::types::unix_seconds();
    let (low, high) = (bob(), Worker { name: "high".into(), ..bob() });
    workers.share(&high, 50_000, 50_000, now);
    while workers.share(&low, 1_000, 1_999, now).is_none() {}
    let mut miner = pool.connect().await;
    miner.subscribe().await;
    assert_eq!(first_target(&mut miner, "bob.third").await, 50_000);
}
