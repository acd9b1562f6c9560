//! The failures of other pools that involve the network: docs/hostile.md has the table.

use std::time::Duration;

use parking_lot::RwLock;
use serde_json::json;
use tokio::task::JoinSet;

use super::harness::{self, *};
use crate::stratum::{
    guard::Gate,
    server::{AcceptRules, StratumConfig},
    users::UserMode,
    wire::dialects::shared::job_id,
};

/// A pool behind a proxy, so that a test may come from any address.
async fn far_pool(gate: std::sync::Arc<Gate>, config: StratumConfig) -> Pool {
    let proxies = RwLock::new(vec!["127.0.0.0/8".parse().unwrap()]);
    Pool::behind(AcceptRules { proxies, ..harness::accept(gate, UserMode::Open) }, config).await
}

/// A connection from 203.0.113.`last`.
async fn connect(pool: &Pool, last: u8) -> Miner {
    let mut miner = pool.connect().await;
    miner.send_bytes(format!("PROXY TCP4 203.0.113.{last} 127.0.0.1 5000 3333\r\n").as_bytes()).await;
    miner
}

async fn miner(pool: &Pool, last: u8, login: &str) -> Miner {
    let mut miner = connect(pool, last).await;
    miner.log_in(login).await;
    for _ in 0..2 {
        miner.read().await;
    }
    miner
}

/// Sends bad shares until the pool closes the connection; returns how many were answered.
async fn misbehave(mut miner: Miner) -> usize {
    for number in 0..300u64 {
        // The pool may have closed before the last one is sent.
        let _ = miner.try_submit(9, counter(number, 1)).await;
    }
    let mut answers = 0;
    while miner.read_line().await.is_some() {
        answers += 1;
    }
    answers
}

/// F6: one short of the target is refused, the target itself is credited.
#[tokio::test]
async fn f6_a_share_is_judged_to_the_unit() {
    let pool = Pool::start().await;
    let mut miner = pool.miner("alice").await;
    assert_eq!(miner.submit(counter(1, SHARE_TARGET - 1)).await, Err(23));
    assert_eq!(miner.submit(counter(2, SHARE_TARGET)).await, Ok(()));
    assert_eq!(miner.submit(counter(3, SHARE_TARGET + 1)).await, Ok(()));
    let credits: Vec<u64> = pool.shares().into_iter().map(|(_, _, _, credit)| credit).collect();
    assert_eq!(credits, [SHARE_TARGET, SHARE_TARGET]);
}

/// F20: all miners reconnect at once after our own restart, a farm of them from one address, and their first
/// shares are outdated.
#[tokio::test]
async fn f20_a_farm_behind_one_address_outlives_our_restart() {
    let gate = Gate::new(64);
    let pool = far_pool(gate.clone(), config()).await;
    let mut farm = Vec::new();
    for number in 0..500 {
        farm.push(miner(&pool, 1, &format!("farm.rig{number}")).await);
    }
    let stale = job_id(EPOCH - 1, 0);
    for round in 0..300u64 {
        assert_eq!(farm[0].submit_to(&stale, json!(counter(round, 150).to_string())).await, Err(21));
        assert_eq!(farm[1].submit(counter(round, 1)).await, Err(23));
    }
    assert!(gate.bans().is_empty());
    for (number, rig) in farm.iter_mut().enumerate() {
        assert_eq!(rig.submit(counter(1000 + number as u64, 150)).await, Ok(()));
    }
}

/// F20: this machine itself is never shut out.
#[tokio::test]
async fn f20_bad_shares_from_this_machine_lead_to_no_ban() {
    let gate = Gate::settled(4);
    let pool = Pool::behind(harness::accept(gate.clone(), UserMode::Open), config()).await;
    let mut bridge = pool.miner("bridge").await;
    for number in 0..300 {
        assert_eq!(bridge.submit(counter(number, 1)).await, Err(23));
    }
    assert_eq!(bridge.submit(counter(0, 150)).await, Ok(()));
    assert!(gate.bans().is_empty());
}

/// F21: bad shares under a victim's name count against the sender only.
#[tokio::test]
async fn f21_bad_shares_under_a_victims_name_do_not_hurt_the_victim() {
    let pool = far_pool(Gate::settled(64), config()).await;
    let mut victim = miner(&pool, 7, "victim.rig").await;
    for _ in 0..3 {
        assert!(misbehave(miner(&pool, 66, "victim.rig").await).await <= 300);
    }
    // Three dropped connections: this name may not log in from there.
    let mut attacker = connect(&pool, 66).await;
    attacker.subscribe().await;
    let answer = attacker.ask(2, "mining.authorize", json!(["victim.rig", "x"])).await;
    assert_eq!(outcome(&answer), Err(24), "{answer}");
    assert_eq!(victim.submit(counter(1, 150)).await, Ok(()));
    let mut again = miner(&pool, 7, "victim.rig").await;
    assert_eq!(again.submit(counter(2, 150)).await, Ok(()));
    assert_eq!(pool.shares().len(), 2);
}

