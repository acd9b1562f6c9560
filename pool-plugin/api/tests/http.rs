//! The API over a real socket, with the pool on the simulated chain behind it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../tests/pool_support/mod.rs"]
mod pool_support;
#[path = "../../tests/receiver/mod.rs"]
mod receiver;

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    sync::{Arc, OnceLock},
};

use pool_api::{Api, Exposition, Running as Serving};
use pool_core::chain::sim::SimChain;
use pool_plugin::operate::{
    config::{ApiConfig, Config},
    webhooks::{EventKind, WebhookConfig},
};
use pool_support::{Client, EvenSolves, Running, chain, config, start_with, until};
use receiver::Receiver;
use serde_json::{Value, json};
use tempfile::TempDir;

/// One recorder for the process, as required.
fn exposition() -> Exposition {
    static EXPOSITION: OnceLock<Exposition> = OnceLock::new();
    EXPOSITION.get_or_init(|| Exposition::install().unwrap()).clone()
}

struct World {
    sim: Arc<SimChain>,
    data: TempDir,
    pool: Running,
    api: SocketAddr,
    _serving: Serving,
}

/// A pool with an API.
fn world(change: impl FnOnce(&mut Config)) -> World {
    let (sim, data) = (chain(), tempfile::tempdir().unwrap());
    let mut config = config(data.path());
    config.api = ApiConfig { listen: Some("127.0.0.1:0".parse().unwrap()), ..ApiConfig::default() };
    change(&mut config);
    let exposition = exposition();
    let pool = start_with(&sim, config, EvenSolves::default());
    let api = Api::open(pool.view.clone(), pool.admin.clone(), exposition).unwrap().unwrap();
    let address = api.local_addr();
    World { sim, data, pool, api: address, _serving: api.start().unwrap() }
}

/// A hash that costs nothing.
fn cheap_hash(token: &str) -> String {
    let params = argon2::Params::new(8, 1, 1, None).unwrap();
    let argon2 = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    let salt = argon2::password_hash::SaltString::from_b64("c29tZXNhbHQ").unwrap();
    argon2::PasswordHasher::hash_password(&argon2, token.as_bytes(), &salt).unwrap().to_string()
}

/// An answer, taken apart.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!((&problem["type"], &problem["status"]), (&"about:blank".into(), &self.status.into()));
        problem["detail"].as_str().unwrap().to_owned()
    }
}

impl World {
    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut stream = TcpStream::connect(self.api).unwrap();
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut bytes = vec![];
        stream.read_to_end(&mut bytes).unwrap();
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
        Answer { status, headers, body: bytes[end + 4..].to_vec() }
    }

    fn get(&self, path: &str) -> Value {
        let answer = self.ask("GET", path, &[], "");
        assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(&answer.body));
        answer.json()
    }

    /// Ann finds a share and a solution, and the solution lands.
    fn with_a_block(&self) -> Client {
        let mut ann = Client::with_work(self.pool.address, "ann.rig");
        assert_eq!((ann.submit(1), ann.submit(2), ann.submit(2)), (0, 0, 22));
        until("the solution is released", || self.get("/api/v1/pool")["solutions"]["released"] == 1);
        self.sim.produce_block();
        until("the block is shown", || self.get("/api/v1/pool")["blocks"] == 1);
        ann
    }
}

fn one(page: &Value) -> &Value {
    assert_eq!((page["items"].as_array().unwrap().len(), &page["next"]), (1, &Value::Null), "{page}");
    &page["items"][0]
}

