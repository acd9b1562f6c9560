//! Several addresses of the pool: which miner gets which, and what happens to counters mined for another.

use std::{collections::HashSet, sync::Arc};

use pool_core::{chain::addresses::Addresses, types::Address};
use serde_json::json;

use super::harness::*;
use crate::stratum::{server::StratumConfig, wire::dialects::Dialect};

const FIRST: Address = Address([1; 32]);
const SECOND: Address = Address([2; 32]);
const SHUTDOWN: &[u8] = &[1, 0, 0, 0, 2];

fn two() -> Arc<Addresses> {
    let addresses = Addresses::new(vec![FIRST, SECOND]);
    addresses.turn(EPOCH, |_| Some(5));
    addresses
}

fn config_of(addresses: &Arc<Addresses>) -> StratumConfig {
    StratumConfig { addresses: addresses.clone(), ..config() }
}

/// Logs in over zk.work and reads the acknowledgement and the job; returns the address in them.
async fn zkwork_login(miner: &mut Miner) -> [u8; 32] {
    let login = [&[0, 1, 0, 3, 6, 4][..], b"rig1", b"alice"].concat();
    miner.send_bytes(&[&(login.len() as u32 + 1).to_le_bytes()[..], &[128], &login].concat()).await;
    let ack = miner.read_frame().await.unwrap();
    let _job = miner.read_frame().await.unwrap();
    ack[6..38].try_into().unwrap()
}

#[tokio::test]
async fn who_learns_its_address_at_login_comes_back_for_another() {
    let addresses = two();
    let pool = Pool::speaking_with(Dialect::ZkWork, config_of(&addresses)).await;
    let mut miners = [pool.connect().await, pool.connect().await];
    let [one, other] = &mut miners;
    assert_eq!([zkwork_login(one).await, zkwork_login(other).await], [FIRST.0, SECOND.0]);

    addresses.note_left(EPOCH, |address| Some(if *address == FIRST { 0 } else { 5 }));
    assert_eq!(one.read_frame().await.as_deref(), Some(SHUTDOWN));
    assert_eq!(one.read_frame().await, None);
    assert_eq!(zkwork_login(&mut pool.connect().await).await, SECOND.0);
    // The other one was not disturbed.
    let share = [&[0; 12][..], &[0; 64], &counter(1, 500).to_le_bytes(), &[0; 8]].concat();
    other.send_bytes(&[&(share.len() as u32 + 1).to_le_bytes()[..], &[129], &share].concat()).await;
    wait_until(|| pool.stats.snapshot().accepted == 1).await;
}

#[tokio::test]
async fn subscription_and_jobs_name_the_sessions_address() {
    let pool = Pool::start_with(config_of(&two()), |ledger, _| ledger).await;
    // They stay: a place that is left is given to the next.
    let mut miners = Vec::new();
    for address in [FIRST, SECOND] {
        let mut miner = pool.connect().await;
        let subscribed = miner.ask(1, "mining.subscribe", json!(["test/1", "AleoStratum/3.0.0", null])).await;
        assert_eq!(subscribed["result"][2], address.to_string());
        assert_eq!(miner.ask(2, "mining.authorize", json!(["alice", "x"])).await["result"], true);
        assert_eq!(miner.read().await["method"], "mining.set_target");
        assert_eq!(miner.read().await["params"][2], address.to_string());
        miners.push(miner);
    }
}

/// After our restart a miner may send what it solved before, for any of the addresses.
#[tokio::test]
async fn a_solution_before_the_first_job_is_looked_at_for_all_addresses() {
    let mut pool = Pool::start_with(config_of(&two()), |ledger, _| ledger).await;
    pool.chain.send(state(EPOCH, PROOF_TARGET, false)).unwrap();
    let mut miner = pool.connect().await;
    miner.log_in("alice").await;
    let solution = counter(1, PROOF_TARGET + 1);
    let answer = miner.ask(9, "mining.submit", json!(["", JOB, solution.to_string()])).await;
    assert_eq!(answer["error"]["code"], 21);
    let mut found = HashSet::new();
    for _ in 0..2 {
        found.insert(pool.found.recv().await.unwrap().solution.address);
    }
    assert_eq!(found, HashSet::from([FIRST, SECOND]));
}
