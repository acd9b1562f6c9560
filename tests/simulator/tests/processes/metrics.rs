//! What a new epoch leaves in the metrics.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use pool_simulator::helper::Helper;

const MINERS: u64 = 5;

/// The value of a line of the exposition; 0 without such a line.
fn value(api: &str, line: &str) -> u64 {
    let mut answer = ureq::get(format!("http://{api}/metrics")).call().unwrap();
    let text = answer.body_mut().read_to_string().unwrap();
    let found = text.lines().find_map(|one| one.strip_prefix(line)?.strip_prefix(' '));
    found.map_or(0, |value| value.parse().unwrap())
}

#[test]
fn a_new_epochs_work_is_timed_once_for_every_miner() {
    let args = ["--api", "127.0.0.1:0"].map(String::from);
    let mut pool = Helper::start(env!("CARGO_BIN_EXE_pool-on-sim"), &args).unwrap();
    let answer = pool.answer("listening").unwrap();
    let (listen, _) = answer.split_once(' ').unwrap();
    let api = pool.answer("api").unwrap();
    let args =
        ["--control", "--pool", listen, "--miners", &MINERS.to_string(), "--rate", "0"].map(String::from);
    let mut crowd = Helper::start(env!("CARGO_BIN_EXE_simulate"), &args).unwrap();
    crowd.ask("wait", "working").unwrap();
    assert_eq!(value(&api, "pool_job_push_seconds_count"), 0, "a first job is not a push");

    for epoch in 1..=3 {
        pool.ask("epoch", "epoch").unwrap();
        let patience = Instant::now() + Duration::from_secs(60);
        while value(&api, "pool_job_push_seconds_count") < epoch * MINERS {
            assert!(Instant::now() < patience, "the pushes of epoch {epoch} are not timed");
            sleep(Duration::from_millis(50));
        }
        let (count, all) = ("pool_job_push_seconds_count", "pool_job_push_seconds_bucket{le=\"+Inf\"}");
        assert_eq!((value(&api, count), value(&api, all)), (epoch * MINERS, epoch * MINERS));
    }
}
