//! What strangers send, and that it does not harm others.

use std::time::Duration;

use serde_json::json;

use super::harness::*;
use crate::stratum::server::StratumConfig;

#[tokio::test]
async fn garbage_of_many_kinds_harms_nobody() {
    let pool = Pool::start().await;
    let mut honest = pool.miner("alice").await;
    let deep = "[".repeat(4000);
    let nested = format!(r#"{{"id":1,"method":"mining.submit","params":{deep}"#);
    let kinds: Vec<Vec<u8>> = vec![
        b"\xff\xfe\x00\x01\n".to_vec(),
        b"GET / HTTP/1.1\r\nHost: pool\r\n\r\n".to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n".to_vec(),
        b"{}\n[]\n1\nnull\n\"\"\n".to_vec(),
        b"{\"id\":{},\"method\":\"mining.subscribe\"}\n".to_vec(),
        b"{\"id\":1,\"method\":7,\"params\":[]}\n".to_vec(),
        b"{\"id\":NaN,\"method\":\"mining.subscribe\",\"params\":[1e999]}\n".to_vec(),
        b"{\"id\":1e308,\"method\":\"mining.submit\",\"params\":[-1e308,1e-308,99999999999999999999999]}\n"
            .to_vec(),
        b"{\"id\":1,\"method\":\"mining.authorize\",\"params\":[\"\\u0000.\\u202e\"]}\n".to_vec(),
        format!("{deep}\n").into_bytes(),
        format!("{nested}\n").into_bytes(),
        vec![b'a'; 100_000],
        vec![0; 100_000],
        b"\n\r\n\r\r\n".to_vec(),
        b"{\"id\":1,".to_vec(),
    ];
    for (number, kind) in kinds.iter().enumerate() {
        let mut unauthenticated = pool.connect().await;
        // The pool may have closed before the last byte is sent.
        let _ = tokio::io::AsyncWriteExt::write_all(unauthenticated.writer(), kind).await;
        assert_eq!(honest.submit(counter(number as u64, 150)).await, Ok(()), "after kind {number}");
        let asks_for_something = kind.len() > 4096 || kind.ends_with(b"\n") && !kind.starts_with(b"\n");
        if asks_for_something {
            assert!(unauthenticated.read().await["error"].is_object(), "kind {number} is answered");
        }
    }
    let mut newcomer = pool.miner("bob").await;
    assert_eq!(newcomer.submit(160).await, Ok(()));
}

#[tokio::test]
async fn a_line_that_is_too_long_is_answered_and_ends_the_connection() {
    let pool = Pool::start().await;
    let mut unauthenticated = pool.connect().await;
    unauthenticated.send_bytes(&[b'a'; 5000]).await;
    assert!(unauthenticated.read().await["error"]["message"].as_str().unwrap().contains("4096 bytes"));
    assert_eq!(unauthenticated.read_line().await, None);
}

#[tokio::test]
async fn garbage_is_answered_until_there_is_too_much_of_it() {
    let pool = Pool::start().await;
    let mut unauthenticated = pool.connect().await;
    for _ in 0..15 {
        unauthenticated.send_line("garbage").await;
        assert_eq!(outcome(&unauthenticated.read().await), Err(20));
    }
    unauthenticated.subscribe().await;
    for _ in 0..16 {
        unauthenticated.send_line("garbage").await;
        assert_eq!(outcome(&unauthenticated.read().await), Err(20));
    }
    assert!(unauthenticated.read().await["error"]["message"].as_str().unwrap().contains("too much garbage"));
    assert_eq!(unauthenticated.read_line().await, None);
    assert_eq!(pool.stats.snapshot().garbage, 31);
}

#[tokio::test]
async fn unknown_methods_never_end_a_connection() {
    let pool = Pool::start().await;
    let mut miner = pool.miner("alice").await;
    for _ in 0..100 {
        let answer = miner.ask(7, "mining.get_transactions", json!([1])).await;
        assert_eq!(outcome(&answer), Err(20));
    }
    assert_eq!(miner.ask(8, "mining.extranonce.subscribe", json!([])).await["result"], true);
    assert_eq!(miner.submit(150).await, Ok(()));
}

#[tokio::test]
async fn another_protocol_version_is_told_which_one_is_spoken() {
    let pool = Pool::start().await;
    let mut miner = pool.connect().await;
    let answer = miner.ask(1, "mining.subscribe", json!(["a", "AleoStratum/2.0.0", null])).await;
    assert_eq!(outcome(&answer), Err(20));
    assert_eq!(answer["error"]["message"], "version not supported: use 3.0");
    miner.log_in("alice").await;
}

#[tokio::test]
async fn who_does_not_subscribe_or_log_in_is_shown_the_door() {
    let hasty = StratumConfig { handshake_timeout: Duration::from_millis(50), ..config() };
    let pool = Pool::start_with(hasty, |ledger, _| ledger).await;
    for (subscribes, missing) in [(false, "mining.subscribe"), (true, "mining.authorize")] {
        let mut miner = pool.connect().await;
        if subscribes {
            miner.subscribe().await;
        }
        assert!(miner.read().await["error"]["message"].as_str().unwrap().contains(missing));
        assert_eq!(miner.read_line().await, None);
    }
}

#[tokio::test]
async fn a_full_pool_says_so_and_has_room_again_later() {
    let small = StratumConfig { max_connections: 1, ..config() };
    let pool = Pool::start_with(small, |ledger, _| ledger).await;
    let first = pool.miner("alice").await;
    let mut second = pool.connect().await;
    assert!(second.read().await["error"]["message"].as_str().unwrap().contains("the pool is full"));
    assert_eq!(second.read_line().await, None);
    drop(first);
    wait_until(|| pool.stats.snapshot().connections == 0).await;
    pool.miner("bob").await;
    assert_eq!(pool.stats.snapshot().turned_away, 1);
}

/// A flood of silent sockets takes every place, and still keeps no miner out.
#[tokio::test]
async fn f25_strangers_give_way_when_the_port_is_full_and_miners_stay() {
    let small = StratumConfig { max_connections: 3, ..config() };
    let pool = Pool::start_with(small, |ledger, _| ledger).await;
    let mut alice = pool.miner("alice").await;
    let mut silent = [pool.connect().await, pool.connect().await];
    wait_until(|| pool.stats.snapshot().connections == 3).await;
    let mut miners = Vec::new();
    for login in ["bob", "carol"] {
        // Strangers get a moment before they give way.
        let miner = loop {
            let mut miner = pool.connect().await;
            if miner.try_log_in(login).await {
                break miner;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        miners.push(miner);
    }
    for silent in &mut silent {
        assert!(silent.read().await["error"]["message"].as_str().unwrap().contains("the pool is full"));
        assert_eq!(silent.read_line().await, None);
    }
    assert_eq!(alice.submit(counter(1, 150)).await, Ok(()));
    let mut late = pool.connect().await;
    assert!(!late.try_log_in("dave").await, "miners give way to nobody");
}

#[tokio::test]
async fn who_does_not_read_is_cut_off() {
    let strict = StratumConfig { write_timeout: Duration::from_millis(100), ..config() };
    let pool = Pool::start_with(strict, |ledger, _| ledger).await;
    let mut deaf = pool.connect().await;
    let long_id = "i".repeat(4000);
    let line = format!("{{\"id\":\"{long_id}\",\"method\":\"x\"}}\n");
    // The answers are as long as the requests, and none is read: at some point neither side can write.
    while tokio::io::AsyncWriteExt::write_all(deaf.writer(), line.as_bytes()).await.is_ok() {}
    wait_until(|| pool.stats.snapshot().connections == 0).await;
    pool.miner("alice").await;
}
