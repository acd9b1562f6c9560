//! Users and the admin over the stratum port.

use std::sync::Arc;

use parking_lot::RwLock;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::harness::{self, Miner, Pool, config, outcome};
use crate::stratum::{
    guard::Gate,
    server::AcceptRules,
    users::{AdminPassword, UserMode, Users, file, password::cheap_hash},
};

const PASSWORD: &str = "correct horse battery";

/// A pool with a user alice, and optionally an admin.
async fn pool(mode: UserMode, has_admin: bool) -> (TempDir, Pool, Arc<Users>) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("users.json");
    file::add(&path, "alice", cheap_hash("secret")).unwrap();
    let users = Users::open(&path, mode).unwrap();
    let admin_password = has_admin.then(|| AdminPassword::new(PASSWORD));
    let proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let accept = AcceptRules {
        users: users.clone(),
        admin_password,
        proxies: RwLock::new(proxies),
        ..harness::accept(Gate::settled(99), mode)
    };
    let pool = Pool::behind(accept, config()).await;
    (folder, pool, users)
}

/// From this machine, or through a proxy from elsewhere.
async fn connect(pool: &Pool, is_near: bool) -> Miner {
    let mut miner = pool.connect().await;
    let from = if is_near { "127.0.0.1" } else { "203.0.113.9" };
    miner.send_bytes(format!("PROXY TCP4 {from} 127.0.0.1 50000 3333\r\n").as_bytes()).await;
    miner
}

async fn log_in(miner: &mut Miner, login: &str, password: &str) -> Result<(), u64> {
    miner.subscribe().await;
    outcome(&miner.ask(2, "mining.authorize", json!([login, password])).await)
}

fn message(answer: &Value) -> String {
    answer["error"]["message"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_closed_pool_takes_its_users_and_an_open_one_everybody() {
    let (_folder, closed, _) = pool(UserMode::Closed, false).await;
    assert_eq!(log_in(&mut connect(&closed, true).await, "alice.rig", "secret").await, Ok(()));
    assert_eq!(log_in(&mut connect(&closed, true).await, "alice.rig", "secret,d=5000").await, Ok(()));
    assert_eq!(log_in(&mut connect(&closed, true).await, "alice.rig", "x").await, Err(24));
    assert_eq!(log_in(&mut connect(&closed, true).await, "bob.rig", "secret").await, Err(24));
    let (folder, open, users) = pool(UserMode::Open, false).await;
    assert_eq!(log_in(&mut connect(&open, true).await, "bob.rig", "x").await, Ok(()));
    file::set_disabled(&folder.path().join("users.json"), "alice", true).unwrap();
    users.reload().unwrap();
    assert_eq!(log_in(&mut connect(&open, true).await, "alice.rig", "secret").await, Err(24));
}

#[tokio::test]
async fn guessing_a_users_password_ends_the_connection() {
    let (_folder, pool, _) = pool(UserMode::Closed, false).await;
    let mut guesser = connect(&pool, false).await;
    guesser.subscribe().await;
    for _ in 0..5 {
        assert_eq!(outcome(&guesser.ask(2, "mining.authorize", json!(["alice", "guess"])).await), Err(24));
    }
    assert!(message(&guesser.read().await).contains("too many wrong passwords"));
    assert_eq!(guesser.read_line().await, None);
}

#[tokio::test]
async fn the_admin_adds_users_while_the_pool_runs() {
    let (_folder, pool, users) = pool(UserMode::Closed, true).await;
    let mut admin = connect(&pool, true).await;
    let add = json!(["carol", "a long password"]);
    assert!(message(&admin.ask(1, "mining.add_user", add.clone()).await).contains("authorize_admin first"));
    assert_eq!(admin.ask(2, "mining.authorize_admin", json!([PASSWORD])).await["result"], true);
    assert_eq!(admin.ask(3, "mining.add_user", add.clone()).await["result"], true);
    assert!(message(&admin.ask(4, "mining.add_user", add).await).contains("already"));
    assert_eq!(users.len(), 2);
    assert_eq!(log_in(&mut connect(&pool, false).await, "carol", "a long password").await, Ok(()));
}

/// F30: a client that its proxy does not name may come from anywhere.
#[tokio::test]
async fn f30_a_proxy_on_this_machine_that_names_nobody_brings_no_admin() {
    let (_folder, pool, users) = pool(UserMode::Open, true).await;
    let headers: [&[u8]; 2] = [b"PROXY UNKNOWN\r\n", b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"];
    for header in headers {
        let mut unnamed = pool.connect().await;
        unnamed.send_bytes(header).await;
        let answer = unnamed.ask(1, "mining.authorize_admin", json!([PASSWORD])).await;
        assert!(message(&answer).contains("use TLS"), "{answer}");
        let answer = unnamed.ask(2, "mining.add_user", json!(["carol", "a long password"])).await;
        assert!(message(&answer).contains("authorize_admin first"), "{answer}");
    }
    assert_eq!(users.len(), 1);
}

#[tokio::test]
async fn f31_the_admin_password_is_not_for_guessing_nor_for_open_lines() {
    let (_folder, quiet, _) = pool(UserMode::Open, false).await;
    let answer = connect(&quiet, true).await.ask(1, "mining.authorize_admin", json!([PASSWORD])).await;
    assert!(message(&answer).contains("unknown method"), "{answer}");

    let (_folder, pool, _) = pool(UserMode::Open, true).await;
    let answer = connect(&pool, false).await.ask(1, "mining.authorize_admin", json!([PASSWORD])).await;
    assert!(message(&answer).contains("use TLS"));
    for _ in 0..5 {
        let mut guesser = connect(&pool, true).await;
        let answer = guesser.ask(1, "mining.authorize_admin", json!(["guess"])).await;
        assert!(message(&answer).contains("wrong user or password"));
        assert_eq!(guesser.read_line().await, None);
    }
    let answer = connect(&pool, true).await.ask(1, "mining.authorize_admin", json!([PASSWORD])).await;
    assert!(message(&answer).contains("too many wrong passwords"), "not even the right one: {answer}");
}