/// The steps before the end: the work once more, then a request to reconnect for miners that understand it.
#[tokio::test]
async fn a_miner_that_errs_is_helped_before_it_is_dropped() {
    let pool = far_pool(Gate::settled(64), config()).await;
    let mut lost = connect(&pool, 1).await;
    lost.send(1, "mining.subscribe", json!(["other/1"])).await;
    lost.send(2, "mining.authorize", json!(["alice", "x"])).await;
    for number in 0..300u64 {
        let _ = lost.try_submit(9, counter(number, 1)).await;
    }
    let (mut jobs, mut wishes, mut farewells) = (0, 0, 0);
    while let Some(line) = lost.read_line().await {
        jobs += usize::from(line.contains("mining.notify"));
        wishes += usize::from(line.contains("client.reconnect"));
        farewells += usize::from(line.contains("nothing but bad shares"));
    }
    assert_eq!((jobs, wishes, farewells), (2, 1, 1));
}

/// F22: sockets that send nothing, or a byte now and then, or a line without an end.
#[tokio::test]
async fn f22_slow_and_silent_sockets_are_cut_off_and_delay_nobody() {
    let hasty = StratumConfig { handshake_timeout: Duration::from_millis(300), ..config() };
    let pool = far_pool(Gate::settled(2000), hasty).await;
    let mut idle = Vec::new();
    for number in 0..1000u64 {
        let mut unauthenticated = connect(&pool, 1).await;
        if number % 2 == 0 {
            unauthenticated.send_bytes(b"{\"id\":1,\"method\":\"mining.subscr").await;
        }
        idle.push(unauthenticated);
    }
    let mut honest = miner(&pool, 2, "alice").await;
    assert_eq!(honest.submit(counter(1, 150)).await, Ok(()));
    let mut dribbler = connect(&pool, 1).await;
    let dribble = async {
        while dribbler.try_send_bytes(b" ").await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), dribble).await.expect("a dribbler stays for ever");
    wait_until(|| pool.stats.snapshot().connections == 1).await;
    assert_eq!(honest.submit(counter(2, 150)).await, Ok(()));
}

/// F26: a flood of bogus counters never reaches the disk, and ends with its connections.
#[tokio::test]
async fn f26_bogus_shares_are_not_written_and_their_senders_are_dropped() {
    let gate = Gate::settled(64);
    let pool = far_pool(gate.clone(), config()).await;
    let mut honest = miner(&pool, 2, "alice").await;
    assert_eq!(honest.submit(counter(0, 150)).await, Ok(()));
    let mut floods = JoinSet::new();
    for number in 0..10u8 {
        floods.spawn(misbehave(miner(&pool, 1, &format!("flood{number}")).await));
    }
    for number in 1..50 {
        assert_eq!(honest.submit(counter(number, 150)).await, Ok(()));
    }
    floods.join_all().await;
    wait_until(|| gate.bans().len() == 1).await;
    let mut banned = connect(&pool, 1).await;
    assert!(banned.read().await["error"]["message"].as_str().unwrap().contains("banned"));
    assert_eq!(pool.shares().len(), 50, "only the honest ones are on disk");
}

/// F27: a panic in one session's share leaves the other sessions and the port as they are.
#[tokio::test]
async fn f27_a_panic_over_one_share_harms_nobody_else() {
    let pool = Pool::start().await;
    let (mut unlucky, mut other) = (pool.miner("alice").await, pool.miner("bob").await);
    // More often than there are threads to lose.
    for number in 0..5 {
        assert_eq!(unlucky.submit(counter(number, TRAP)).await, Err(20));
    }
    assert_eq!(unlucky.submit(counter(1, 150)).await, Ok(()));
    assert_eq!(other.submit(counter(2, 150)).await, Ok(()));
    pool.miner("carol").await;
}

