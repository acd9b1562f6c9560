//! A pool with two addresses, each with its own stake, on the simulated chain: which miner works for which,
//! and what happens to counters mined for the other.

use std::{collections::BTreeMap, path::Path, sync::Arc, thread::sleep, time::Duration};

use pool_core::{
    chain::sim::SimChain,
    types::{Address, Network, Solution},
};
use pool_plugin::{
    books::dump,
    ledger::{ShareLedger, records::SolutionState},
    operate::config::Config,
    release::policy::Policy,
};
use tempfile::tempdir;

use crate::pool_support::{Client, EvenSolves, OURS, Running, config, dumps, start_with, until};

const SECOND: Address = Address([8; 32]);

/// `first` and `second` may land this many per epoch.
fn chain(first: u64, second: u64) -> Arc<SimChain> {
    let sim = SimChain::new();
    sim.connect_validator(1);
    sim.connect_validator(2);
    set_limits(&sim, first, second);
    sim.produce_block();
    sim
}

fn set_limits(sim: &SimChain, first: u64, second: u64) {
    sim.set_limit(OURS, first);
    sim.set_limit(SECOND, second);
}

fn of_two(data: &Path) -> Config {
    Config { addresses: vec![OURS, SECOND], release: Policy::Immediate, ..config(data) }
}

fn miners(pool: &Running, count: usize) -> Vec<Client> {
    (0..count).map(|number| Client::with_work(pool.address, &format!("ann.rig{number}"))).collect()
}

/// How many miners work for the first address, and for the second.
fn spread(miners: &[Client]) -> (usize, usize) {
    let of = |address: Address| miners.iter().filter(|miner| miner.address == address.to_string()).count();
    (of(OURS), of(SECOND))
}

/// A solution of the current epoch, from the pool's evaluator.
fn solution(sim: &SimChain, address: Address, counter: u64) -> Solution {
    sim.solution(address, counter, u64::MAX)
}

fn offered(sim: &SimChain, solution: &Solution) -> bool {
    sim.mempool().iter().any(|waiting| waiting.id() == solution.id())
}

/// Long enough for the release queue's check of the peers, once a second.
fn a_while() {
    sleep(Duration::from_millis(1_500));
}

#[test]
fn miners_go_by_what_is_left_and_change_on_exhaustion_or_with_the_epoch_only() {
    let (sim, data) = (chain(1, 3), tempdir().unwrap());
    let evaluator = EvenSolves { high_solve_for: Some(OURS), ..EvenSolves::default() };
    let pool = start_with(&sim, of_two(data.path()), evaluator);
    let mut miners = miners(&pool, 8);
    assert_eq!(spread(&miners), (2, 6), "as 1 to 3");
    let first = miners.iter().position(|miner| miner.address == OURS.to_string()).unwrap();
    let second = miners.iter().position(|miner| miner.address == SECOND.to_string()).unwrap();

    // An address has less left than before, and nobody moves.
    assert_eq!(miners[second].submit(2), 0);
    until("it is offered", || offered(&sim, &solution(&sim, SECOND, 2)));
    sim.produce_block();
    a_while();
    for (number, miner) in miners.iter_mut().enumerate() {
        assert_eq!(miner.submit(2 * number as u64 + 1), 0);
    }
    assert_eq!(spread(&miners), (2, 6));

    // It has nothing left: its miners get a job for the other one, and no others do.
    let old_job = miners[first].job.clone();
    assert_eq!(miners[first].submit(4), 0);
    until("it is offered", || offered(&sim, &solution(&sim, OURS, 4)));
    for miner in miners.iter_mut().filter(|miner| miner.address == OURS.to_string()) {
        miner.next_job();
        assert_eq!(miner.address, SECOND.to_string());
    }
    assert_eq!(miners[second].submit(101), 0);
    assert_eq!(spread(&miners), (0, 8));

    // A counter mined for the other address is judged and credited for it, and waits for a place there.
    assert_eq!(miners[first].submit_for(&old_job, 101), 0, "another address: not a duplicate");
    assert_eq!(miners[first].submit_for(&old_job, 1_000_006), 0);
    // This one names no job of the session, and only solves the puzzle of its previous address.
    assert_ne!(miners[first].submit_for("ffffff7f", 1_000_008), 0);
    a_while();
    for late in [1_000_006, 1_000_008] {
        assert!(!offered(&sim, &solution(&sim, OURS, late)), "above the budget nothing is sent");
    }
    sim.produce_block_with(&[], &[solution(&sim, OURS, 4).id()]);
    until("the free place is used", || offered(&sim, &solution(&sim, OURS, 1_000_006)));
    a_while();
    assert!(!offered(&sim, &solution(&sim, OURS, 1_000_008)), "there was one");
    sim.produce_block_with(&[], &[solution(&sim, OURS, 1_000_006).id()]);
    until("the rescued one goes out too", || offered(&sim, &solution(&sim, OURS, 1_000_008)));

    // Stakes have changed by the next epoch.
    set_limits(&sim, 6, 2);
    sim.jump_to(360);
    for miner in &mut miners {
        miner.next_job();
    }
    assert_eq!(spread(&miners), (6, 2));
    pool.stop();

    let ledger = ShareLedger::open(&data.path().join("db"), Network::Testnet).unwrap();
    let key_of = |counter: u64| {
        let shares = ledger.shares(1, u64::MAX).map(|row| row.unwrap().1.key);
        shares.filter(|key| key.counter == counter).map(|key| key.address).collect::<Vec<_>>()
    };
    assert_eq!(key_of(101), [SECOND, OURS]);
    assert_eq!(key_of(1_000_006), [OURS]);
    let record = ledger.solution(solution_of(0, OURS, 1_000_006).id()).unwrap().unwrap();
    assert!(matches!(record.state, SolutionState::Aborted { .. }), "{record:?}");
}

