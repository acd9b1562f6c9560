use std::time::Duration;

use super::{peers::HANDSHAKE, *};
use crate::types::BLOCKS_PER_EPOCH;

const OURS: Address = Address([7; 32]);
const OTHERS: Address = Address([9; 32]);

async fn validator(chain: &SimChain, port: u16) -> SocketAddr {
    let address = chain.connect_validator(port);
    tokio::time::advance(HANDSHAKE).await;
    address
}

fn landed(block: &Block) -> Vec<u64> {
    block.solutions.iter().map(|landed| landed.solution.counter).collect()
}

#[tokio::test(start_paused = true)]
async fn an_offered_solution_lands_and_is_paid() {
    let chain = SimChain::new();
    let peer = validator(&chain, 1).await;
    let solution = chain.solution(OURS, 1, 200);
    assert!(chain.offer(peer, &solution));
    let block = chain.produce_block();
    assert_eq!(landed(&block), [1]);
    // anchor 100,000,000 × 200 / 100,000 = 200,000; two thirds of it.
    assert_eq!(block.solutions[0].reward, 133_333);
    assert_eq!(chain.balance(&OURS), 133_333);
    assert_eq!(chain.block(1).unwrap(), Some(block));
    assert_eq!(chain.block(2).unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn a_block_carries_four_and_the_rest_wait() {
    let chain = SimChain::new();
    let peer = validator(&chain, 1).await;
    for counter in 0..6 {
        chain.offer(peer, &chain.solution(OURS, counter, 200));
    }
    assert_eq!(landed(&chain.produce_block()), [0, 1, 2, 3]);
    assert_eq!(landed(&chain.produce_block()), [4, 5]);
}

#[test]
fn rewards_are_split_by_target() {
    let chain = SimChain::new();
    let block =
        chain.produce_block_with(&[chain.solution(OURS, 1, 100), chain.solution(OTHERS, 2, 300)], &[]);
    let rewards: Vec<u64> = block.solutions.iter().map(|landed| landed.reward).collect();
    // anchor × 400 / 100,000 = 400,000, two thirds are 266,666.
    assert_eq!(rewards, [66_666, 199_999]);
}

#[test]
fn what_is_left_of_the_coinbase_target_bounds_the_reward() {
    let chain = SimChain::new();
    chain.produce_block_with(&[chain.solution(OURS, 1, 40_000)], &[]);
    // 60,000 of the 100,000 are left; the second one then reaches the half that resets the sum.
    let bounded = chain.produce_block_with(&[chain.solution(OURS, 2, 90_000)], &[]);
    assert_eq!(bounded.solutions[0].reward, 40_000_000);
    let reset = chain.produce_block_with(&[chain.solution(OURS, 3, 90_000)], &[]);
    assert_eq!(reset.solutions[0].reward, 60_000_000);
}

#[test]
fn a_candidate_the_rules_forbid_is_aborted_for_ever() {
    let chain = SimChain::new();
    let weak = chain.solution(OURS, 1, 99);
    let block = chain.produce_block_with(&[weak], &[]);
    assert_eq!((landed(&block), block.aborted), (vec![], vec![weak.id()]));
    chain.set_proof_target(50);
    let block = chain.produce_block_with(&[weak], &[]);
    assert!(block.solutions.is_empty() && block.aborted.is_empty());
}

#[test]
fn the_fifth_candidate_is_aborted() {
    let chain = SimChain::new();
    let candidates: Vec<Solution> = (0..5).map(|counter| chain.solution(OTHERS, counter, 200)).collect();
    assert_eq!(chain.produce_block_with(&candidates, &[]).aborted, [candidates[4].id()]);
}

#[test]
fn over_the_stake_limit_a_solution_is_aborted_until_the_next_epoch() {
    let chain = SimChain::new();
    chain.set_limit(OURS, 1);
    let block = chain.produce_block_with(&[chain.solution(OURS, 1, 200), chain.solution(OURS, 2, 200)], &[]);
    assert_eq!((landed(&block), block.aborted.len()), (vec![1], 1));
    assert_eq!(chain.solutions_left(&OURS).unwrap(), 0);
    assert_eq!(chain.solutions_left(&OTHERS).unwrap(), u64::MAX);
    chain.jump_to(BLOCKS_PER_EPOCH);
    assert_eq!(chain.solutions_left(&OURS).unwrap(), 1);
}

#[test]
fn the_first_block_of_an_epoch_takes_the_old_puzzle_and_counts_for_neither_limit() {
    let chain = SimChain::new();
    chain.set_limit(OURS, 1);
    chain.jump_to(BLOCKS_PER_EPOCH - 1);
    let puzzle = chain.puzzle().unwrap();
    assert_eq!((puzzle.epoch, puzzle.next_epoch_hash), (0, Some(SimChain::epoch_hash(1))));
    let old = chain.solution(OURS, 1, 200);
    assert_eq!(landed(&chain.produce_block_with(&[old], &[])), [1]);
    assert_eq!(chain.solutions_left(&OURS).unwrap(), 1);
    let puzzle = chain.puzzle().unwrap();
    assert_eq!((puzzle.epoch, puzzle.epoch_hash), (1, SimChain::epoch_hash(1)));
    assert_eq!(puzzle.next_epoch_hash, None);
    let late = Solution { counter: 2, ..old };
    assert_eq!(chain.produce_block_with(&[late], &[]).aborted, [late.id()]);
}

#[tokio::test(start_paused = true)]
async fn a_peer_remembers_what_it_refused() {
    let chain = SimChain::new();
    let (first, second) = (validator(&chain, 1).await, validator(&chain, 2).await);
    let solution = chain.solution(OURS, 1, 120);
    chain.set_proof_target(150);
    chain.offer(first, &solution);
    chain.set_proof_target(100);
    chain.offer(first, &solution);
    assert!(chain.mempool().is_empty());
    chain.offer(second, &solution);
    assert_eq!(chain.mempool(), [solution]);
}

#[tokio::test(start_paused = true)]
async fn a_peer_disconnects_at_the_65th_solution_in_a_minute() {
    let chain = SimChain::new();
    let peer = validator(&chain, 1).await;
    for counter in 0..64 {
        assert!(chain.offer(peer, &chain.solution(OURS, counter, 200)));
    }
    tokio::time::advance(Duration::from_secs(61)).await;
    for counter in 64..128 {
        assert!(chain.offer(peer, &chain.solution(OURS, counter, 200)));
    }
    assert_eq!(chain.peers().len(), 1);
    chain.offer(peer, &chain.solution(OURS, 128, 200));
    assert!(chain.peers().is_empty());
    assert!(!chain.offer(peer, &chain.solution(OURS, 129, 200)));
}

#[tokio::test(start_paused = true)]
async fn messages_are_lost_before_the_handshake_ends_and_to_lossy_peers() {
    let chain = SimChain::new();
    let peer = chain.connect_client(1);
    let solution = chain.solution(OURS, 1, 200);
    assert!(chain.offer(peer, &solution));
    tokio::time::advance(HANDSHAKE).await;
    chain.set_lossy(peer, true);
    assert!(chain.offer(peer, &solution));
    assert!(chain.mempool().is_empty() && chain.received(peer).is_empty());
    chain.set_lossy(peer, false);
    assert!(chain.offer(peer, &solution));
    assert_eq!(chain.mempool(), [solution]);
}

#[tokio::test(start_paused = true)]
async fn a_frozen_node_sees_no_block_while_the_chain_goes_on() {
    let chain = SimChain::new();
    chain.set_limit(OURS, 2);
    validator(&chain, 1).await;
    let mut heights = chain.subscribe_blocks();
    chain.freeze();
    chain.produce_block_with(&[chain.solution(OURS, 1, 200)], &[]);
    assert!(!heights.has_changed().unwrap());
    assert_eq!(chain.peers()[0].height, Some(1));
    assert_eq!((chain.puzzle().unwrap().height, chain.tip()), (0, 1));
    assert_eq!((chain.block(1).unwrap(), chain.solutions_left(&OURS).unwrap()), (None, 2));
    chain.thaw();
    assert_eq!(*heights.borrow_and_update(), 1);
    assert_eq!(Chain::tip(&*chain).unwrap().0, 1);
    assert_eq!(chain.solutions_left(&OURS).unwrap(), 1);
}

#[test]
fn failing_reads_fail_with_the_given_text() {
    let chain = SimChain::new();
    chain.fail_reads(Some("the ledger is locked"));
    assert_eq!(chain.puzzle().unwrap_err().to_string(), "the ledger is locked");
    assert!(chain.block(0).is_err() && chain.solutions_left(&OURS).is_err());
    chain.fail_reads(None);
    assert!(chain.puzzle().is_ok());
}

#[test]
fn a_client_has_no_consensus_a_validator_has() {
    let chain = SimChain::new();
    let solution = chain.solution(OURS, 1, 200);
    assert!(!chain.submit_to_own_consensus(&solution));
    chain.enable_own_consensus();
    assert!(chain.submit_to_own_consensus(&solution));
    assert_eq!((chain.mempool(), chain.own_submissions()), (vec![solution], vec![solution.id()]));
}
