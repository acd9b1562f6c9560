//! n-stratum's keys on a real Redis server.

use std::{collections::BTreeMap, sync::Arc};

use pool_sinks::{
    activity::Activity,
    books::Life,
    names::worker_id,
    redis::{DEFAULT_PREFIX, RedisSink},
    runner,
    sink::{Sink, Trouble},
};
use redis::Commands;

use crate::{
    servers::{RedisServer, until},
    support::{Line, Pages, drive, worker},
};

fn sink_at(url: &str, activity: &Activity) -> RedisSink {
    RedisSink::new(url.parse().unwrap(), DEFAULT_PREFIX, activity.clone())
}

fn sink_to(server: &RedisServer) -> RedisSink {
    sink_at(&server.url(), &Activity::default())
}

fn hash(connection: &mut redis::Connection, key: &str) -> BTreeMap<String, String> {
    connection.hgetall(format!("{DEFAULT_PREFIX}{key}")).unwrap()
}

fn numbers(connection: &mut redis::Connection, key: &str) -> BTreeMap<String, u64> {
    hash(connection, key).into_iter().map(|(field, value)| (field, value.parse().unwrap())).collect()
}

fn assert_is_copy(server: &RedisServer, pages: &Pages) {
    let mut connection = server.client();
    assert_eq!(numbers(&mut connection, "workers:accept:current"), pages.credit());
    let landed: usize = pages.blocks.lock().unwrap().iter().map(|block| block.solutions.len()).sum();
    assert_eq!(hash(&mut connection, "successSolution:current").len(), landed);
}

