//! katpool's tables and n-stratum's `blocks_records` on a real PostgreSQL server.

use std::collections::BTreeMap;

use pool_sinks::{
    books::Reward,
    names::worker_id,
    postgres::PostgresSink,
    runner,
    sink::{Sink, Step, Trouble},
};

use crate::{
    servers::{PostgresServer, until},
    support::{Line, Pages, drive},
};

fn sink_to(url: &str) -> PostgresSink {
    PostgresSink::new(url.parse().unwrap(), "aleo", "cellar")
}

/// Each row as text, its fields joined by `|`.
fn rows(client: &mut postgres::Client, sql: &str) -> Vec<String> {
    let rows = client.simple_query(sql).unwrap();
    rows.into_iter()
        .filter_map(|message| match message {
            postgres::SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|at| row.get(at).unwrap_or("NULL")).collect::<Vec<_>>().join("|"))
            }
            _ => None,
        })
        .collect()
}

fn columns(client: &mut postgres::Client, table: &str) -> String {
    let sql = format!(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = '{table}' \
         ORDER BY ordinal_position"
    );
    rows(client, &sql).join(", ")
}

fn sums(client: &mut postgres::Client, sql: &str) -> BTreeMap<String, u64> {
    let split = |row: String| {
        let (name, sum) = row.split_once('|').unwrap();
        (name.to_owned(), sum.parse().unwrap())
    };
    rows(client, sql).into_iter().map(split).collect()
}

fn assert_is_copy(server: &PostgresServer, pages: &Pages) {
    let mut client = server.client();
    assert_eq!(sums(&mut client, "SELECT address, total FROM wallet_total"), pages.rewards());
    assert_eq!(sums(&mut client, "SELECT wallet, balance FROM miners_balance"), pages.rewards());
    let mut expected: Vec<String> = vec![];
    for block in pages.blocks.lock().unwrap().iter() {
        expected.extend(block.solutions.iter().map(|landed| format!("{}|{}", block.height, landed.id)));
    }
    let found =
        rows(&mut client, "SELECT height, solution_id FROM blocks_records ORDER BY height, solution_id");
    assert_eq!(found, expected);
}