fn solution_of(epoch: u32, address: Address, counter: u64) -> Solution {
    Solution { epoch_hash: SimChain::epoch_hash(epoch), address, counter, target: u64::MAX }
}

#[test]
fn a_block_with_solutions_of_both_is_one_round_and_all_addresses_are_scanned_for() {
    let (sim, data) = (chain(100, 100), tempdir().unwrap());
    let data = data.path();
    let pool = start_with(&sim, of_two(data), EvenSolves::default());
    let mut miners = miners(&pool, 2);
    assert_eq!(spread(&miners), (1, 1));
    for miner in &mut miners {
        assert_eq!(miner.submit(2), 0, "the same counter, for another address");
    }
    until("both are offered", || sim.mempool().len() == 2);
    let both = sim.produce_block();
    until("the block is dumped", || dumps(data).len() == 1);
    let dump = &dumps(data)[0];
    let paid: u64 = both.solutions.iter().map(|landed| landed.reward).sum();
    assert_eq!(dump["total_reward"], paid.to_string());
    let addresses: Vec<_> = dump["solutions"].as_array().unwrap().iter().map(|one| &one["address"]).collect();
    assert_eq!(addresses.len(), 2);
    assert_ne!(addresses[0], addresses[1]);
    assert_eq!(dump["pool_address"], *addresses[0]);
    assert_eq!(dump["total_shares"], 2);
    // On its way when the pool stops.
    assert_eq!(miners[0].submit(4), 0);
    until("it is offered", || !sim.mempool().is_empty());
    let on_its_way = sim.mempool()[0].address;
    pool.stop();

    // A landing without a recorded find, while the pool was away.
    let unseen = solution(&sim, SECOND, 77);
    sim.produce_block_with(&[unseen], &[]);
    // One that was released for an address that is no longer configured.
    let left = if on_its_way == OURS { SECOND } else { OURS };
    let pool = start_with(&sim, Config { addresses: vec![left], ..of_two(data) }, EvenSolves::default());
    sim.produce_block();
    until("the released one is accounted", || {
        dumps(data)
            .iter()
            .any(|dump| dump["pool_address"] == on_its_way.to_string() && dump["height"] == sim.tip())
    });
    pool.stop();
    let found: BTreeMap<u64, String> = dumps(data)
        .iter()
        .map(|dump| (dump["height"].as_u64().unwrap(), dump["pool_address"].as_str().unwrap().to_owned()))
        .collect();
    assert_eq!(found.len(), 3, "{found:?}");
    let paths: Vec<_> =
        std::fs::read_dir(data.join("shares")).unwrap().map(|file| file.unwrap().path()).collect();
    let summary = dump::verify::run(&paths, Some(data), None, &mut Vec::new()).unwrap();
    assert_eq!((summary.wrong, summary.unknown), (0, 0));
}
