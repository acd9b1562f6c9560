//! Which target a miner has, and which one its shares are credited with.

use std::time::Duration;

use pool_core::{chain::addresses::Addresses, types::Address};
use serde_json::json;

use super::harness::*;
use crate::stratum::{server::StratumConfig, vardiff::Settings};

async fn pool_with(targets: Settings) -> Pool {
    let pool = Pool::start_with(
        StratumConfig::new(Addresses::new(vec![Address::default()]), targets),
        |ledger, _| ledger,
    )
    .await;
    pool.chain.send(state(EPOCH, 1 << 31, true)).unwrap();
    pool
}

/// The next target and job id.
async fn next_work(miner: &mut Miner) -> (u64, String, bool) {
    let target = miner.read().await;
    assert_eq!(target["method"], "mining.set_target", "{target}");
    let job = miner.read().await;
    assert_eq!(job["method"], "mining.notify", "{job}");
    let params = &job["params"];
    let id = params[0].as_str().unwrap().to_string();
    (target["params"][0].as_u64().unwrap(), id, params[3].as_bool().unwrap())
}

#[tokio::test]
async fn a_fast_miner_is_given_a_higher_target_and_its_old_shares_keep_theirs() {
    let pool = pool_with(Settings::starting_at(SHARE_TARGET)).await;
    let mut miner = pool.miner("alice").await;
    assert_eq!(miner.submit(counter(1, 150)).await, Ok(()));
    let (target, job, clean) = next_work(&mut miner).await;
    assert!(target > 10 * SHARE_TARGET, "{target} after a share within the first moment");
    assert_eq!((job.as_str(), clean), ("01050000", false));
    assert_eq!(miner.submit(counter(2, 150)).await, Ok(()), "found for the job before");
    assert_eq!(miner.submit_to(&job, json!(counter(3, 150))).await, Err(23), "found for the new one");
    assert_eq!(miner.submit_to(&job, json!(counter(4, target))).await, Ok(()));
    let credited: Vec<u64> = pool.shares().into_iter().map(|share| share.3).collect();
    assert_eq!(credited, [SHARE_TARGET, SHARE_TARGET, target]);
}

#[tokio::test]
async fn a_miner_above_its_means_is_not_stuck() {
    let quick = Settings { interval: Duration::from_millis(20), ..Settings::starting_at(1 << 30) };
    let pool = pool_with(quick).await;
    let mut miner = pool.connect().await;
    miner.log_in("alice").await;
    let (mut last, ..) = next_work(&mut miner).await;
    while last > 1000 {
        let (target, ..) = next_work(&mut miner).await;
        assert!(target < last);
        last = target;
    }
}

#[tokio::test]
async fn a_port_may_have_one_target_for_all_who_ask_for_no_other() {
    let pool = Pool::fixed_at(77).await;
    let mut miner = pool.connect().await;
    miner.log_in("alice").await;
    assert_eq!(next_work(&mut miner).await.0, 77);
    miner.send(3, "mining.suggest_target", json!([55])).await;
    assert_eq!(miner.read().await["result"], true);
    assert_eq!(next_work(&mut miner).await.0, 55);
    // The network's proof target is the limit here, too.
    pool.chain.send(state(EPOCH, 40, true)).unwrap();
    assert_eq!(miner.read().await["params"][0], 40);
    pool.chain.send(state(EPOCH + 1, 60, true)).unwrap();
    let mut other = pool.connect().await;
    other.log_in("bob").await;
    assert_eq!(next_work(&mut other).await.0, 60);
}

#[tokio::test]
async fn a_target_may_be_asked_for_in_the_password() {
    let pool = pool_with(Settings::starting_at(SHARE_TARGET)).await;
    let mut miner = pool.connect().await;
    miner.subscribe().await;
    miner.send(2, "mining.authorize", json!(["alice", "x,d=5000"])).await;
    assert_eq!(miner.read().await["result"], true);
    let (target, job, _) = next_work(&mut miner).await;
    assert_eq!((target, job.as_str()), (5000, "00050000"));
    for number in 0..5 {
        assert_eq!(miner.submit(counter(number, 6000)).await, Ok(()), "and it stays");
    }
    assert!(pool.shares().iter().all(|share| share.3 == 5000));
    // Another login, another suggestion.
    miner.send(3, "mining.authorize", json!(["alice", "d=7000"])).await;
    assert_eq!(miner.read().await["result"], true);
    assert_eq!(next_work(&mut miner).await, (7000, "01050000".into(), false));
}

#[tokio::test]
async fn no_wish_passes_the_proof_target() {
    let pool = pool_with(Settings::starting_at(SHARE_TARGET)).await;
    pool.chain.send(state(EPOCH, 900, true)).unwrap();
    let mut miner = pool.connect().await;
    miner.subscribe().await;
    miner.send(2, "mining.authorize", json!(["alice", "d=5000"])).await;
    assert_eq!(miner.read().await["result"], true);
    assert_eq!(next_work(&mut miner).await.0, 900);
}

#[tokio::test]
async fn the_brake_raises_every_target() {
    let settings = Settings { interval: Duration::from_millis(20), ..Settings::fixed_at(SHARE_TARGET) };
    let pool = pool_with(settings).await;
    let mut miner = pool.miner("alice").await;
    pool.server.set_brake(3);
    assert_eq!(next_work(&mut miner).await.0, 8 * SHARE_TARGET);
    pool.server.set_brake(0);
    assert_eq!(next_work(&mut miner).await.0, SHARE_TARGET);
}

#[tokio::test]
async fn a_target_may_rise_again_with_the_proof_target_and_what_is_on_its_way_keeps_the_old_one() {
    let settings = Settings { interval: Duration::from_millis(20), ..Settings::fixed_at(SHARE_TARGET) };
    let pool = pool_with(settings).await;
    let mut miner = pool.miner("alice").await;
    pool.chain.send(state(EPOCH, 60, true)).unwrap();
    assert_eq!(miner.read().await["params"], json!([60]));
    pool.chain.send(state(EPOCH, 2000, true)).unwrap();
    assert_eq!(next_work(&mut miner).await, (SHARE_TARGET, "01050000".into(), false));
    assert_eq!(miner.submit(counter(1, 60)).await, Ok(()));
    assert_eq!(miner.submit_to("01050000", json!(counter(2, 60))).await, Err(23));
    assert_eq!(pool.shares()[0].3, 60);
}
