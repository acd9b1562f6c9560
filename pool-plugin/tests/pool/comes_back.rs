//! What miners resume when the pool comes back.

use pool_plugin::operate::config::Config;
use serde_json::{Value, json};

use crate::pool_support::{Client, EvenSolves, chain, config, start_with};

/// A fast miner submits until its target has risen; returns that target.
fn mine(client: &mut Client, first_counter: u64) -> u64 {
    for n in 0..8 {
        assert_eq!(client.submit(first_counter + 2 * n), 0);
    }
    client.target
}

#[test]
fn a_restart_is_no_way_to_a_low_start_and_a_session_goes_on() {
    let (sim, data) = (chain(), tempfile::tempdir().unwrap());
    sim.set_proof_target(1 << 40);
    sim.produce_block();
    let following = || Config { fixed_share_target: None, ..config(data.path()) };

    let pool = start_with(&sim, following(), EvenSolves::default());
    let mut client = Client::with_work(pool.address, "ann.rig");
    let start = client.target;
    let raised = mine(&mut client, 0);
    assert_eq!(start, 10);
    assert!(raised > 100, "{raised}");
    let session = client.session.clone();
    pool.stop();

    let pool = start_with(&sim, following(), EvenSolves::default());
    let client = Client::resuming(pool.address, "ann.rig", session[0].clone());
    assert_eq!(client.session, session, "the same id and prefix");
    assert!(client.target > raised / 4, "{} after {raised}", client.target);
    let stranger = Client::resuming(pool.address, "ann.other", json!("00".repeat(16)));
    assert_ne!(stranger.session[0], Value::Null);
    assert_ne!(stranger.session[1], session[1]);
    assert_eq!(stranger.target, 10);
    pool.stop();
}
