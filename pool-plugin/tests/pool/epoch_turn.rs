//! The whole pool at a change of epoch, on the simulated chain: the next epoch's job is sent with the last
//! block, and shares and finds of both epochs are kept apart until the change.

use std::{collections::BTreeMap, path::Path, sync::Arc, thread::sleep, time::Duration};

use pool_core::{
    chain::{Block, sim::SimChain},
    types::{Address, Network, Solution},
};
use pool_plugin::{
    ledger::{ShareLedger, records::SolutionState},
    operate::config::Config,
    release::policy::Policy,
};
use tempfile::tempdir;

use crate::pool_support::{
    Client, EvenSolves, OURS, Running, chain, config, dumps, start, start_with, until,
};

const SECOND: Address = Address([8; 32]);
const LAST: u32 = 359;

/// Long enough for the release queue's check of the peers, once a second.
fn a_while() {
    sleep(Duration::from_millis(1_500));
}

fn of(epoch: u32, counter: u64) -> Solution {
    SimChain::solution_of(epoch, OURS, counter, u64::MAX)
}

fn offered(sim: &SimChain, solution: &Solution) -> bool {
    sim.mempool().iter().any(|waiting| waiting.id() == solution.id())
}

/// How often it was sent to the first validator.
fn sent(sim: &SimChain, solution: &Solution) -> usize {
    let peer = "127.0.0.1:1".parse().unwrap();
    sim.received(peer).iter().filter(|(_, id)| *id == solution.id()).count()
}

fn counters(block: &Block) -> Vec<u64> {
    block.solutions.iter().map(|landed| landed.solution.counter).collect()
}

fn why(pool: &Running, solution: &Solution) -> String {
    let page = pool.view.solutions(None, None, 100).unwrap();
    let id = solution.id().to_string();
    page.items.into_iter().find(|one| one.id == id).map_or_else(String::new, |one| one.reason)
}

/// The counters of the shares of each epoch, as they were accepted.
fn stored(data: &Path) -> BTreeMap<u32, Vec<u64>> {
    let ledger = ShareLedger::open(&data.join("db"), Network::Testnet).unwrap();
    let mut stored: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
    for row in ledger.shares(1, u64::MAX) {
        let key = row.unwrap().1.key;
        stored.entry(key.epoch).or_default().push(key.counter);
    }
    stored
}

