//! When targets and jobs are sent.

use pool_core::{chain::ChainState, reject::RejectCode, types::Address};
use serde_json::json;

use super::harness::*;

#[tokio::test]
async fn subscription_login_target_and_job_come_in_this_order() {
    let pool = Pool::start().await;
    let mut miner = pool.connect().await;
    // Pipelined: the answers still come in order.
    miner.send(1, "mining.subscribe", json!(["test/1", "AleoStratum/3.0.0", null])).await;
    miner.send(2, "mining.authorize", json!(["alice.rig1", "x"])).await;
    miner.send(3, "mining.submit", json!(["alice.rig1", JOB, "150"])).await;
    let subscribed = miner.read().await;
    assert_eq!(subscribed["result"][1].as_str().map(str::len), Some(6));
    assert_eq!(subscribed["result"][2], Address::default().to_string());
    assert_eq!(miner.read().await, json!({"jsonrpc": "2.0", "result": true, "id": 2}));
    assert_eq!(
        miner.read().await,
        json!({"jsonrpc": "2.0", "method": "mining.set_target", "params": [SHARE_TARGET]})
    );
    let hash = epoch_hash(EPOCH).to_string();
    let job = json!([JOB, hash, Address::default().to_string(), true]);
    assert_eq!(miner.read().await, json!({"jsonrpc": "2.0", "method": "mining.notify", "params": job}));
    assert_eq!(miner.read().await, json!({"jsonrpc": "2.0", "result": true, "id": 3}));
}

#[tokio::test]
async fn a_falling_proof_target_reaches_the_miners_at_once() {
    let pool = Pool::start().await;
    let mut miner = pool.miner("alice").await;
    pool.chain.send(state(EPOCH, 60, true)).unwrap();
    assert_eq!(miner.read().await["params"], json!([60]), "and no job with it");
    assert_eq!(miner.submit(counter(1, 60)).await, Ok(()));
    assert_eq!(pool.shares()[0].3, 60);
}

#[tokio::test]
async fn the_share_target_never_exceeds_the_proof_target() {
    let pool = Pool::start().await;
    pool.chain.send(state(EPOCH, 7, true)).unwrap();
    let mut miner = pool.connect().await;
    miner.log_in("alice").await;
    assert_eq!(miner.read().await["params"], json!([7]));
}

#[tokio::test]
async fn no_job_goes_out_before_the_node_is_synced() {
    let pool = Pool::start().await;
    for unready in [ChainState::default(), state(EPOCH, PROOF_TARGET, false)] {
        pool.chain.send(unready).unwrap();
        let mut miner = pool.connect().await;
        miner.log_in("alice").await;
        let answer = miner.ask(9, "mining.submit", json!(["", JOB, "150"])).await;
        assert_eq!(answer["error"], json!({"code": 21, "message": "no job yet: node is not synced"}));
        pool.chain.send(state(EPOCH, PROOF_TARGET, true)).unwrap();
        assert_eq!(miner.read().await["method"], "mining.set_target");
        assert_eq!(miner.read().await["method"], "mining.notify");
    }
}

#[tokio::test]
async fn a_node_that_falls_behind_keeps_its_miners_and_their_shares() {
    let pool = Pool::start().await;
    let mut miner = pool.miner("alice").await;
    pool.chain.send(state(EPOCH, PROOF_TARGET, false)).unwrap();
    assert_eq!(miner.submit(150).await, Ok(()));
    pool.chain.send(state(EPOCH + 1, PROOF_TARGET, false)).unwrap();
    assert_eq!(miner.submit(151).await, Err(21), "the epoch is over, job or no job");
    pool.chain.send(state(EPOCH + 1, PROOF_TARGET, true)).unwrap();
    assert_eq!(miner.read().await["method"], "mining.set_target");
    assert_eq!(miner.read().await["params"][0], "00060000");
    assert_eq!(miner.submit_to("00060000", json!(150)).await, Ok(()));
}

#[tokio::test]
async fn an_epoch_flip_gives_every_miner_one_clean_job() {
    let pool = Pool::start().await;
    let mut miners = Vec::new();
    for number in 0..8 {
        miners.push(pool.miner(&format!("alice.rig{number}")).await);
    }
    pool.chain.send(state(EPOCH + 1, PROOF_TARGET, true)).unwrap();
    for miner in &mut miners {
        assert_eq!(miner.read().await["method"], "mining.set_target");
        let hash = epoch_hash(EPOCH + 1).to_string();
        let job = json!(["00060000", hash, Address::default().to_string(), true]);
        assert_eq!(miner.read().await["params"], job);
        let answer = miner.ask(9, "mining.submit", json!(["", JOB, "150"])).await;
        assert_eq!(answer["error"], json!({"code": 21, "message": "stale share: epoch just ended"}));
    }
    let counted = pool.stats.snapshot();
    assert_eq!((counted.epoch_ended, counted.rejected_with(RejectCode::Stale)), (8, 0), "counted separately");
}
