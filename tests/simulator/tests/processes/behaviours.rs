//! The simulator's miners against the real pool on the simulated chain.

use std::{
    collections::BTreeMap,
    thread::sleep,
    time::{Duration, Instant},
};

use pool_simulator::helper::Helper;

fn pool() -> (Helper, String) {
    let args = ["--share-target", "100"].map(String::from);
    let mut pool = Helper::start(env!("CARGO_BIN_EXE_pool-on-sim"), &args).unwrap();
    let answer = pool.answer("listening").unwrap();
    let listen = answer.split(' ').next().unwrap().to_string();
    (pool, listen)
}

fn miners(listen: &str, mix: &str, count: usize) -> Helper {
    let args =
        ["--control", "--pool", listen, "--mix", mix, "--miners", &count.to_string(), "--rate", "1000"];
    Helper::start(env!("CARGO_BIN_EXE_simulate"), &args.map(String::from)).unwrap()
}

/// Figures by behaviour and name; refusals as `refused.CODE`.
type Report = BTreeMap<String, BTreeMap<String, f64>>;

fn report(crowd: &mut Helper) -> Report {
    crowd.tell("report").unwrap();
    let mut report = Report::new();
    loop {
        let line = crowd.line().unwrap();
        if line == "end" {
            return report;
        }
        let words: Vec<&str> = line.split(' ').collect();
        let figures = report.entry(words[0].into()).or_default();
        for pair in words[1..].chunks(2) {
            let [name, value] = pair else { panic!("{line}") };
            if let Ok(value) = value.parse() {
                figures.insert(name.to_string(), value);
            } else {
                for refusal in value.split(',') {
                    let (code, count) = refusal.split_once('=').unwrap();
                    figures.insert(format!("{name}.{code}"), count.parse().unwrap());
                }
            }
        }
    }
}

/// Waits until the report fulfils the condition.
fn until(crowd: &mut Helper, what: &str, holds: impl Fn(&Report) -> bool) -> Report {
    let patience = Instant::now() + Duration::from_secs(120);
    loop {
        let now = report(crowd);
        if holds(&now) {
            return now;
        }
        assert!(Instant::now() < patience, "never: {what}; {now:?}");
        sleep(Duration::from_millis(100));
    }
}

fn figure(report: &Report, behaviour: &str, name: &str) -> f64 {
    report.get(behaviour).and_then(|figures| figures.get(name)).copied().unwrap_or(0.0)
}

#[test]
fn each_behaviour_meets_with_what_it_deserves_and_the_honest_mine_on() {
    let (mut pool, listen) = pool();
    // There is an epoch before this one.
    pool.ask("epoch", "epoch").unwrap();
    let mix = "honest=4,bogus,duplicates,stale,garbage,endless-line,silent,storm";
    let mut crowd = miners(&listen, mix, 11);
    let report = until(&mut crowd, "every behaviour was answered", |now| {
        figure(now, "honest", "accepted") >= 100.0
            && figure(now, "bogus", "refused.23") >= 100.0
            && figure(now, "duplicates", "refused.22") >= 100.0
            && figure(now, "stale", "refused.21") >= 10.0
            && figure(now, "garbage", "closed") >= 1.0
            && figure(now, "endless-line", "closed") >= 1.0
            && figure(now, "silent", "closed") >= 1.0
            && figure(now, "storm", "connections") >= 10.0
    });
    assert_eq!(figure(&report, "honest", "refused"), 0.0, "{report:?}");
    assert_eq!(figure(&report, "honest", "closed"), 0.0, "{report:?}");
    assert_eq!(figure(&report, "stale", "accepted"), 0.0, "{report:?}");
    assert!(figure(&report, "duplicates", "accepted") * 3.0 < figure(&report, "duplicates", "sent"));
}

#[test]
fn a_slow_reader_is_cut_off() {
    let (_pool, listen) = pool();
    let mut crowd = miners(&listen, "slow-reader", 1);
    until(&mut crowd, "the slow reader was cut off", |now| figure(now, "slow-reader", "closed") >= 1.0);
}

#[test]
fn every_miner_tells_when_the_new_epoch_reached_it() {
    let (mut pool, listen) = pool();
    let mut crowd = miners(&listen, "honest", 20);
    assert_eq!(crowd.ask("wait", "working").unwrap(), "20");
    crowd.ask("still 500", "still").unwrap();
    let answer = pool.ask("epoch", "epoch").unwrap();
    let hook: u64 = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let arrivals = crowd.answer("arrivals").unwrap();
    let arrivals: Vec<u64> = arrivals.split(' ').map(|arrival| arrival.parse().unwrap()).collect();
    assert_eq!(arrivals.len(), 20);
    assert!(arrivals.iter().all(|arrival| *arrival > hook), "{hook} {arrivals:?}");
    assert_eq!(crowd.ask_numbers("arrivals", "arrivals").unwrap(), arrivals);
}
