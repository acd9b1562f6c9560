//! Webhooks against a receiver that fails in all possible ways.

use std::{
    net::TcpListener,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use pool_core::types::Network;
use pool_plugin::operate::{
    config::Config,
    webhooks::{
        Counters, Event, EventKind, Sender, WebhookConfig,
        delivery::{Delivery, Pace},
        event::Happening,
        sign::signature,
    },
};
use rustls::{
    ServerConfig, ServerConnection,
    crypto::ring,
    pki_types::{PrivateKeyDer, pem::PemObject},
};
use serde_json::json;

use crate::{
    pool_support::{Client, EvenSolves, chain, config, start_with, until},
    receiver::{Answer, Receiver},
};

const SECRET: &[u8] = b"a secret of twenty-four b";

fn webhook(url: String) -> WebhookConfig {
    WebhookConfig { url, secret: Some(SECRET.to_vec()), events: EventKind::ALL.into() }
}

/// A webhook with short timeouts.
fn deliver(url: String) -> (Delivery, Arc<Counters>) {
    let pace = Pace {
        capacity: 4,
        timeout: Duration::from_millis(500),
        first_pause: Duration::from_millis(10),
        old: Duration::from_secs(600),
    };
    let counters = Arc::new(Counters::default());
    (Delivery::start_at(webhook(url), counters.clone(), pace).unwrap(), counters)
}

fn event(number: usize) -> Event {
    let sender = Sender { network: Network::Testnet, addresses: vec!["aleo1pool".into()] };
    sender.event(Happening { kind: EventKind::Health, data: json!({"number": number}) })
}

fn numbers(receiver: &Receiver) -> Vec<u64> {
    receiver.messages().iter().map(|message| message.body["data"]["number"].as_u64().unwrap()).collect()
}

#[test]
fn a_message_says_what_when_and_who_and_is_signed() {
    let receiver = Receiver::start(&[]);
    let (delivery, counters) = deliver(receiver.url());
    let event = event(7);
    delivery.tell(&event);
    until("it is delivered", || counters.delivered.load(Relaxed) == 1);
    let message = &receiver.messages()[0];
    assert_eq!(
        message.body,
        json!({"id": event.id, "time_ms": event.time_ms, "event": "health", "network": "testnet",
            "addresses": ["aleo1pool"], "data": {"number": 7}})
    );
    assert_eq!(message.headers["webhook-id"], event.id);
    let seconds = message.headers["webhook-timestamp"].parse().unwrap();
    assert_eq!(
        Some(&message.headers["webhook-signature"]),
        signature(SECRET, &event.id, seconds, &message.text).as_ref()
    );
}

#[test]
fn what_is_not_taken_is_sent_again_with_the_same_id_and_in_order() {
    let answers = [Answer::Status(500), Answer::Status(302), Answer::Silence, Answer::Status(429)];
    let receiver = Receiver::start(&answers);
    let (delivery, counters) = deliver(receiver.url());
    (0..3).for_each(|number| delivery.tell(&event(number)));
    until("all are delivered", || counters.delivered.load(Relaxed) == 3);
    assert_eq!(numbers(&receiver), [0, 0, 0, 0, 0, 1, 2]);
    let ids: std::collections::BTreeSet<_> =
        receiver.messages().iter().map(|message| message.body["id"].to_string()).collect();
    assert_eq!(ids.len(), 3);
    assert!(delivery.trouble().is_none());
}

#[test]
fn a_receiver_that_is_down_costs_messages_beyond_the_queue_and_is_told_how_many() {
    let address = Receiver::start(&[]).stop();
    let (delivery, counters) = deliver(format!("http://{address}/hook"));
    delivery.tell(&event(0));
    until("it is in trouble", || delivery.trouble().is_some());
    // One is being sent, four wait; the queue is full and nothing is delayed.
    (1..11).for_each(|number| delivery.tell(&event(number)));
    assert_eq!(counters.dropped.load(Relaxed), 6);
    let trouble = delivery.trouble().unwrap();
    assert_eq!(trouble.waiting, 5, "{trouble:?}");

    // An attempt that began before the last message was dropped does not count it.
    let refusing = Receiver::at(address, &[Answer::Status(500); 100]);
    until("it says how many", || refusing.messages().iter().any(|message| message.body["dropped"] == 6));
    let receiver = Receiver::at(refusing.stop(), &[]);
    until("what waited is delivered", || counters.delivered.load(Relaxed) == 5);
    assert_eq!(numbers(&receiver), [0, 1, 2, 3, 4]);
    let dropped: Vec<_> = receiver.messages().iter().map(|message| message.body["dropped"].clone()).collect();
    assert_eq!(dropped[0], 6);
    assert!(dropped[1..].iter().all(serde_json::Value::is_null), "reported once: {dropped:?}");
}

#[test]
fn a_restarted_receiver_gets_what_it_missed() {
    let receiver = Receiver::start(&[]);
    let (delivery, counters) = deliver(receiver.url());
    delivery.tell(&event(0));
    until("the first is delivered", || counters.delivered.load(Relaxed) == 1);
    let address = receiver.stop();
    (1..3).for_each(|number| delivery.tell(&event(number)));
    until("it is in trouble", || delivery.trouble().is_some());
    let receiver = Receiver::at(address, &[]);
    until("all are delivered", || counters.delivered.load(Relaxed) == 3);
    assert_eq!(numbers(&receiver), [1, 2]);
}

#[test]
fn a_message_that_nobody_wants_for_too_long_is_given_up() {
    let receiver = Receiver::start(&[Answer::Status(400)]);
    let counters = Arc::new(Counters::default());
    let pace = Pace { old: Duration::ZERO, ..Pace::default() };
    let delivery = Delivery::start_at(webhook(receiver.url()), counters.clone(), pace).unwrap();
    delivery.tell(&event(0));
    delivery.tell(&event(1));
    until("the second is delivered", || counters.delivered.load(Relaxed) == 1);
    assert_eq!(counters.failed.load(Relaxed), 1);
    assert_eq!(numbers(&receiver), [0, 1]);
}

#[test]
fn only_what_was_asked_for_is_sent() {
    let receiver = Receiver::start(&[]);
    let config =
        WebhookConfig { events: [EventKind::Landed].into(), secret: None, ..webhook(receiver.url()) };
    let counters = Arc::new(Counters::default());
    let delivery = Delivery::start(config, counters.clone()).unwrap();
    delivery.tell(&event(0));
    let sender = Sender { network: Network::Testnet, addresses: vec![] };
    delivery.tell(&sender.event(Happening { kind: EventKind::Landed, data: json!({"number": 1}) }));
    until("one is delivered", || counters.delivered.load(Relaxed) == 1);
    assert_eq!(numbers(&receiver), [1]);
    assert!(!receiver.messages()[0].headers.contains_key("webhook-signature"), "there is no secret");
}

/// Accepts one connection after the other and begins TLS with an unsigned certificate.
fn impostor() -> std::net::SocketAddr {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".into(), "localhost".into()]).unwrap();
    let key = PrivateKeyDer::from_pem_slice(made.signing_key.serialize_pem().as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0").unwrap());
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut session = ServerConnection::new(config.clone()).unwrap();
            // Until the caller has seen enough.
            while session.complete_io(&mut stream).is_ok_and(|moved| moved != (0, 0)) {}
        }
    });
    address
}