#[test]
fn a_turn_with_late_blocks_a_restart_and_finds_in_between_loses_and_doubles_nothing() {
    let (sim, data) = (chain(), tempdir().unwrap());
    let data = data.path();
    let pool = start(&sim, data, EvenSolves::default());
    let mut miner = Client::with_work(pool.address, "ann.rig");
    let old = miner.job.clone();
    assert_eq!(miner.submit(1), 0);
    sim.jump_to(LAST);
    miner.next_job();
    let new = miner.job.clone();
    assert_ne!(old, new);

    // The next block is late. A counter is another share, and another find, in each epoch.
    for job in [&old, &new] {
        assert_eq!([2, 3, 3].map(|counter| miner.submit_for(job, counter)), [0, 0, 22]);
    }
    assert_eq!(miner.submit_for(&old, 1), 22);
    assert_eq!(miner.submit_for(&new, 1), 0);
    until("the old find is offered", || offered(&sim, &of(0, 2)));
    until("the new one waits", || why(&pool, &of(1, 2)).contains("its epoch begins with the next block"));
    let chain_view = pool.view.latest().pool.chain.clone();
    assert_eq!((chain_view.epoch, chain_view.job_epoch, chain_view.blocks_left), (Some(0), Some(1), Some(1)));
    pool.stop();

    // A restart on the last block: work continues where it was.
    let pool = start(&sim, data, EvenSolves::default());
    let mut miner = Client::with_work(pool.address, "ann.rig");
    assert_eq!(miner.job, new, "the first job is the next epoch's");
    for job in [&old, &new] {
        assert_eq!([1, 2, 3].map(|counter| miner.submit_for(job, counter)), [22; 3], "{job}");
        assert_eq!(miner.submit_for(job, 5), 0, "{job}");
    }
    assert_eq!(miner.submit_for(&new, 4), 0);
    a_while();
    assert_eq!(
        (sent(&sim, &of(1, 2)), sent(&sim, &of(1, 4))),
        (0, 0),
        "a validator would refuse it for good"
    );

    let turn = sim.produce_block();
    assert_eq!((turn.height, counters(&turn)), (360, vec![2]), "the last of the old epoch");
    until("the new ones go out", || offered(&sim, &of(1, 2)) && offered(&sim, &of(1, 4)));
    until("the old epoch is over", || miner.submit_for(&old, 7) == 21);
    assert_eq!(miner.submit_for(&new, 7), 0);
    assert_eq!(miner.submit_for(&new, 5), 22);
    let mut landed = counters(&sim.produce_block());
    landed.sort_unstable();
    assert_eq!(landed, [2, 4]);
    until("both blocks are dumped", || dumps(data).len() == 2);
    a_while();
    assert_eq!((sent(&sim, &of(1, 2)), sent(&sim, &of(1, 4))), (1, 1), "never twice");
    pool.stop();

    assert_eq!(stored(data), BTreeMap::from([(0, vec![1, 2, 3, 5]), (1, vec![2, 3, 1, 5, 4, 7])]));
    let ledger = ShareLedger::open(&data.join("db"), Network::Testnet).unwrap();
    for (solution, epoch, at) in [(of(0, 2), 0, 360), (of(1, 2), 1, 361), (of(1, 4), 1, 361)] {
        let record = ledger.solution(solution.id()).unwrap().unwrap();
        assert_eq!(record.epoch, epoch);
        assert!(matches!(record.state, SolutionState::Landed { height, .. } if height == at), "{record:?}");
        assert_eq!(record.finder.unwrap().account, "ann");
    }
}

#[test]
fn a_near_miss_of_before_the_turn_outlives_a_restart() {
    let (sim, data) = (chain(), tempdir().unwrap());
    let pool = start(&sim, data.path(), EvenSolves::default());
    let mut miner = Client::with_work(pool.address, "ann.rig");
    let old = miner.job.clone();
    sim.jump_to(LAST);
    miner.next_job();
    let new = miner.job.clone();
    assert_eq!(miner.submit(11), 0, "reaches 15, of the 100 it takes");
    // Many shares of the old epoch come after it.
    for number in 0..40 {
        assert_eq!(miner.submit_for(&old, 2 * number + 1), 0);
    }
    assert_eq!(miner.submit_for(&new, 13), 0);
    sim.produce_block();
    pool.stop();

    let pool = start(&sim, data.path(), EvenSolves::default());
    sim.set_proof_target(15);
    sim.produce_block();
    let missed = [11, 13].map(|counter| SimChain::solution_of(1, OURS, counter, 15));
    until("they go out", || missed.iter().all(|one| offered(&sim, one)));
    assert_eq!(sim.mempool().len(), 2, "the old epoch's are worth nothing");
    pool.stop();
}

#[test]
fn no_next_block_for_long_costs_nothing() {
    let (sim, data) = (chain(), tempdir().unwrap());
    let pool = start(&sim, data.path(), EvenSolves::default());
    let mut miner = Client::with_work(pool.address, "ann.rig");
    let old = miner.job.clone();
    sim.jump_to(LAST - 1);
    sim.produce_block();
    miner.next_job();
    assert_eq!(miner.submit_for(&old, 2), 0, "the old epoch is open");
    until("its find is offered", || offered(&sim, &of(0, 2)));
    let new = miner.job.clone();
    assert_ne!(new, old);
    // The chain stands still.
    for number in 2..50 {
        assert_eq!(miner.submit_for(&new, 2 * number), 0);
        assert_eq!(miner.submit_for(&old, 2 * number + 1), 0);
    }
    let mut late = Client::with_work(pool.address, "bob.rig");
    assert_eq!(late.job, new);
    assert_eq!(late.submit(3), 0);
    a_while();
    assert_eq!(sim.mempool(), [of(0, 2)], "nothing of the new epoch goes out");
    sim.produce_block();
    until("the finds of the halt go out", || sim.mempool().len() == 48);
    pool.stop();
}

