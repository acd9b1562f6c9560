//! Fairness, back-pressure, and the end.

use serde_json::json;

use super::harness::*;
use crate::stratum::server::StratumConfig;

#[tokio::test]
async fn a_stop_answers_what_is_in_flight_and_closes() {
    let pool = Pool::start().await;
    let mut miner = pool.miner("alice").await;
    pool.puzzle.close();
    for number in 0..5 {
        miner.send(10 + number, "mining.submit", json!(["", JOB, counter(number, 150)])).await;
    }
    // Two verification threads: the others wait in the queue, but all have left the socket.
    pool.wait_for_attempts(2).await;
    wait_until(|| pool.stats.snapshot().connections == 1).await;
    pool.stop.cancel();
    pool.puzzle.open();
    let mut accepted = 0;
    while let Some(line) = miner.read_line().await {
        assert!(line.contains("\"result\":true"), "{line}");
        accepted += 1;
    }
    pool.serving.await.unwrap();
    // What was read is answered, and what is answered is stored; what was not read does not count.
    assert!(accepted >= 2);
    assert_eq!(pool.ledger.last_seq().unwrap(), accepted);
}

#[tokio::test]
async fn a_session_is_not_read_further_than_it_may_have_in_flight() {
    let narrow = StratumConfig { in_flight: 3, ..config() };
    let pool = Pool::start_with(narrow, |ledger, _| ledger).await;
    let mut miner = pool.miner("alice").await;
    pool.puzzle.close();
    for number in 0..10 {
        miner.send(10 + number, "mining.submit", json!(["", JOB, counter(number, 150)])).await;
    }
    miner.send(99, "mining.extranonce.subscribe", json!([])).await;
    pool.wait_for_attempts(2).await;
    pool.puzzle.open();
    let mut answers = Vec::new();
    for _ in 0..11 {
        answers.push(miner.read().await["id"].as_u64().unwrap());
    }
    // The request after the shares is not read before all but two of them are answered.
    let place = answers.iter().position(|id| *id == 99).unwrap();
    assert!(place >= 8, "{answers:?}");
}

#[tokio::test]
async fn a_flood_does_not_hold_up_another_miner() {
    let pool = Pool::start().await;
    let mut busy = pool.miner("alice").await;
    let mut calm = pool.miner("bob").await;
    pool.puzzle.close();
    for number in 0..32 {
        busy.send(10 + number, "mining.submit", json!(["", JOB, counter(number, 150)])).await;
    }
    pool.wait_for_attempts(2).await;
    calm.send(9, "mining.submit", json!(["", JOB, counter(1000, 150)])).await;
    // The share is queued once its key is taken: there is no await between, and one thread runs the tasks.
    wait_until(|| {
        let key = crate::ledger::records::ShareKey {
            epoch: EPOCH,
            address: Default::default(),
            counter: counter(1000, 150),
        };
        pool.ledger.reserve(key).is_err()
    })
    .await;
    pool.puzzle.open();
    assert_eq!(outcome(&calm.read().await), Ok(()));
    let place = pool.puzzle.attempts().iter().position(|(_, tried)| *tried == counter(1000, 150)).unwrap();
    assert!(place <= 8, "the calm miner's share was number {place}");
}

#[tokio::test]
async fn answers_reach_a_miner_that_has_closed_its_sending_side() {
    let pool = Pool::start().await;
    let mut miner = pool.miner("alice").await;
    pool.puzzle.close();
    miner.send(9, "mining.submit", json!(["", JOB, "150"])).await;
    miner.finish().await;
    pool.wait_for_attempts(1).await;
    pool.puzzle.open();
    assert_eq!(outcome(&miner.read().await), Ok(()));
    assert_eq!(miner.read_line().await, None);
}

#[tokio::test]
async fn sixty_four_miners_submit_at_once_and_each_is_answered() {
    let pool = Pool::start().await;
    let mut tasks = Vec::new();
    for number in 0..64u64 {
        let mut miner = pool.miner(&format!("alice.rig{number}")).await;
        tasks.push(tokio::spawn(async move {
            for share in 0..20 {
                let id = 100 + share;
                miner.send(id, "mining.submit", json!(["", JOB, counter(number * 100 + share, 150)])).await;
            }
            let mut answered = Vec::new();
            for _ in 0..20 {
                let line = miner.read().await;
                assert_eq!(outcome(&line), Ok(()));
                answered.push(line["id"].as_u64().unwrap());
            }
            answered.sort_unstable();
            answered
        }));
    }
    for task in tasks {
        assert_eq!(task.await.unwrap(), (100..120).collect::<Vec<u64>>());
    }
    assert_eq!(pool.shares().len(), 64 * 20);
    assert_eq!(pool.stats.snapshot().accepted, 64 * 20);
}