fn refused(result: Result<(), Trouble>) -> String {
    match result {
        Err(Trouble::Refused(text)) => text,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn the_keys_are_n_stratums() {
    let server = RedisServer::start();
    let (pages, activity) = (Pages::with(1, 1), Activity::default());
    activity.logged_in(worker("bob", "rig1"), ([10, 0, 0, 7], 4000).into());
    activity.refused(&worker("bob", "rig1"), 55);
    activity.refused(&worker("bob", "rig1"), 45);
    drive(&mut sink_at(&server.url(), &activity), &pages).unwrap();

    let mut connection = server.client();
    let keys: Vec<String> = connection.keys("*").unwrap();
    assert_eq!(keys.len(), 6, "{keys:?}");
    let rig = worker_id("rig1");
    let one = |field: &str, value: &str| BTreeMap::from([(field.to_owned(), value.to_owned())]);
    assert_eq!(hash(&mut connection, "initWorker"), one("bob", &format!("{rig}/rig1/10.0.0.7:4000")));
    let field = format!("bob:{rig}");
    assert_eq!(hash(&mut connection, "workers:reject:current"), one(&field, "100"));
    assert_eq!(hash(&mut connection, "workers:accept:current"), one(&field, "101"));
    assert_eq!(hash(&mut connection, "workers:lastShare"), one(&field, "10.0.0.7/1700000000/rig1"));
    let solutions = hash(&mut connection, "successSolution:current");
    let counter = u64::MAX - 1;
    let value = format!("ann/{rig}/rig1/00000000/9001/8000/{counter}/ab1hash9/1/1000010/1700000010");
    assert_eq!(solutions[&format!("10:solution110x1:{counter}")], value);
    assert_eq!(solutions.len(), 2);
}

#[test]
fn a_backlog_is_carried_over_and_a_new_sink_goes_on_where_the_last_one_was() {
    let server = RedisServer::start();
    let pages = Pages::with(2_500, 120);
    for _ in 0..3 {
        drive(&mut sink_to(&server), &pages).unwrap();
        assert_is_copy(&server, &pages);
        pages.add(7, 1);
    }
}

#[test]
fn whatever_is_cut_off_nothing_is_missing_and_nothing_twice() {
    let server = RedisServer::start();
    let mut connection = server.client();
    let line = Line::to(server.port());
    let through_line = format!("redis://127.0.0.1:{}", line.port);
    line.keep_whole();
    let activity = Activity::default();
    activity.refused(&worker("ann", "rig1"), 30);
    drive(&mut sink_at(&through_line, &activity), &Pages::with(20, 2)).unwrap();
    let whole = line.passed();
    // Closer together towards the end, where the reply to a write may get lost.
    for (bytes, restarted) in
        (1..whole).step_by(97).chain((whole - 500..whole).step_by(5)).zip([true, false].iter().cycle())
    {
        redis::cmd("FLUSHALL").exec(&mut connection).unwrap();
        let (pages, activity) = (Pages::with(20, 2), Activity::default());
        activity.refused(&worker("ann", "rig1"), 30);
        let mut sink = sink_at(&through_line, &activity);
        line.cut_after(bytes);
        assert!(drive(&mut sink, &pages).is_err() && line.was_cut(), "not cut after {bytes}");
        if *restarted {
            // A new sink, which knows nothing.
            drop(sink);
            sink = sink_at(&server.url(), &Activity::default());
        }
        pages.add(3, 1);
        activity.refused(&worker("ann", "rig1"), 4);
        drive(&mut sink, &pages).unwrap();
        assert_is_copy(&server, &pages);
        if !restarted {
            // News that were taken and not written are retried, then come the new ones.
            drive(&mut sink, &pages).unwrap();
            let refusals = numbers(&mut connection, "workers:reject:current");
            assert_eq!(refusals.values().sum::<u64>(), 34, "cut after {bytes}");
        }
    }
}

#[test]
fn a_server_that_lost_its_data_is_filled_again() {
    let server = RedisServer::start();
    let (pages, activity) = (Pages::with(50, 2), Activity::default());
    activity.logged_in(worker("ann", "rig1"), ([10, 0, 0, 7], 4000).into());
    let mut sink = sink_at(&server.url(), &activity);
    drive(&mut sink, &pages).unwrap();
    redis::cmd("FLUSHALL").exec(&mut server.client()).unwrap();
    assert!(matches!(sink.step(&*pages), Err(Trouble::Unreachable(_))), "noticed although nothing was new");
    drive(&mut sink, &pages).unwrap();
    assert_is_copy(&server, &pages);
    assert_eq!(hash(&mut server.client(), "initWorker").len(), 1, "logins come again as well");

    redis::cmd("FLUSHALL").exec(&mut server.client()).unwrap();
    pages.add(1, 0);
    assert!(sink.step(&*pages).is_err(), "not counted on top of nothing");
    drive(&mut sink, &pages).unwrap();
    assert_is_copy(&server, &pages);
}

#[test]
fn the_readers_may_take_the_current_counts_away() {
    let server = RedisServer::start();
    let pages = Pages::with(10, 0);
    let mut sink = sink_to(&server);
    drive(&mut sink, &pages).unwrap();
    let current = format!("{DEFAULT_PREFIX}workers:accept:current");
    let () = server.client().rename(&current, "taken").unwrap();
    pages.add(5, 0);
    drive(&mut sink, &pages).unwrap();
    let taken: BTreeMap<String, u64> = server.client().hgetall("taken").unwrap();
    let left = numbers(&mut server.client(), "workers:accept:current");
    let sum: u64 = taken.values().chain(left.values()).sum();
    assert_eq!(sum, pages.credit().values().sum::<u64>());
}

#[test]
fn a_killed_server_costs_a_running_sink_nothing() {
    let mut server = RedisServer::start_persistent();
    let (pages, activity) = (Pages::with(3_000, 1), Activity::default());
    let sink = runner::start(sink_at(&server.url(), &activity), pages.clone()).unwrap();
    for round in 0..4 {
        pages.add(2_000, 1);
        activity.refused(&worker("ann", "rig1"), 10);
        let wanted = sink.status().progress.share.map(|share| share + 1_500);
        until("it goes on", || sink.status().progress.share >= wanted.min(Some(3_000)));
        server.kill();
        pages.add(100, 0);
        until("it is noticed", || matches!(sink.status().trouble, Some(Trouble::Unreachable(_))));
        server.restart();
        let last = pages.shares.lock().unwrap().last().map(|share| share.seq);
        until("it catches up", || sink.status().progress.share == last && sink.status().trouble.is_none());
        assert_is_copy(&server, &pages);
        let refusals = numbers(&mut server.client(), "workers:reject:current");
        assert_eq!(refusals.values().sum::<u64>(), 10 * (round + 1));
    }
}

#[test]
fn a_server_that_came_back_with_older_data_is_fed_from_there() {
    let server = RedisServer::start();
    let pages = Pages::with(10, 1);
    let mut sink = sink_to(&server);
    drive(&mut sink, &pages).unwrap();
    let mut connection = server.client();
    let mut older: Vec<(String, BTreeMap<String, String>)> = vec![];
    let keys: Vec<String> = connection.keys("*").unwrap();
    for key in keys {
        older.push((key.clone(), connection.hgetall(&key).unwrap()));
    }
    pages.add(10, 1);
    drive(&mut sink, &pages).unwrap();
    redis::cmd("FLUSHALL").exec(&mut connection).unwrap();
    for (key, fields) in older {
        let fields: Vec<_> = fields.into_iter().collect();
        let () = connection.hset_multiple(key, &fields).unwrap();
    }
    pages.add(1, 0);
    assert!(sink.step(&*pages).is_err());
    drive(&mut sink, &pages).unwrap();
    assert_is_copy(&server, &pages);
}

#[test]
fn what_does_not_fit_the_ledger_is_refused_and_left_as_it_is() {
    let server = RedisServer::start();
    let pages = Pages::with(10, 1);
    drive(&mut sink_to(&server), &pages).unwrap();

    let another = Pages::with(20, 1);
    another.shares.lock().unwrap()[9].mark = "of another ledger".into();
    assert!(refused(drive(&mut sink_to(&server), &another)).contains("its share 10 is not the ledger's"));
    let shorter = Pages::with(9, 1);
    assert!(refused(drive(&mut sink_to(&server), &shorter)).contains("the ledger ends at 9"));
    let forked = Pages::with(10, 1);
    forked.blocks.lock().unwrap()[0].hash = "ab1other".into();
    assert!(refused(drive(&mut sink_to(&server), &forked)).contains("its block 10"));

    let () = server.client().del(format!("{DEFAULT_PREFIX}pool:cursor")).unwrap();
    assert!(refused(drive(&mut sink_to(&server), &pages)).contains("has counts but no"));
    assert_is_copy(&server, &pages);
}

/// Shares 6 to 10 and the second block came after the backup.
#[test]
fn a_ledger_put_back_from_a_backup_goes_on_with_its_new_shares() {
    let server = RedisServer::start();
    let pages = Pages::with(10, 2);
    drive(&mut sink_to(&server), &pages).unwrap();
    let copied = pages.credit();

    let restored = Pages::with(5, 1);
    *restored.life.lock().unwrap() = Life { number: 1, goes_on_after: 5 };
    drive(&mut sink_to(&server), &restored).unwrap();
    let accepted = || numbers(&mut server.client(), "workers:accept:current");
    assert_eq!(accepted(), copied, "what it has is history, and stays");

    // The numbers from 6 on are given again; the second block is found again by itself.
    restored.add(3, 1);
    for share in restored.shares.lock().unwrap()[5..].iter_mut() {
        share.mark = format!("another {}", share.seq);
    }
    for _ in 0..2 {
        drive(&mut sink_to(&server), &restored).unwrap();
    }
    let mut expected = copied;
    for share in &restored.shares.lock().unwrap()[5..] {
        let field = format!("{}:{}", share.worker.account, worker_id(&share.worker.name));
        *expected.entry(field).or_default() += share.target;
    }
    assert_eq!(accepted(), expected);

    *restored.life.lock().unwrap() = Life { number: 3, goes_on_after: 8 };
    let said = refused(drive(&mut sink_to(&server), &restored));
    assert!(said.contains("life 1 of the ledger, which is in life 3"), "{said}");
}

#[test]
fn a_portion_that_redis_would_break_off_is_not_begun() {
    let server = RedisServer::start();
    let (pages, activity) = (Pages::with(3, 0), Activity::default());
    let mut sink = sink_at(&server.url(), &activity);
    drive(&mut sink, &pages).unwrap();
    let before = hash(&mut server.client(), "workers:accept:current");
    pages.add(3, 0);
    let full = format!("{DEFAULT_PREFIX}workers:reject:current");
    let field = format!("ann:{}", worker_id("rig1"));
    activity.refused(&worker("ann", "rig1"), 5);
    let mut connection = server.client();
    for (value, why) in [(i64::MAX.to_string().as_str(), "64 bits"), ("many", "not a number")] {
        let () = connection.hset(&full, &field, value).unwrap();
        assert!(refused(drive(&mut sink, &pages)).contains(why));
    }
    let () = connection.del(&full).unwrap();
    let () = connection.set(&full, "text").unwrap();
    assert!(refused(drive(&mut sink, &pages)).contains("not a hash"));
    assert_eq!(hash(&mut connection, "workers:accept:current"), before);

    let () = connection.del(&full).unwrap();
    drive(&mut sink, &pages).unwrap();
    assert_is_copy(&server, &pages);
    assert_eq!(numbers(&mut connection, "workers:reject:current").values().sum::<u64>(), 5);
}

#[test]
fn shares_that_left_the_ledger_before_are_told() {
    let server = RedisServer::start();
    let pages = Pages::with(10, 0);
    pages.shares.lock().unwrap().drain(..4);
    let mut sink = sink_to(&server);
    drive(&mut sink, &pages).unwrap();
    assert_eq!((sink.progress().share, sink.progress().missed), (Some(10), 4));
    assert_is_copy(&server, &pages);
}

#[test]
fn a_restarted_pool_keeps_the_address_redis_knows() {
    let server = RedisServer::start();
    let (pages, activity) = (Pages::with(1, 0), Activity::default());
    activity.accepted(&worker("bob", "rig1"), [10, 0, 0, 9].into());
    drive(&mut sink_at(&server.url(), &activity), &pages).unwrap();
    pages.add(15, 0);
    drive(&mut sink_to(&server), &pages).unwrap();
    let last = hash(&mut server.client(), "workers:lastShare");
    assert_eq!(last[&format!("bob:{}", worker_id("rig1"))], "10.0.0.9/1700000000/rig1");
    assert_eq!(last[&format!("ann:{}", worker_id("rig0"))], "0.0.0.0/1700000000/rig0");
}

#[test]
fn a_wrong_password_is_told_without_showing_it() {
    let server = RedisServer::start();
    let () =
        redis::cmd("CONFIG").arg(&["SET", "requirepass", "hunter2"]).query(&mut server.client()).unwrap();
    let pages = Arc::new(Pages::default());
    let wrong = format!("redis://:hunter3@127.0.0.1:{}", server.port());
    let text = refused(drive(&mut sink_at(&wrong, &Activity::default()), &pages));
    assert!(!text.contains("hunter"), "{text}");
    let right = format!("redis://:hunter2@127.0.0.1:{}", server.port());
    drive(&mut sink_at(&right, &Activity::default()), &pages).unwrap();
}
