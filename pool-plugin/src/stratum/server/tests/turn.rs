//! The change of epoch, as miners see it: the next job comes one block earlier.

use pool_core::{
    chain::ChainState,
    reject::RejectCode,
    types::{Address, EpochHash},
};
use serde_json::{Value, json};

use super::harness::*;
use crate::stratum::wire::dialects::Dialect;

const NEXT_JOB: &str = "00060000";

/// The last block of [`EPOCH`]: the next one's hash is known.
fn last_block(synced: bool) -> ChainState {
    let mut state = state(EPOCH, PROOF_TARGET, synced);
    let puzzle = state.puzzle.as_mut().unwrap();
    puzzle.height += 359;
    puzzle.next_epoch_hash = Some(epoch_hash(EPOCH + 1));
    state
}

async fn read_next_job(miner: &mut Miner) {
    assert_eq!(miner.read().await["method"], "mining.set_target");
    let hash = epoch_hash(EPOCH + 1).to_string();
    let job = json!([NEXT_JOB, hash, Address::default().to_string(), true]);
    assert_eq!(miner.read().await["params"], job);
}

async fn submit(miner: &mut Miner, job: &str, counter: u64) -> Value {
    miner.send(9, "mining.submit", json!(["", job, counter.to_string()])).await;
    // Nothing else comes before the answer.
    let answer = miner.read().await;
    assert_eq!(answer["id"], 9, "{answer}");
    answer
}

fn epochs(pool: &Pool) -> Vec<(u32, u64)> {
    let shares = pool.ledger.shares(1, pool.ledger.last_seq().unwrap());
    shares.map(|row| row.unwrap().1.key).map(|key| (key.epoch, key.counter)).collect()
}

#[tokio::test]
async fn the_next_job_comes_with_the_last_block_and_both_epochs_count_until_the_turn() {
    let pool = Pool::start().await;
    let mut miners = [pool.miner("alice.rig1").await, pool.miner("alice.rig2").await];
    pool.chain.send(last_block(true)).unwrap();
    for miner in &mut miners {
        read_next_job(miner).await;
    }
    let [miner, other] = &mut miners;
    // The same counter is another attempt in another epoch, and a duplicate in each.
    for job in [JOB, NEXT_JOB] {
        assert_eq!(submit(miner, job, 150).await["result"], true, "{job}");
        assert_eq!(submit(other, job, 150).await["error"]["code"], 22, "{job}");
    }
    // However long the next block takes, nothing more is sent, and both continue.
    for number in 1..20 {
        pool.chain.send(last_block(number % 2 == 0)).unwrap();
        assert_eq!(submit(miner, JOB, counter(number, 150)).await["result"], true);
        assert_eq!(submit(miner, NEXT_JOB, counter(number, 150)).await["result"], true);
    }

    pool.chain.send(state(EPOCH + 1, PROOF_TARGET, true)).unwrap();
    let answer = submit(miner, JOB, counter(30, 150)).await;
    assert_eq!(answer["error"], json!({"code": 21, "message": "stale share: epoch just ended"}));
    assert_eq!(submit(miner, NEXT_JOB, counter(30, 150)).await["result"], true);
    assert_eq!(submit(other, NEXT_JOB, 150).await["error"]["code"], 22, "still a duplicate");
    let counted = pool.stats.snapshot();
    assert_eq!((counted.epoch_ended, counted.rejected_with(RejectCode::Stale)), (1, 0), "counted separately");
    let of = |epoch| epochs(&pool).iter().filter(|(of, _)| *of == epoch).count();
    assert_eq!((of(EPOCH), of(EPOCH + 1)), (20, 21));
    // Each was evaluated with its own puzzle.
    let evaluated = pool.puzzle.attempts();
    assert!(
        evaluated.contains(&(epoch_hash(EPOCH), 150)) && evaluated.contains(&(epoch_hash(EPOCH + 1), 150))
    );
}

#[tokio::test]
async fn who_logs_in_on_the_last_block_gets_the_next_job_and_may_still_bring_old_shares() {
    let pool = Pool::start().await;
    let mut before = pool.miner("alice").await;
    assert_eq!(before.submit(150).await, Ok(()));
    pool.chain.send(last_block(true)).unwrap();
    let mut miner = pool.connect().await;
    miner.log_in("alice").await;
    read_next_job(&mut miner).await;
    assert_eq!(
        submit(&mut miner, JOB, 150).await["error"]["code"],
        22,
        "sent again, since it was not answered"
    );
    assert_eq!(submit(&mut miner, JOB, 151).await["result"], true);
    assert_eq!(submit(&mut miner, NEXT_JOB, 150).await["result"], true);
    assert_eq!(epochs(&pool), [(EPOCH, 150), (EPOCH, 151), (EPOCH + 1, 150)]);
}

#[tokio::test]
async fn a_node_that_is_not_synced_on_the_last_block_gives_no_job_and_takes_old_shares() {
    let pool = Pool::start().await;
    let mut miner = pool.miner("alice").await;
    pool.chain.send(last_block(false)).unwrap();
    assert_eq!(submit(&mut miner, JOB, 150).await["result"], true);
    assert_eq!(submit(&mut miner, NEXT_JOB, 50).await["error"]["message"], "job not found");
    pool.chain.send(last_block(true)).unwrap();
    read_next_job(&mut miner).await;
    assert_eq!(submit(&mut miner, NEXT_JOB, 152).await["result"], true);
}

