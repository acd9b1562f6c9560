//! The pinned dialects beyond their encoding: what their shares are worth, and how sessions end.

use serde_json::json;

use super::harness::*;
use crate::stratum::wire::{dialects::Dialect, message::Word};

fn solution(counter: u64) -> Vec<u8> {
    [&[0xe0; 32][..], &[0; 32], &counter.to_le_bytes(), &[0xff; 8]].concat()
}

fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    [&(payload.len() as u32 + 1).to_le_bytes()[..], &[kind], payload].concat()
}

fn login() -> Vec<u8> {
    frame(128, &[&[0, 1, 0, 3, 6, 4][..], b"rig1", b"alice"].concat())
}

#[tokio::test]
async fn a_zkwork_share_is_stored_with_the_assigned_target() {
    let pool = Pool::speaking(Dialect::ZkWork).await;
    let mut miner = pool.connect().await;
    // All at once: the frames are separated by their lengths, not by how they arrive.
    let share = frame(129, &[&[0; 12][..], &solution(counter(1, 500))].concat());
    miner.send_bytes(&[login(), share].concat()).await;
    wait_until(|| pool.stats.snapshot().accepted == 1).await;
    assert_eq!(pool.shares(), [("alice".into(), "rig1".into(), counter(1, 500), SHARE_TARGET)]);
}

#[tokio::test]
async fn a_zkwork_worker_id_begins_with_the_counters_prefix() {
    let pool = Pool::speaking(Dialect::ZkWork).await;
    let mut ids = Vec::new();
    let mut miners = [pool.connect().await, pool.connect().await];
    for miner in &mut miners {
        miner.send_bytes(&login()).await;
        let ack = miner.read_frame().await.unwrap();
        ids.push(u32::from_le_bytes(ack[42..46].try_into().unwrap()) >> 8);
    }
    let first = ids[0];
    assert_eq!(ids, [first, (first + 1) % (1 << 20)], "places are given one after the other");
}

#[tokio::test]
async fn a_zkwork_miner_may_say_good_bye_and_a_broken_frame_ends_it() {
    let pool = Pool::speaking(Dialect::ZkWork).await;
    for end in [frame(130, &[0; 4]), vec![0xff; 8]] {
        let mut miner = pool.connect().await;
        miner.send_bytes(&[login(), end].concat()).await;
        let mut kinds = Vec::new();
        while let Some(frame) = miner.read_frame().await {
            kinds.push(frame[4]);
        }
        assert_eq!(kinds[..2], [0, 1], "login and job came");
    }
    wait_until(|| pool.stats.snapshot().connections == 0).await;
}

#[tokio::test]
async fn a_zkwork_miner_hears_of_the_end() {
    let pool = Pool::speaking(Dialect::ZkWork).await;
    let mut unauthenticated = pool.connect().await;
    for _ in 0..16 {
        unauthenticated.send_bytes(&frame(77, b"what")).await;
    }
    assert_eq!(unauthenticated.read_frame().await, Some(vec![1, 0, 0, 0, 2]));
    assert_eq!(unauthenticated.read_frame().await, None);
}

#[tokio::test]
async fn the_same_counter_is_one_share_in_every_dialect() {
    let mut pools = Vec::new();
    for dialect in Dialect::ALL {
        pools.push((dialect, Pool::speaking(dialect).await));
    }
    for (dialect, pool) in &pools {
        let mut miner = pool.connect().await;
        let hex = "0000000000000fff";
        let submit = match dialect {
            Dialect::ZkWork => {
                let share = frame(129, &[&[0; 12][..], &solution(0xfff)].concat());
                miner.send_bytes(&[login(), share].concat()).await;
                wait_until(|| pool.stats.snapshot().accepted == 1).await;
                holds_the_share(pool, 0xfff);
                continue;
            }
            Dialect::Aion => json!(["", JOB, "0", hex, hex]),
            Dialect::AbMatrix => {
                json!(["00000000_05000000_x", hex::encode(solution(0xfff))])
            }
            Dialect::Json | Dialect::AleoStratum | Dialect::Generic(Word::Difficulty | Word::Target) => {
                json!(["", JOB, hex])
            }
        };
        let version = match dialect {
            Dialect::AbMatrix => "ABMatrix/0.4.0",
            _ => "AleoStratum/3.0.0",
        };
        miner.ask(1, "mining.subscribe", json!(["a", version, null])).await;
        let login = miner.ask(2, "mining.authorize", json!(["alice", "rig1", null])).await;
        assert_eq!(login["result"], true, "{dialect}: {login}");
        let answer = miner.ask(9, "mining.submit", submit).await;
        assert_eq!(answer["result"], true, "{dialect}: {answer}");
        holds_the_share(pool, 0xfff);
    }
}

fn holds_the_share(pool: &Pool, counter: u64) {
    assert_eq!(pool.shares(), [("alice".into(), "rig1".into(), counter, SHARE_TARGET)]);
}
