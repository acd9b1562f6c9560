//! The whole pool, from socket to dump, on a simulated chain.

use std::sync::atomic::AtomicBool;

use serde_json::json;

use crate::pool_support::{Client, EvenSolves, OURS, chain, dumps, start, until};

#[test]
fn a_counter_becomes_a_share_a_solution_a_block_and_a_dump() {
    let (sim, data) = (chain(), tempfile::tempdir().unwrap());
    let pool = start(&sim, data.path(), EvenSolves::default());
    let mut client = Client::with_work(pool.address, "ann.rig");
    assert_eq!(client.submit(1), 0, "a share");
    assert_eq!(client.submit(2), 0, "a share that is a solution");
    assert_eq!(client.submit(2), 22, "a duplicate");

    until("the solution is offered", || !sim.mempool().is_empty());
    let block = sim.produce_block();
    assert_eq!(block.solutions.len(), 1);
    until("the block is dumped", || dumps(data.path()).len() == 1);
    let dump = &dumps(data.path())[0];
    assert_eq!(dump["height"], block.height);
    assert_eq!(dump["solutions"][0]["finder"], json!({"account": "ann", "worker": "rig"}));
    assert_eq!(dump["solutions"][0]["reward"], block.solutions[0].reward.to_string());
    assert_eq!(dump["total_shares"], 2);
    assert_eq!(dump["total_credit"], "20", "two shares of the assigned target");
    assert_eq!(sim.balance(&OURS), block.solutions[0].reward);
    pool.stop();

    let pool = start(&sim, data.path(), EvenSolves::default());
    let mut client = Client::with_work(pool.address, "ann.rig");
    assert_eq!(client.submit(1), 22, "a duplicate after a restart");
    assert_eq!(client.submit(2), 22);
    assert_eq!(client.submit(3), 0);
    pool.stop();
    assert_eq!(dumps(data.path()).len(), 1, "a restart dumps nothing twice");
}

#[test]
fn a_landing_while_the_pool_was_away_is_dumped_when_it_is_back() {
    let (sim, data) = (chain(), tempfile::tempdir().unwrap());
    let pool = start(&sim, data.path(), EvenSolves::default());
    let mut client = Client::with_work(pool.address, "ann.rig");
    assert_eq!(client.submit(4), 0);
    until("the solution is offered", || !sim.mempool().is_empty());
    pool.stop();

    let landed = sim.produce_block().height;
    sim.produce_block();
    let pool = start(&sim, data.path(), EvenSolves::default());
    until("the missed block is dumped", || dumps(data.path()).len() == 1);
    assert_eq!(dumps(data.path())[0]["height"], landed);
    pool.stop();
}

#[test]
fn a_panic_in_the_puzzle_costs_one_share_and_nothing_else() {
    let (sim, data) = (chain(), tempfile::tempdir().unwrap());
    let evaluator = EvenSolves { panic_once: AtomicBool::new(true), ..EvenSolves::default() };
    let pool = start(&sim, data.path(), evaluator);
    let mut client = Client::with_work(pool.address, "ann.rig");
    assert_eq!(client.submit(6), 20, "the evaluation panicked");
    assert_eq!(client.submit(6), 0, "the counter is free again");
    pool.stop();
}