#[tokio::test]
async fn finds_of_both_epochs_go_to_the_release_queue_each_under_its_own() {
    let mut pool = Pool::start().await;
    let mut miner = pool.miner("alice").await;
    pool.chain.send(last_block(true)).unwrap();
    read_next_job(&mut miner).await;
    let solution = counter(1, PROOF_TARGET);
    for (job, epoch) in [(JOB, EPOCH), (NEXT_JOB, EPOCH + 1)] {
        assert_eq!(submit(&mut miner, job, solution).await["result"], true);
        let found = pool.next_find().await;
        assert_eq!((found.epoch, found.solution.epoch_hash), (epoch, epoch_hash(epoch)));
        assert_eq!((found.solution.counter, found.solution.target), (solution, PROOF_TARGET));
    }
}

#[tokio::test]
async fn a_near_miss_of_before_the_turn_is_a_solution_when_the_proof_target_falls_after_it() {
    let mut pool = Pool::start().await;
    let mut miner = pool.miner("alice").await;
    pool.chain.send(last_block(true)).unwrap();
    read_next_job(&mut miner).await;
    for (job, number) in [(JOB, 1), (NEXT_JOB, 2)] {
        assert_eq!(submit(&mut miner, job, counter(number, PROOF_TARGET - 100)).await["result"], true);
    }
    pool.chain.send(state(EPOCH + 1, PROOF_TARGET - 100, true)).unwrap();
    let found = pool.next_find().await;
    assert_eq!((found.epoch, found.solution.counter), (EPOCH + 1, counter(2, PROOF_TARGET - 100)));
    assert_eq!(submit(&mut miner, NEXT_JOB, counter(3, 150)).await["result"], true);
    assert!(pool.found.try_recv().is_err(), "the old epoch's is worth nothing");
}

/// Some devices send job ids of their own.
#[tokio::test]
async fn a_solution_with_a_wrong_job_is_tried_in_both_epochs() {
    let mut pool = Pool::start().await;
    let mut miner = pool.miner("alice").await;
    pool.chain.send(last_block(true)).unwrap();
    read_next_job(&mut miner).await;
    // Named a job of the new epoch, found for the old one.
    let solution = counter(1, PROOF_TARGET);
    pool.puzzle.agree_in(epoch_hash(EPOCH + 1), solution, 1);
    assert_eq!(submit(&mut miner, NEXT_JOB, solution).await["error"]["code"], 23);
    assert_eq!(pool.next_find().await.epoch, EPOCH);
    assert_eq!(submit(&mut miner, "ffffff7f", solution).await["error"]["message"], "job not found");
    assert_eq!(pool.next_find().await.epoch, EPOCH);
    // And vice versa.
    let other = counter(2, PROOF_TARGET);
    pool.puzzle.agree_in(epoch_hash(EPOCH), other, 1);
    assert_eq!(submit(&mut miner, JOB, other).await["error"]["code"], 23);
    assert_eq!(pool.next_find().await.epoch, EPOCH + 1);
}

/// A zk.work share names no job; the solution in it names its puzzle.
#[tokio::test]
async fn a_dialect_without_job_ids_has_its_old_shares_taken_too() {
    let pool = Pool::speaking(Dialect::ZkWork).await;
    let mut miner = pool.connect().await;
    let frame =
        |kind: u8, payload: &[u8]| [&(payload.len() as u32 + 1).to_le_bytes()[..], &[kind], payload].concat();
    miner.send_bytes(&frame(128, &[&[0, 1, 0, 3, 6, 4][..], b"rig1", b"alice"].concat())).await;
    let _ack = miner.read_frame().await.unwrap();
    let job_hash = |frame: Vec<u8>| EpochHash(frame[21..53].try_into().unwrap());
    assert_eq!(job_hash(miner.read_frame().await.unwrap()), epoch_hash(EPOCH));
    pool.chain.send(last_block(true)).unwrap();
    assert_eq!(job_hash(miner.read_frame().await.unwrap()), epoch_hash(EPOCH + 1));
    let share = |epoch, counter: u64| {
        frame(129, &[&[0; 12][..], &epoch_hash(epoch).0, &[0; 32], &counter.to_le_bytes(), &[0; 8]].concat())
    };
    for (epoch, number) in [(EPOCH, 1), (EPOCH + 1, 1), (EPOCH, 2)] {
        miner.send_bytes(&share(epoch, counter(number, 150))).await;
    }
    wait_until(|| pool.stats.snapshot().accepted == 3).await;
    let mut taken = epochs(&pool);
    taken.sort_unstable();
    let of = |epoch, number| (epoch, counter(number, 150));
    assert_eq!(taken, [of(EPOCH, 1), of(EPOCH, 2), of(EPOCH + 1, 1)]);
    pool.chain.send(state(EPOCH + 1, PROOF_TARGET, true)).unwrap();
    miner.send_bytes(&share(EPOCH, counter(3, 150))).await;
    wait_until(|| pool.stats.snapshot().epoch_ended == 1).await;
}

/// The verification of an old share ends after its epoch: it was in time.
#[tokio::test]
async fn a_share_that_came_before_the_turn_is_taken_though_it_is_verified_after() {
    let pool = Pool::start().await;
    let mut miner = pool.miner("alice").await;
    pool.chain.send(last_block(true)).unwrap();
    read_next_job(&mut miner).await;
    pool.puzzle.close();
    miner.send(9, "mining.submit", json!(["", JOB, "150"])).await;
    pool.wait_for_attempts(1).await;
    pool.chain.send(state(EPOCH + 1, PROOF_TARGET, true)).unwrap();
    pool.puzzle.open();
    assert_eq!(miner.read().await["result"], true);
    assert_eq!(epochs(&pool), [(EPOCH, 150)]);
}