#[test]
fn the_pool_its_books_and_its_miners_are_shown() {
    let world = world(|_| {});
    let _ann = world.with_a_block();

    let pool = world.get("/api/v1/pool");
    assert_eq!(
        (&pool["miners"], &pool["workers"], &pool["shares"]["accepted"]),
        (&1.into(), &1.into(), &2.into())
    );
    assert_eq!(pool["shares"]["refused"]["duplicate"], 1);
    assert_eq!(pool["chain"]["synced"], true);
    assert_eq!(pool["sessions"].as_array().unwrap().last().unwrap()["state"], "authorized");
    until("the budget is read", || world.get("/api/v1/budget")[0]["landed"] == 1);
    assert_eq!(world.get("/api/v1/budget")[0]["left"], 999);
    assert_eq!(world.get("/api/v1/health")["parts"][0]["part"], "chain");

    let blocks = world.get("/api/v1/blocks");
    let block = one(&blocks);
    assert_eq!(*block, world.get(&format!("/api/v1/blocks/{}", block["height"])));
    assert_eq!(block["solutions"][0]["finder"], json!({"account": "ann", "worker": "rig"}));
    assert_eq!((&block["round"]["shares"], &block["round"]["work"]), (&2.into(), &"20".into()));
    let dump = world.ask("GET", block["dump"]["url"].as_str().unwrap(), &[], "");
    let file = world.data.path().join("shares").join(block["dump"]["file"].as_str().unwrap());
    assert_eq!(dump.body, std::fs::read(file).unwrap(), "byte for byte");
    assert_eq!(dump.json()["digest"], block["dump"]["digest"]);

    let rounds = world.get("/api/v1/rounds");
    assert_eq!(
        (&rounds["items"][0]["height"], &rounds["items"][1]["height"]),
        (&Value::Null, &block["height"])
    );
    let solutions = world.get("/api/v1/solutions?state=landed");
    assert_eq!(one(&solutions)["height"], block["height"]);
    assert_eq!(one(&solutions)["reason"], format!("it is in block {}", block["height"]));
    assert!(world.get("/api/v1/solutions?state=aborted")["items"].as_array().unwrap().is_empty());

    let ann = world.get("/api/v1/accounts/ann");
    assert_eq!(*one(&world.get("/api/v1/accounts")), ann);
    assert_eq!((&ann["rewards"], &ann["online"], &ann["paid"]), (&block["reward"], &1.into(), &Value::Null));
    assert_eq!(ann["shares"]["refused"], json!({"duplicate": 1}));
    assert_eq!(ann["shares"]["best"], u64::MAX.to_string());
    assert_eq!(world.get("/api/v1/workers"), world.get("/api/v1/accounts/ann/workers"));
    let rewards = world.get("/api/v1/accounts/ann/rewards");
    assert_eq!((&one(&rewards)["height"], &one(&rewards)["dump"]), (&block["height"], &block["dump"]));

    assert_eq!(world.get("/total"), json!({"total": {"ann": block["reward"]}}));
    assert_eq!(world.get("/balance"), json!({"balance": {"ann": {"ann": block["reward"]}}}));
    pay(world.data.path(), block["reward"].as_str().unwrap());
    until("the payment is seen", || world.get("/balance")["balance"]["ann"]["ann"] == "0");
    assert_eq!(world.get("/api/v1/accounts/ann")["paid"], block["reward"]);
    world.pool.stop();
}

fn pay(data: &Path, amount: &str) {
    std::fs::write(data.join("payments.json"), json!({"paid": {"ann": amount}}).to_string()).unwrap();
}

