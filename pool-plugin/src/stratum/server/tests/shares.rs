//! The results of a submitted counter.

use std::sync::Arc;

use pool_core::reject::RejectCode;
use serde_json::{Value, json};
use tokio::sync::Barrier;

use super::harness::*;
use crate::ledger::ShareLedger;

fn share(worker: &str, counter: u64, target: u64) -> (String, String, u64, u64) {
    ("alice".into(), worker.into(), counter, target)
}

#[tokio::test]
async fn a_share_is_stored_with_the_assigned_target_before_it_is_acknowledged() {
    let pool = Pool::start().await;
    let mut miner = pool.miner("alice.rig1").await;
    assert_eq!(miner.submit(counter(1, 500)).await, Ok(()));
    assert_eq!(pool.shares(), [share("rig1", counter(1, 500), SHARE_TARGET)]);
    assert_eq!(pool.stats.snapshot().accepted, 1);
}

#[tokio::test]
async fn every_refusal_has_its_code() {
    let pool = Pool::start().await;
    let mut miner = pool.connect().await;
    assert_eq!(miner.submit(150).await, Err(25), "before the subscription");
    miner.subscribe().await;
    assert_eq!(miner.submit(150).await, Err(24), "before the login");
    let refused = miner.ask(2, "mining.authorize", json!(["no such account!", "x"])).await;
    assert_eq!(outcome(&refused), Err(24));
    miner.log_in("alice").await;
    assert_eq!(miner.submit_to("00990000", json!("50")).await, Err(21), "a job of the future");
    assert_eq!(miner.submit_to("00040000", json!("150")).await, Err(21), "a job of the past");
    assert_eq!(miner.submit_to("nonsense", json!("x")).await, Err(21), "no job");
    assert_eq!(miner.submit_to(JOB, json!("x")).await, Err(20), "no counter");
    assert_eq!(miner.submit(99).await, Err(23), "too low");
    assert_eq!(miner.submit(counter(3, 0)).await, Err(23), "no answer");
    assert_eq!(miner.submit(150).await, Ok(()));
    assert_eq!(miner.submit(150).await, Err(22), "again");
    assert_eq!(miner.submit(TRAP).await, Err(20), "the evaluator panics");
    assert_eq!(outcome(&miner.ask(3, "mining.submit", json!(["a"])).await), Err(20), "too few params");
    assert_eq!(outcome(&miner.ask(3, "mining.get_work", json!([])).await), Err(20), "unknown method");
    assert_eq!(miner.submit(151).await, Ok(()), "the session goes on");

    let counted = pool.stats.snapshot();
    assert_eq!(counted.accepted, 2);
    let by_code = RejectCode::ALL.map(|code| counted.rejected_with(code));
    assert_eq!(by_code, [3, 3, 1, 2, 1, 1]);
}

#[tokio::test]
async fn a_low_share_says_by_how_much() {
    let pool = Pool::start().await;
    let mut miner = pool.miner("alice").await;
    let answer = miner.ask(9, "mining.submit", json!(["", JOB, "12"])).await;
    assert_eq!(answer["error"], json!({"code": 23, "message": "low difficulty: 12 of 100"}));
}

#[tokio::test]
async fn the_checks_come_in_order() {
    let pool = Pool::start().await;
    let mut miner = pool.connect().await;
    let bad = |job: &str| json!(["", job, "no counter"]);
    assert_eq!(outcome(&miner.ask(1, "mining.submit", json!([])).await), Err(25), "session before format");
    miner.log_in("alice").await;
    assert_eq!(outcome(&miner.ask(3, "mining.submit", bad("00990000")).await), Err(21), "job before format");
    assert_eq!(miner.submit(150).await, Ok(()));
    pool.chain.send(state(EPOCH + 1, PROOF_TARGET, false)).unwrap();
    assert_eq!(miner.submit(150).await, Err(22), "duplicate before epoch");
    assert_eq!(miner.submit(99).await, Err(21), "epoch before puzzle");
}

#[tokio::test]
async fn a_job_id_that_was_never_sent_is_forgiven_if_the_counter_solves_the_current_job() {
    let pool = Pool::start().await;
    let mut miner = pool.miner("alice").await;
    for (number, job) in ["00990000", "nonsense", "", "0x00050000", "5"].iter().enumerate() {
        let good = counter(number as u64, 150);
        assert_eq!(miner.submit_to(job, json!(good)).await, Ok(()), "{job}");
        assert_eq!(miner.submit(good).await, Err(22), "{job}: the same share under the right name");
        assert_eq!(miner.submit_to(job, json!(counter(number as u64, 50))).await, Err(21), "{job}: too low");
    }
    assert_eq!(pool.shares().len(), 5);
}