/// The node sees block 361 directly after 358.
#[test]
fn an_epoch_whose_edge_is_skipped_turns_as_ever() {
    let (sim, data) = (chain(), tempdir().unwrap());
    let pool = start(&sim, data.path(), EvenSolves::default());
    let mut miner = Client::with_work(pool.address, "ann.rig");
    let old = miner.job.clone();
    sim.jump_to(LAST - 1);
    assert_eq!(miner.submit(1), 0);
    sim.jump_to(361);
    miner.next_job();
    assert_eq!(miner.submit_for(&old, 3), 21);
    assert_eq!(miner.submit(2), 0);
    until("its find is offered", || offered(&sim, &of(1, 2)));
    // The job comes with the last block, the first block is skipped.
    sim.jump_to(719);
    miner.next_job();
    assert_eq!(miner.submit(2), 0);
    sim.jump_to(725);
    until("its find is offered", || offered(&sim, &of(2, 2)));
    pool.stop();
}

/// Places of two addresses: the next epoch's are assigned with its jobs, and taken by its finds.
#[test]
fn miners_are_spread_by_the_places_of_the_epoch_they_work_for() {
    let sim: Arc<SimChain> = chain();
    let data = tempdir().unwrap();
    let set_limits = |first, second| {
        sim.set_limit(OURS, first);
        sim.set_limit(SECOND, second);
    };
    set_limits(1, 3);
    let addresses = vec![OURS, SECOND];
    let config = Config { addresses, release: Policy::Immediate, ..config(data.path()) };
    let pool = start_with(&sim, config, EvenSolves::default());
    let mut miners: Vec<Client> =
        (0..8).map(|number| Client::with_work(pool.address, &format!("ann.rig{number}"))).collect();
    let spread = |miners: &[Client]| {
        let of = |address: Address| miners.iter().filter(|one| one.address == address.to_string()).count();
        (of(OURS), of(SECOND))
    };
    assert_eq!(spread(&miners), (2, 6), "as 1 to 3");
    // The first address lands all it may in this epoch.
    let first = miners.iter().position(|miner| miner.address == OURS.to_string()).unwrap();
    assert_eq!(miners[first].submit(2), 0);
    until("it is offered", || !sim.mempool().is_empty());
    sim.produce_block();
    for miner in miners.iter_mut().filter(|miner| miner.address == OURS.to_string()) {
        miner.next_job();
    }
    assert_eq!(spread(&miners), (0, 8));

    // With the last block it has its places of the next epoch.
    sim.jump_to(LAST);
    for miner in &mut miners {
        miner.next_job();
    }
    assert_eq!(spread(&miners), (2, 6));
    // A waiting find takes the only place: no miner keeps working for that address.
    let first = miners.iter().position(|miner| miner.address == OURS.to_string()).unwrap();
    assert_eq!(miners[first].submit(2), 0);
    for miner in miners.iter_mut().filter(|miner| miner.address == OURS.to_string()) {
        miner.next_job();
    }
    assert_eq!(spread(&miners), (0, 8));
    // The new epoch itself moves nobody.
    sim.produce_block();
    until("the find goes out", || offered(&sim, &of(1, 2)));
    a_while();
    for (number, miner) in miners.iter_mut().enumerate() {
        let job = miner.job.clone();
        assert_eq!(miner.submit(2 * number as u64 + 101), 0);
        assert_eq!(miner.job, job, "no job came before the answer");
    }
    pool.stop();
}