#[test]
fn lists_come_in_pages_in_an_order_that_stays() {
    let world = world(|_| {});
    let clients: Vec<Client> =
        (0..7).map(|number| Client::with_work(world.pool.address, &format!("ann.rig{number}"))).collect();
    until("all are shown", || world.get("/api/v1/pool")["workers"] == 7);
    let (mut seen, mut path) = (vec![], "/api/v1/workers?limit=3".to_owned());
    loop {
        let page = world.get(&path);
        seen.extend(page["items"].as_array().unwrap().iter().map(|one| one["worker"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/v1/workers?limit=3&cursor={next}");
    }
    let expected: Vec<Value> = (0..7).map(|number| format!("rig{number}").into()).collect();
    assert_eq!(seen, expected);
    drop(clients);
    world.pool.stop();
}

#[test]
fn who_has_an_answer_gets_none_and_who_can_unpack_gets_it_packed() {
    let world = world(|config| config.api.cors = vec!["https://pool.example".into()]);
    let document = "/api/v1/openapi.json";
    let plain = world.ask("GET", document, &[], "");
    let tag = plain.header("etag").to_owned();
    let known = world.ask("GET", document, &[("if-none-match", &tag)], "");
    assert_eq!((known.status, known.body.len(), known.header("etag")), (304, 0, tag.as_str()));
    let packed = world.ask("GET", document, &[("accept-encoding", "gzip")], "");
    assert_eq!((packed.header("content-encoding"), packed.header("etag")), ("gzip", tag.as_str()));
    let mut unpacked = vec![];
    flate2::read::GzDecoder::new(&*packed.body).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, plain.body);
    assert!(plain.json()["paths"]["/api/v1/pool"]["get"]["responses"]["default"].is_object());

    let allowed = world.ask("GET", "/api/v1/pool", &[("origin", "https://pool.example")], "");
    assert_eq!(allowed.header("access-control-allow-origin"), "https://pool.example");
    let other = world.ask("GET", "/api/v1/pool", &[("origin", "https://evil.example")], "");
    assert_eq!(other.header("access-control-allow-origin"), "");
    world.pool.stop();
}

#[test]
fn every_error_is_a_problem_that_says_what_to_do() {
    let world = world(|config| config.api.requests_per_minute = 30);
    let missing = world.ask("GET", "/nowhere", &[], "");
    assert_eq!(missing.status, 404);
    assert!(missing.problem().contains("openapi.json"));
    let wrong = world.ask("DELETE", "/api/v1/pool", &[], "");
    assert_eq!((wrong.status, wrong.header("allow")), (405, "GET,HEAD"));
    assert!(wrong.problem().starts_with("DELETE is not possible here"));
    for (path, status) in [
        ("/api/v1/blocks?limit=0", 400),
        ("/api/v1/blocks?limit=many", 400),
        ("/api/v1/blocks?colour=red", 400),
        ("/api/v1/blocks?cursor=xyz", 400),
        ("/api/v1/blocks?cursor=ff", 404),
        ("/api/v1/blocks/-1", 400),
        ("/api/v1/blocks/4294967295", 404),
        ("/api/v1/blocks/1/dump", 404),
        ("/api/v1/accounts/nobody", 404),
        ("/api/v1/events?events=0", 400),
        ("/api/v1/admin/status", 401),
    ] {
        let answer = world.ask("GET", path, &[], "");
        assert_eq!(answer.status, status, "{path}");
        let detail = answer.problem();
        assert!(detail.starts_with(|first: char| !first.is_uppercase()) && !detail.is_empty(), "{detail}");
    }
    let unset = world.ask("GET", "/api/v1/admin/status", &[("authorization", "Bearer x")], "");
    assert_eq!(unset.status, 403);
    let last = (0..40).map(|_| world.ask("GET", "/api/v1/pool", &[], "")).find(|answer| answer.status == 429);
    let last = last.expect("a limit");
    assert!(last.problem().contains("30 requests a minute"));
    assert!(last.header("retry-after").parse::<u64>().unwrap() >= 1);
    world.pool.stop();
}

#[test]
fn the_admin_part_needs_the_token_and_does_what_the_socket_does() {
    let token = "a token of some length";
    let world = world(|config| config.api.admin_token = Some(cheap_hash(token)));
    let admin = |method: &str, path: &str, body: &str| {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        world.ask(method, &format!("/api/v1/admin/{path}"), &headers, body)
    };
    let none = world.ask("GET", "/api/v1/admin/status", &[], "");
    assert_eq!((none.status, none.header("www-authenticate")), (401, "Bearer"));
    assert_eq!(admin("GET", "status", "").json()["ok"], true);
    let mut ann = Client::with_work(world.pool.address, "ann.rig");
    assert_eq!(admin("GET", "sessions", "").json()["sessions"][0]["account"], "ann");
    assert_eq!(admin("GET", "peers", "").json().as_array().unwrap().len(), 2);
    let kicked = admin("POST", "command", r#"{"command":"kick","who":"ann"}"#);
    assert_eq!((kicked.status, &kicked.json()["sessions"]), (200, &1.into()));
    assert!(ann.is_closed());
    let nobody = admin("POST", "command", r#"{"command":"kick","who":"nobody"}"#);
    assert_eq!(nobody.status, 409);
    assert!(nobody.problem().contains("no session matches 'nobody'"));
    let unknown = admin("POST", "command", r#"{"command":"fly"}"#);
    assert_eq!(unknown.status, 400);
    assert!(unknown.problem().starts_with("the order cannot be used (command: unknown variant `fly`"));
    assert_eq!(world.get("/config")["api"]["admin_token"], "***");

    let guess = || world.ask("GET", "/api/v1/admin/bans", &[("authorization", "Bearer guess")], "").status;
    assert_eq!([0; 6].map(|_| guess()), [401, 401, 401, 401, 401, 429]);
    assert_eq!(admin("GET", "bans", "").status, 200, "the admin is not locked out by others");
    world.pool.stop();
}

#[test]
fn listeners_hear_of_ticks_and_of_a_new_block() {
    let world = world(|_| {});
    let mut stream = TcpStream::connect(world.api).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(60))).unwrap();
    stream.write_all(b"GET /api/v1/events HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    assert!(lines.any(|line| line == "event: pool"));
    assert!(lines.any(|line| line == "event: health"));
    let _ann = world.with_a_block();
    assert!(lines.any(|line| line == "event: block"));
    let block: Value = serde_json::from_str(lines.next().unwrap().strip_prefix("data: ").unwrap()).unwrap();
    assert_eq!(block, *one(&world.get("/api/v1/blocks")));
    world.pool.stop();
}

#[test]
fn metrics_hold_the_figures_and_no_name_of_anybody() {
    let world = world(|_| {});
    let _ann = world.with_a_block();
    let text = || String::from_utf8(world.ask("GET", "/metrics", &[], "").body).unwrap();
    // Other tests of this process count into the same recorder.
    until("all is there", || {
        let text = text();
        [
            "pool_shares_total{verdict=\"accepted\"}",
            "pool_solutions_total{state=\"landed\"}",
            "pool_sessions_total{dialect=\"aleostratum\",state=\"authorized\"}",
            "pool_restarts_total{part=\"release\"}",
            "pool_health{part=\"chain\"} 0",
            "pool_bans_total{by=\"pool\",of=\"address\"}",
            "pool_evaluator_mismatches_total",
            "pool_webhook_messages_total{outcome=\"dropped\"}",
            "pool_verification_seconds_bucket{le=\"+Inf\"}",
            "pool_ack_seconds_count",
            "pool_fsync_seconds_sum",
        ]
        .iter()
        .all(|figure| text.contains(figure))
    });
    let text = text();
    assert!(text.lines().any(|line| line.starts_with("# HELP pool_ack_seconds ")));
    for name in ["ann", "rig", "127.0.0.1", "t/1", "aleo1"] {
        assert!(!text.contains(name), "{name} in the metrics");
    }
    world.pool.stop();
}

#[test]
fn messages_to_webhooks_are_counted() {
    let receiver = Receiver::start(&[]);
    let (url, events) = (receiver.url(), [EventKind::Found].into());
    let world = world(|config| config.webhooks = vec![WebhookConfig { url, secret: None, events }]);
    let none = json!({"delivered": 0, "failed": 0, "dropped": 0});
    assert_eq!(world.get("/api/v1/pool")["webhooks"], none);
    let mut ann = Client::with_work(world.pool.address, "ann.rig");
    // Finds from before the first look are not sent.
    until("one is delivered", || {
        ann.submit(2 * u64::from(rand::random::<u32>()));
        world.get("/api/v1/pool")["webhooks"]["delivered"].as_u64() > Some(0)
    });
    assert!(!receiver.messages().is_empty());
    world.pool.stop();
}

#[test]
fn a_port_that_is_taken_ends_the_start_with_what_to_do() {
    let world = world(|_| {});
    let data = tempfile::tempdir().unwrap();
    let mut config = config(data.path());
    config.api = ApiConfig { listen: Some(world.api), ..ApiConfig::default() };
    let second = start_with(&world.sim, config, EvenSolves::default());
    let refused =
        Api::open(second.view.clone(), second.admin.clone(), exposition()).err().expect("the port is taken");
    let text = format!("{refused:#}");
    let expected =
        format!("cannot listen on {}; stop what uses it or choose another --pool-api: ", world.api);
    assert!(text.starts_with(&expected), "{text}");
    second.stop();
    world.pool.stop();
}