#[tokio::test]
async fn every_spelling_is_the_same_share() {
    let pool = Pool::start().await;
    let mut miner = pool.miner("alice").await;
    assert_eq!(miner.submit_to(JOB, json!("255")).await, Ok(()));
    for spelling in
        [json!("0xff"), json!("0XFF"), json!("FF"), json!("00000000000000ff"), json!("0255"), json!(255)]
    {
        assert_eq!(miner.submit_to(JOB, spelling.clone()).await, Err(22), "{spelling}");
    }
}

#[tokio::test]
async fn a_counter_in_flight_is_accepted_once_however_many_submit_it() {
    const MINERS: usize = 64;
    let pool = Pool::start().await;
    let barrier = Arc::new(Barrier::new(MINERS));
    let mut tasks = Vec::new();
    for number in 0..MINERS {
        let mut miner = pool.miner(&format!("alice.rig{number}")).await;
        let together = barrier.clone();
        tasks.push(tokio::spawn(async move {
            together.wait().await;
            miner.submit(150).await
        }));
    }
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Err(22)).count(), MINERS - 1);
    assert_eq!(pool.shares().len(), 1);
}

#[tokio::test]
async fn a_failed_share_gives_its_counter_back() {
    let pool = Pool::start().await;
    let mut miner = pool.miner("alice").await;
    assert_eq!(miner.submit(99).await, Err(23));
    assert_eq!(miner.submit(99).await, Err(23), "not a duplicate of a share that never was");
}

#[tokio::test]
async fn the_login_is_credited_and_the_share_may_name_another_machine_of_it() {
    let pool = Pool::start().await;
    let mut miner = pool.miner("alice.rig1").await;
    for (number, named) in [(1, "alice.rig2"), (2, "mallory.rig3"), (3, "rig4"), (4, "alice")] {
        let params = json!([named, JOB, counter(number, 150).to_string()]);
        assert_eq!(outcome(&miner.ask(9, "mining.submit", params).await), Ok(()));
    }
    let workers: Vec<(String, String)> =
        pool.shares().into_iter().map(|(account, worker, ..)| (account, worker)).collect();
    let expected = ["rig2", "rig1", "rig1", "rig1"].map(|worker| ("alice".to_string(), worker.to_string()));
    assert_eq!(workers, expected);
}

#[tokio::test]
async fn several_workers_of_a_connection_are_credited_by_name() {
    let pool = Pool::start().await;
    let mut miner = pool.miner("alice.rig1").await;
    assert_eq!(miner.ask(3, "mining.authorize", json!(["bob.rig2", "x"])).await["result"], true);
    for (number, named) in [(1, "alice.rig1"), (2, "bob.rig2"), (3, "bob.rig9"), (4, "carol.rig1")] {
        let params = json!([named, JOB, counter(number, 150).to_string()]);
        assert_eq!(outcome(&miner.ask(9, "mining.submit", params).await), Ok(()));
    }
    let workers: Vec<String> =
        pool.shares().into_iter().map(|(account, worker, ..)| format!("{account}.{worker}")).collect();
    assert_eq!(workers, ["alice.rig1", "bob.rig2", "bob.rig9", "bob.rig2"]);
}

#[tokio::test]
async fn a_solution_is_released_with_its_finder() {
    let mut pool = Pool::start().await;
    let mut miner = pool.miner("alice.rig1").await;
    assert_eq!(miner.submit(999).await, Ok(()));
    assert_eq!(miner.submit(1000).await, Ok(()));
    let find = pool.next_find().await;
    assert_eq!((find.solution.counter, find.solution.target, find.epoch), (1000, 1000, EPOCH));
    assert_eq!(find.solution.epoch_hash, epoch_hash(EPOCH));
    assert_eq!((find.finder.account.as_str(), find.finder.name.as_str()), ("alice", "rig1"));
    assert!(pool.found.try_recv().is_err(), "999 is no solution");
}

#[tokio::test]
async fn a_refused_share_that_is_a_solution_is_released() {
    let mut pool = Pool::start().await;
    let mut miner = pool.miner("alice").await;
    assert_eq!(miner.submit_to("00040000", json!(2000)).await, Err(21));
    assert_eq!(pool.next_find().await.solution.counter, 2000);
    assert_eq!(miner.submit_to("00040000", json!(2001)).await, Err(21));
    assert_eq!(pool.next_find().await.solution.counter, 2001);

    // The chain has advanced; this session's job has not, since the node is behind.
    pool.chain.send(state(EPOCH + 1, PROOF_TARGET, false)).unwrap();
    assert_eq!(miner.submit(2002).await, Err(21));
    let find = pool.next_find().await;
    assert_eq!((find.solution.counter, find.epoch), (2002, EPOCH + 1));
    assert_eq!(find.solution.epoch_hash, epoch_hash(EPOCH + 1));
    assert!(pool.shares().is_empty());
}

