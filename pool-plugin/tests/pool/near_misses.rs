//! Counters that just missed the proof target survive a restart: when it falls they are solutions.

use pool_core::types::Network;
use pool_plugin::ledger::ShareLedger;
use tempfile::tempdir;

use crate::pool_support::{Client, EvenSolves, OURS, chain, start, until};

#[test]
fn near_misses_of_before_a_restart_become_solutions_when_the_proof_target_falls() {
    let (sim, data) = (chain(), tempdir().unwrap());
    let data = data.path();
    let pool = start(&sim, data, EvenSolves::default());
    let mut miner = Client::with_work(pool.address, "ann.rig");
    assert_eq!(miner.submit(2), 0, "a solution, which is recorded");
    assert_eq!(miner.submit(11), 0, "reaches 15, of the 100 it takes");
    until("the solution is offered", || !sim.mempool().is_empty());
    sim.produce_block();
    pool.stop();

    let pool = start(&sim, data, EvenSolves::default());
    // Only the fall may make it a solution, whether the near miss or the fall is read first.
    sim.set_proof_target(15);
    sim.produce_block();
    let missed = sim.solution(OURS, 11, 15);
    until("it goes out", || sim.mempool().iter().any(|waiting| waiting.id() == missed.id()));
    assert_eq!(sim.mempool().len(), 1, "what has landed is not sent again");
    pool.stop();
    let ledger = ShareLedger::open(&data.join("db"), Network::Testnet).unwrap();
    let record = ledger.solution(missed.id()).unwrap().unwrap();
    assert_eq!(record.finder.unwrap().account, "ann");
}