fn refused(result: Result<(), Trouble>) -> String {
    match result {
        Err(Trouble::Refused(text)) => text,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn the_tables_are_katpools_and_n_stratums() {
    let server = PostgresServer::start();
    let pages = Pages::with(0, 2);
    drive(&mut sink_to(&server.url()), &pages).unwrap();
    let mut client = server.client();
    let text = "character varying";
    assert_eq!(
        columns(&mut client, "miners_balance"),
        format!("id|{text}, miner_id|{text}, wallet|{text}, balance|numeric")
    );
    assert_eq!(columns(&mut client, "wallet_total"), format!("address|{text}, total|numeric"));
    assert_eq!(
        columns(&mut client, "payments"),
        format!(
            "id|integer, wallet_address|ARRAY, amount|bigint, timestamp|timestamp without time zone, \
             transaction_hash|{text}"
        )
    );
    assert_eq!(
        rows(&mut client, "SELECT * FROM miners_balance ORDER BY id"),
        ["ann_ann|ann|ann|3000000", "bob_bob|bob|bob|1000060"]
    );
    let names = "id puid worker_id worker_name job_id height chain nonce is_orphaned hash rewards fees size prev_hash \
                 bits version timestamp created_at updated_at location solution_id counter";
    let sql = "SELECT column_name FROM information_schema.columns WHERE table_name = 'blocks_records' \
               ORDER BY ordinal_position";
    assert_eq!(rows(&mut client, sql).join(" "), names);
    let filled = names.replace("created_at updated_at ", "").replace(' ', ", ");
    let (rig, counter) = (worker_id("rig1"), u64::MAX - 1);
    assert_eq!(
        rows(&mut client, &format!("SELECT {filled} FROM blocks_records WHERE id = 2")),
        [format!(
            "2|ann|{rig}|rig1|00000000|10|aleo|{counter}|f|ab1hash10|1000010|0|1234|ab1hash9|8000|1|1700000010|\
             cellar|solution110x1|{counter}"
        )]
    );
    let made = "SELECT count(*) FROM blocks_records WHERE created_at IS NULL OR updated_at IS NULL";
    assert_eq!(rows(&mut client, made), ["0"]);
}

#[test]
fn whatever_is_cut_off_nothing_is_missing_and_nothing_twice() {
    let server = PostgresServer::start();
    let line = Line::to(server.port());
    let through_line = server.url().replace(&server.port().to_string(), &line.port.to_string());
    let mut client = server.client();
    line.keep_whole();
    drive(&mut sink_to(&through_line), &Pages::with(0, 2)).unwrap();
    let whole = line.passed();
    // Closer together towards the end, where the reply to a write may get lost.
    let cuts = (100..whole).step_by(997).chain((whole - 500..whole).step_by(50));
    for (bytes, restarted) in cuts.zip([true, false].iter().cycle()) {
        client
            .batch_execute(
                "DROP TABLE IF EXISTS miners_balance, wallet_total, payments, blocks_records, pool_sink",
            )
            .unwrap();
        let pages = Pages::with(0, 2);
        let mut sink = sink_to(&through_line);
        line.cut_after(bytes);
        assert!(drive(&mut sink, &pages).is_err() && line.was_cut(), "not cut after {bytes}");
        if *restarted {
            // A new sink, which knows nothing.
            drop(sink);
            sink = sink_to(&server.url());
        }
        pages.add(0, 1);
        drive(&mut sink, &pages).unwrap();
        assert_is_copy(&server, &pages);
    }
}

#[test]
fn a_killed_server_costs_a_running_sink_nothing() {
    let mut server = PostgresServer::start();
    let pages = Pages::with(0, 50);
    let sink = runner::start(sink_to(&server.url()), pages.clone()).unwrap();
    for _ in 0..3 {
        let begun = sink.status().progress.block;
        pages.add(0, 200);
        until("it goes on", || sink.status().progress.block > begun);
        server.kill();
        pages.add(0, 1);
        until("it is noticed", || matches!(sink.status().trouble, Some(Trouble::Unreachable(_))));
        server.restart();
        let last = pages.blocks.lock().unwrap().last().map(|block| block.height);
        until("it catches up", || {
            let status = sink.status();
            Some(status.progress.block) == last && status.trouble.is_none()
        });
        assert_is_copy(&server, &pages);
    }
}

#[test]
fn a_block_waits_for_its_dump() {
    let server = PostgresServer::start();
    let pages = Pages::with(0, 2);
    let late = pages.dumps.lock().unwrap().pop().unwrap();
    let mut sink = sink_to(&server.url());
    sink.connect(&*pages).unwrap();
    assert_eq!(sink.step(&*pages), Ok(Step::Wrote));
    assert_eq!(sink.step(&*pages), Ok(Step::Waiting));
    assert_eq!(sink.progress().block, 10);
    pages.dumps.lock().unwrap().push(late);
    drive(&mut sink, &pages).unwrap();
    assert_is_copy(&server, &pages);
}

#[test]
fn what_others_write_beside_is_kept() {
    let server = PostgresServer::start();
    let pages = Pages::with(0, 1);
    let mut sink = sink_to(&server.url());
    drive(&mut sink, &pages).unwrap();
    // Like katpool's payment service after a payment.
    server.client().batch_execute("UPDATE miners_balance SET balance = 0 WHERE wallet = 'ann'").unwrap();
    pages.add(0, 1);
    drive(&mut sink, &pages).unwrap();
    let mut client = server.client();
    assert_eq!(rows(&mut client, "SELECT balance FROM miners_balance WHERE wallet = 'ann'"), ["1500000"]);
    assert_eq!(rows(&mut client, "SELECT total FROM wallet_total WHERE address = 'ann'"), ["3000000"]);
}

#[test]
fn tables_of_the_old_puzzle_and_of_other_types_are_filled_as_they_are() {
    let server = PostgresServer::start();
    let old = "CREATE TABLE blocks_records (id SERIAL PRIMARY KEY, puid TEXT, worker_id TEXT, worker_name TEXT, \
               job_id TEXT, height INTEGER, chain TEXT, nonce TEXT, is_orphaned BOOLEAN, hash TEXT, rewards BIGINT, \
               fees BIGINT, size INTEGER, prev_hash TEXT, bits TEXT, version TEXT, timestamp NUMERIC, created_at \
               TIMESTAMPTZ, updated_at TIMESTAMPTZ, location TEXT, commitment TEXT, proof TEXT)";
    server.client().batch_execute(old).unwrap();
    let pages = Pages::with(0, 1);
    drive(&mut sink_to(&server.url()), &pages).unwrap();
    let found =
        rows(&mut server.client(), "SELECT commitment, proof FROM blocks_records WHERE worker_name = 'rig1'");
    assert_eq!(found, [format!("solution110x1|{}", u64::MAX - 1)]);
}

#[test]
fn dropped_tables_are_filled_again_or_it_is_told() {
    let server = PostgresServer::start();
    let pages = Pages::with(0, 3);
    let mut sink = sink_to(&server.url());
    drive(&mut sink, &pages).unwrap();
    let mut client = server.client();
    client.batch_execute("DROP TABLE blocks_records, miners_balance, wallet_total").unwrap();
    pages.add(0, 1);
    assert!(sink.step(&*pages).is_err());
    drive(&mut sink, &pages).unwrap();
    assert_is_copy(&server, &pages);

    client.batch_execute("DROP TABLE wallet_total").unwrap();
    assert!(refused(drive(&mut sink, &pages)).contains("miners_balance was not"));
    client.batch_execute("DROP TABLE miners_balance").unwrap();
    let paid = "INSERT INTO payments (wallet_address, amount, transaction_hash) VALUES ('{ann}', 5, 'at1')";
    client.batch_execute(paid).unwrap();
    assert!(refused(drive(&mut sink, &pages)).contains("payments was not"));
    client.batch_execute("DROP TABLE payments").unwrap();
    drive(&mut sink, &pages).unwrap();
    assert_is_copy(&server, &pages);

    server.empty();
    let lost = sink.step(&*pages);
    assert!(matches!(lost, Err(Trouble::Unreachable(_))), "noticed although nothing was new: {lost:?}");
    drive(&mut sink, &pages).unwrap();
    assert_is_copy(&server, &pages);
}

#[test]
fn what_does_not_fit_the_ledger_is_refused_and_left_as_it_is() {
    let server = PostgresServer::start();
    let pages = Pages::with(0, 1);
    drive(&mut sink_to(&server.url()), &pages).unwrap();
    let other = Pages::with(0, 1);
    other.blocks.lock().unwrap()[0].hash = "ab1other".into();
    assert!(refused(drive(&mut sink_to(&server.url()), &other)).contains("block 10 of another ledger"));

    server.client().batch_execute("DROP TABLE pool_sink").unwrap();
    assert!(refused(drive(&mut sink_to(&server.url()), &pages)).contains("has rows but pool_sink"));
    assert_is_copy(&server, &pages);
}

#[test]
fn a_wrong_database_is_told_and_a_broken_table_too() {
    let server = PostgresServer::start();
    let pages = Pages::with(0, 1);
    let nowhere = server.url().replace("/books", "/nowhere");
    assert!(refused(drive(&mut sink_to(&nowhere), &pages)).contains("\"nowhere\" does not exist"));
    server.client().batch_execute("CREATE TABLE wallet_total (address VARCHAR(255), total NUMERIC)").unwrap();
    assert!(refused(drive(&mut sink_to(&server.url()), &pages)).contains("ON CONFLICT"));
    let untouched = rows(&mut server.client(), "SELECT * FROM miners_balance");
    assert!(untouched.is_empty(), "a portion is written whole or not at all");
}

#[test]
fn sums_may_exceed_64_bits_and_names_may_hold_anything() {
    let server = PostgresServer::start();
    let pages = Pages::with(0, 2);
    for dump in pages.dumps.lock().unwrap().iter_mut() {
        dump.rewards = vec![Reward { account: "o'hara; DROP TABLE payments".into(), amount: u64::MAX }];
    }
    drive(&mut sink_to(&server.url()), &pages).unwrap();
    let total = rows(&mut server.client(), "SELECT total FROM wallet_total");
    assert_eq!(total, [(2 * u128::from(u64::MAX)).to_string()]);
}