#[tokio::test]
async fn a_solution_below_the_share_target_is_released_though_the_share_is_refused() {
    let mut pool = Pool::start().await;
    let mut miner = pool.miner("alice").await;
    pool.puzzle.close();
    miner.send(9, "mining.submit", json!(["", JOB, "60"])).await;
    pool.wait_for_attempts(1).await;
    // The proof target falls while the share, judged by its assigned target, is being verified.
    pool.chain.send(state(EPOCH, 50, true)).unwrap();
    pool.puzzle.open();
    assert_eq!(pool.next_find().await.solution.counter, 60);
    let answer = loop {
        let line = miner.read().await;
        if line["id"] == 9 {
            break line;
        }
    };
    assert_eq!(outcome(&answer), Err(23));
}

#[tokio::test]
async fn a_share_that_just_missed_is_released_when_the_proof_target_falls() {
    let mut pool = Pool::start().await;
    let mut miner = pool.miner("alice.rig1").await;
    assert_eq!(miner.submit(999).await, Ok(()));
    assert_eq!(miner.submit(500).await, Ok(()));
    pool.chain.send(state(EPOCH, 990, true)).unwrap();
    let find = pool.next_find().await;
    assert_eq!((find.solution.counter, find.finder.name.as_str()), (999, "rig1"));
    pool.chain.send(state(EPOCH, 980, true)).unwrap();
    assert_eq!(miner.submit(counter(1, 985)).await, Ok(()));
    assert_eq!(pool.next_find().await.solution.counter, counter(1, 985), "999 is released only once");
}

#[tokio::test]
async fn what_is_no_solution_any_more_is_not_released() {
    let mut pool = Pool::start().await;
    let mut miner = pool.miner("alice").await;
    pool.puzzle.close();
    miner.send(9, "mining.submit", json!(["", JOB, "2000"])).await;
    pool.wait_for_attempts(1).await;
    pool.chain.send(state(EPOCH + 1, PROOF_TARGET, false)).unwrap();
    pool.puzzle.open();
    // Submitted in time, so it counts as a share; its epoch is over, so the network would not accept it.
    assert_eq!(outcome(&miner.read().await), Ok(()));
    assert!(pool.found.try_recv().is_err());
}

#[tokio::test]
async fn a_ledger_that_cannot_write_refuses_the_share_and_releases_the_solution() {
    let mut pool = Pool::start_with(config(), |ledger, dir| {
        drop(ledger);
        ShareLedger::open_read_only(dir.path()).unwrap()
    })
    .await;
    let mut miner = pool.miner("alice").await;
    let answer: Value = miner.ask(9, "mining.submit", json!(["", JOB, "2000"])).await;
    assert_eq!(answer["error"], json!({"code": 20, "message": "share not stored: send it again"}));
    assert_eq!(pool.next_find().await.solution.counter, 2000);
    assert_eq!(pool.stats.snapshot().accepted, 0);
}

#[tokio::test]
async fn a_solution_outlives_the_connection_it_came_by() {
    let mut pool = Pool::start().await;
    let mut miner = pool.miner("alice").await;
    pool.puzzle.close();
    miner.send(9, "mining.submit", json!(["", JOB, "2000"])).await;
    pool.wait_for_attempts(1).await;
    drop(miner);
    pool.puzzle.open();
    assert_eq!(pool.next_find().await.solution.counter, 2000);
    wait_until(|| pool.shares().len() == 1).await;
}

#[tokio::test]
async fn a_stored_share_is_a_duplicate_for_every_other_account() {
    let pool = Pool::start().await;
    assert_eq!(pool.miner("alice").await.submit(150).await, Ok(()));
    assert_eq!(pool.miner("bob").await.submit(150).await, Err(22));
    assert_eq!(pool.shares(), [share("", 150, SHARE_TARGET)]);
}

#[tokio::test]
async fn a_password_may_ask_for_powers_of_two() {
    let pool = Pool::start().await;
    for (password, target) in [("x", SHARE_TARGET), ("pow2", 64), ("d=500,pow2", 256)] {
        let mut miner = pool.connect().await;
        miner.subscribe().await;
        miner.ask(2, "mining.authorize", json!(["alice", password])).await;
        assert_eq!(miner.read().await["params"], json!([target]), "{password}");
    }
}