/// F29: names that would break a log line, a page or a metric.
#[tokio::test]
async fn f29_hostile_names_are_refused_or_stay_what_they_are() {
    let pool = Pool::start().await;
    for wrong in
        ["a\nb.rig", "a.rig\u{1b}[31m", "<script>.rig", "a.\u{202e}rig", "a.b\u{0}c", "aleo1nonsense.rig"]
    {
        let mut miner = pool.connect().await;
        miner.subscribe().await;
        let answer = miner.ask(2, "mining.authorize", json!([wrong, "x"])).await;
        assert_eq!(outcome(&answer), Err(24), "{wrong:?}");
        assert!(!answer.to_string().contains('\u{1b}'));
    }
    let mut miner = pool.miner("a.<script>alert(1)</script>").await;
    assert_eq!(miner.submit(counter(1, 150)).await, Ok(()));
    assert_eq!(pool.shares()[0].1, "<script>alert(1)</script>");
}

/// F35: a miner that has logged in stays, however rarely it finds a share.
#[tokio::test]
async fn f35_a_miner_with_one_share_in_thirty_minutes_stays() {
    let pool = Pool::start().await;
    let mut slow = pool.miner("alice").await;
    for number in 0..3 {
        assert_eq!(slow.submit(counter(number, 150)).await, Ok(()));
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(1800)).await;
        tokio::time::resume();
    }
    assert_eq!(slow.submit(counter(9, 150)).await, Ok(()));
    assert_eq!(pool.stats.snapshot().connections, 1);
}

/// F36: shares sent during a change of epoch are judged by the job they name, and count against nobody.
#[tokio::test]
async fn f36_shares_around_the_turn_of_an_epoch_are_judged_by_their_job() {
    let pool = far_pool(Gate::settled(64), config()).await;
    let mut miner = miner(&pool, 1, "alice").await;
    assert_eq!(miner.submit(counter(1, 150)).await, Ok(()));
    pool.chain.send(state(EPOCH + 1, PROOF_TARGET, true)).unwrap();
    for number in 0..300 {
        assert_eq!(miner.submit(counter(number, 140)).await, Err(21));
    }
    let next = job_id(EPOCH + 1, 0);
    assert_eq!(miner.submit_to(&next, json!(counter(1, 150).to_string())).await, Ok(()));
}

/// A stop under load: acknowledged shares are on the disk, and miners that understand the request are asked
/// to reconnect.
#[tokio::test]
async fn a_stop_loses_nothing_that_was_acknowledged() {
    let pool = Pool::start().await;
    let mut miners = JoinSet::new();
    for number in 0..300u64 {
        let mut miner = pool.connect().await;
        let version =
            if number % 3 == 0 { json!(["test/1"]) } else { json!(["test/1", "AleoStratum/3.0.0"]) };
        miner.send(1, "mining.subscribe", version).await;
        miner.send(2, "mining.authorize", json!([format!("alice.rig{number}"), "x"])).await;
        miners.spawn(async move {
            let (mut acknowledged, mut waits) = (Vec::new(), Vec::new());
            for share in 0..1000u64 {
                let tried = counter(number * 1000 + share, 150);
                if !miner.try_submit(tried, tried).await {
                    break;
                }
                let Some(line) = miner.read_line().await else { break };
                note(&line, &mut acknowledged, &mut waits);
            }
            while let Some(line) = miner.read_line().await {
                note(&line, &mut acknowledged, &mut waits);
            }
            (number, acknowledged, waits)
        });
    }
    wait_until(|| pool.stats.snapshot().accepted > 600).await;
    pool.stop.cancel();
    pool.serving.await.unwrap();
    let stored = stored(&pool.ledger);
    let (mut all, mut all_waits) = (0, Vec::new());
    for (number, acknowledged, waits) in miners.join_all().await {
        assert!(acknowledged.iter().all(|counter| stored.contains(counter)), "rig{number}");
        assert_eq!(waits.len(), usize::from(number % 3 == 0), "rig{number}");
        all += acknowledged.len();
        all_waits.extend(waits);
    }
    assert!(all > 600 && all <= stored.len());
    all_waits.sort_unstable();
    all_waits.dedup();
    assert!(all_waits.len() > 2, "they come back at different times: {all_waits:?}");
}

/// Notes an accepted share, or the seconds of a request to reconnect.
fn note(line: &str, acknowledged: &mut Vec<u64>, waits: &mut Vec<u64>) {
    let value: serde_json::Value = serde_json::from_str(line).unwrap();
    match (value["result"] == true, value["id"].as_u64()) {
        (true, Some(counter)) if counter > 2 => acknowledged.push(counter),
        _ if value["method"] == "client.reconnect" => waits.push(value["params"][2].as_u64().unwrap()),
        _ => {}
    }
}