#[test]
fn a_receiver_with_a_certificate_of_its_own_making_is_told_nothing() {
    let address = impostor();
    let (delivery, counters) = deliver(format!("https://localhost:{}/hook", address.port()));
    delivery.tell(&event(0));
    until("it is in trouble", || delivery.trouble().is_some());
    assert!(delivery.trouble().unwrap().why.starts_with("TLS: "), "{:?}", delivery.trouble());
    assert_eq!(counters.delivered.load(Relaxed), 0);
}

#[test]
fn a_pool_tells_of_a_find_and_of_the_block_it_landed_in() {
    let (sim, data, receiver) = (chain(), tempfile::tempdir().unwrap(), Receiver::start(&[]));
    let config = Config { webhooks: vec![webhook(receiver.url())], ..config(data.path()) };
    let pool = start_with(&sim, config, EvenSolves::default());
    let mut ann = Client::with_work(pool.address, "ann.rig");
    // The first look sends nothing: it only sets the start.
    until("the webhooks are watched", || {
        pool.health.borrow().0.contains_key(&pool_core::health::Part::Webhooks)
    });
    assert_eq!(ann.submit(2), 0);
    let of = |kind: &str| {
        let found = receiver.messages().into_iter().find(|message| message.body["event"] == kind);
        found.map(|message| message.body)
    };
    until("the find is reported", || of("found").is_some());
    sim.produce_block();
    until("the block is reported", || of("landed").is_some());
    let (found, landed) = (of("found").unwrap(), of("landed").unwrap());
    assert_eq!((&found["data"]["account"], &found["data"]["worker"]), (&"ann".into(), &"rig".into()));
    assert_eq!(landed["data"]["solutions"][0]["id"], found["data"]["id"]);
    assert_eq!(landed["data"]["reward"], landed["data"]["solutions"][0]["reward"]);
    let dump = data.path().join("shares").join(landed["data"]["dump"].as_str().unwrap());
    until("its dump is there", || dump.exists());
    pool.stop();
}
