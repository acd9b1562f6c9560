//! A node that does not follow the network: what miners see, and when it ends.

use pool_core::{
    chain::{
        ChainState, SyncState,
        following::{Access, Following, NewerVersion},
    },
    reject::RejectCode,
};
use serde_json::{Value, json};

use super::harness::*;

fn cut_off(following: Following, access: Access) -> ChainState {
    let good = state(EPOCH, PROOF_TARGET, true);
    ChainState { sync: SyncState { following, access, ..good.sync }, ..good }
}

fn error(answer: &Value) -> (i64, &str) {
    (answer["error"]["code"].as_i64().unwrap(), answer["error"]["message"].as_str().unwrap())
}

#[tokio::test]
async fn shares_of_a_node_that_is_cut_off_are_refused_with_the_reason_and_taken_again_afterwards() {
    let mut pool = Pool::start().await;
    let mut miner = pool.miner("alice").await;
    for access in [Access::Open, Access::NoNewJobs] {
        pool.chain.send(cut_off(Following::Stuck, access)).unwrap();
        assert_eq!(miner.submit(counter(access as u64, 150)).await, Ok(()), "a short stop changes nothing");
    }
    let newer = Some(NewerVersion { version: 23, height: 7, since: 0 });
    for (number, (following, newer, reason)) in [
        (Following::Stuck, None, "no credit: pool node is stuck"),
        (Following::Isolated, None, "no credit: pool node is offline"),
        (Following::CatchingUp, None, "no credit: pool node is behind"),
        (Following::Isolated, newer, "no credit: node needs an update"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut state = cut_off(following, Access::Refusing);
        state.sync.newer = newer;
        pool.chain.send(state).unwrap();
        let counter = counter(10 + number as u64, PROOF_TARGET + 50);
        let answer = miner.ask(9, "mining.submit", json!(["", JOB, counter.to_string()])).await;
        assert_eq!(error(&answer), (20, reason));
        // A solution is not lost with its share: the release queue holds it.
        assert_eq!(pool.next_find().await.solution.counter, counter);
    }
    assert_eq!(pool.shares().len(), 2, "none of them is stored");
    assert_eq!(pool.stats.snapshot().rejected_with(RejectCode::Other), 4);
    pool.chain.send(state(EPOCH, PROOF_TARGET, true)).unwrap();
    assert_eq!(miner.submit(counter(10, PROOF_TARGET + 50)).await, Ok(()), "the same counter counts now");
    assert_eq!(pool.shares().len(), 3);
}

#[tokio::test]
async fn a_node_that_is_cut_off_gives_no_job_to_who_comes() {
    let pool = Pool::start().await;
    for (following, access) in
        [(Following::Stuck, Access::Refusing), (Following::Isolated, Access::NoNewJobs)]
    {
        pool.chain.send(cut_off(following, access)).unwrap();
        let mut miner = pool.connect().await;
        miner.log_in("alice").await;
        let answer = miner.ask(9, "mining.submit", json!(["", JOB, "150"])).await;
        assert_eq!(error(&answer), (21, "no job yet: node is not synced"));
        pool.chain.send(state(EPOCH, PROOF_TARGET, true)).unwrap();
        assert_eq!(miner.read().await["method"], "mining.set_target");
        assert_eq!(miner.read().await["method"], "mining.notify");
    }
}

#[tokio::test]
async fn after_long_connections_are_closed_with_a_reason_until_the_node_is_back() {
    let pool = Pool::start().await;
    let mut miners = vec![pool.miner("alice").await, pool.miner("bob").await];
    let text = "the pool's node is stuck: closing the connection, use your next pool until it is back";
    pool.chain.send(cut_off(Following::Stuck, Access::Closed)).unwrap();
    for miner in &mut miners {
        assert_eq!(error(&miner.read().await), (20, text));
        assert_eq!(miner.read_line().await, None);
    }
    let before = pool.stats.snapshot().turned_away;
    let mut late = pool.connect().await;
    assert_eq!(error(&late.read().await), (20, text));
    assert_eq!(late.read_line().await, None);
    assert_eq!(pool.stats.snapshot().turned_away, before + 1);
    pool.chain.send(state(EPOCH, PROOF_TARGET, true)).unwrap();
    wait_until(|| pool.stats.snapshot().connections == 0).await;
    let mut back = pool.miner("alice").await;
    assert_eq!(back.submit(150).await, Ok(()));
}

#[tokio::test]
async fn who_logs_in_while_connections_are_being_closed_is_closed_too() {
    let pool = Pool::start().await;
    let mut miner = pool.connect().await;
    miner.ask(1, "mining.subscribe", json!(["test/1", "AleoStratum/3.0.0", null])).await;
    pool.chain.send(cut_off(Following::Isolated, Access::Closed)).unwrap();
    // Once the port refuses a connection, it has seen the news.
    assert_eq!(
        pool.connect().await.read_line().await.map(|line| line.contains("lost the network")),
        Some(true)
    );
    miner.ask(2, "mining.authorize", json!(["alice", "x"])).await;
    assert_eq!(error(&miner.read().await).0, 20);
    assert_eq!(miner.read_line().await, None);
}
