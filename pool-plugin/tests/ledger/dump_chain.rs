//! Dumps with terms: the payouts, and how each dump links to the previous one, from a real database.

use std::path::Path;

use pool_core::{
    accounting::terms::{Fee, Rules, Scheme},
    types::Network,
};
use pool_plugin::{
    books::dump::{self, DumpError},
    ledger::{ShareLedger, WriteError, records::DumpMark},
};
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::{
    repository,
    support::{PROOF_TARGET, append_for, block, found, key, open, worker},
};

const PPLNS: Scheme = Scheme::Pplns { window: 1 };

fn rules(scheme: Scheme, fees: &[(&str, u32)]) -> Rules {
    let fee = |(account, points): &(&str, u32)| Fee { account: (*account).to_owned(), basis_points: *points };
    Rules { scheme, fees: fees.iter().map(fee).collect() }
}

/// A share of `account`, worth `target`; each counter once.
async fn share(ledger: &ShareLedger, counter: u64, account: &str, target: u64) -> u64 {
    append_for(ledger, key(0, counter), worker(account, "rig"), target).await.unwrap()
}

async fn find(ledger: &ShareLedger, counter: u64, account: &str) {
    let mut record = found(0, counter);
    record.finder = Some(worker(account, "rig"));
    ledger.record_found(record).await.unwrap();
}

/// Writes the dump of a round and records it in the ledger, like the pool.
async fn publish(ledger: &ShareLedger, dir: &Path, height: u32) -> Value {
    let round = ledger.round(height).unwrap().unwrap();
    let written = dump::write(dir, ledger, &round, Network::Testnet).unwrap();
    for (height, mark) in written.marks {
        ledger.record_dump(height, mark).await.unwrap();
    }
    serde_json::from_slice(&std::fs::read(written.path).unwrap()).unwrap()
}

fn render(ledger: &ShareLedger, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    dump::export(ledger, height, &mut bytes).unwrap();
    bytes
}

fn rewards(dump: &Value) -> Vec<(&str, u64)> {
    let accounts = dump["accounts"].as_array().unwrap().iter();
    accounts.map(|entry| (entry["account"].as_str().unwrap(), number(&entry["reward"]))).collect()
}

fn number(value: &Value) -> u64 {
    value.as_str().map_or_else(|| value.as_u64(), |text| text.parse().ok()).unwrap()
}

#[tokio::test]
async fn pplns_pays_the_last_work_and_of_the_share_on_the_edge_a_part() {
    let dir = tempdir().unwrap();
    let ledger = open(&dir.path().join("db"));
    ledger.set_rules(rules(PPLNS, &[("pool", 100)])).await.unwrap();
    share(&ledger, 1, "early", 500).await;
    share(&ledger, 2, "edge", 700).await;
    share(&ledger, 3, "late", 600).await;
    find(&ledger, 70, "early").await;
    ledger.apply_block(block(10, &[70])).await.unwrap();
    let dump = publish(&ledger, dir.path(), 10).await;

    assert_eq!(dump["schema_version"], 2);
    assert_eq!(dump["total_credit"], PROOF_TARGET.to_string(), "one proof target of work");
    assert_eq!(dump["window"], json!({"first_seq": 2, "last_seq": 3, "count": 2, "first_credit": "400"}));
    assert_eq!(dump["round"], json!({"first_seq": 1, "last_seq": 3, "count": 3, "credit": "1800"}));
    assert_eq!(dump["scheme"], json!({"name": "pplns", "window": 1, "reach_seq": 1, "since_seq": 1}));
    assert_eq!(dump["fees"], json!([{"account": "pool", "basis_points": 100, "amount": "10000"}]));
    assert_eq!(rewards(&dump), [("edge", 396_028), ("late", 594_042), ("pool", 10_000)]);
    assert_eq!((&dump["previous"], &dump["carried_out"]), (&Value::Null, &json!("0")));

    // The next block, without a share in between: the same window, and the chain continues.
    ledger.apply_block(block(11, &[71, 72])).await.unwrap();
    let next = publish(&ledger, dir.path(), 11).await;
    assert_eq!(next["window"], dump["window"]);
    assert_eq!(next["round"], json!({"first_seq": 4, "last_seq": 3, "count": 0, "credit": "0"}));
    assert_eq!(next["previous"], dump["digest"]);
    assert_eq!(rewards(&next).iter().map(|(_, reward)| reward).sum::<u64>(), 2_000_143);
}

#[tokio::test]
async fn another_scheme_holds_from_its_share_on_and_rewrites_nothing() {
    let dir = tempdir().unwrap();
    let ledger = open(&dir.path().join("db"));
    ledger.set_rules(rules(Scheme::Prop, &[])).await.unwrap();
    share(&ledger, 1, "ann", 100).await;
    share(&ledger, 2, "bob", 300).await;
    ledger.apply_block(block(10, &[70])).await.unwrap();
    share(&ledger, 3, "ann", 50).await;
    let before = render(&ledger, 10);

    let terms = ledger.set_rules(rules(PPLNS, &[])).await.unwrap();
    assert_eq!((terms.since_seq, terms.reach_seq), (4, 3), "the open round began with share 3");
    // A block that was mined before the change, but is seen after it: no share is under the new rules yet.
    ledger.apply_block(block(11, &[71])).await.unwrap();
    share(&ledger, 4, "bob", 150).await;
    ledger.apply_block(block(12, &[72])).await.unwrap();
    let fees = ledger.set_rules(rules(PPLNS, &[("pool", 5_000)])).await.unwrap();
    assert_eq!((fees.since_seq, fees.reach_seq), (5, 3), "other fees cut no window");
    share(&ledger, 5, "cat", 50).await;
    ledger.apply_block(block(13, &[73])).await.unwrap();

    assert_eq!(publish(&ledger, dir.path(), 10).await["scheme"], json!({"name": "prop", "since_seq": 1}));
    assert_eq!(render(&ledger, 10), before);
    let late = publish(&ledger, dir.path(), 11).await;
    assert_eq!((&late["scheme"]["name"], rewards(&late)), (&json!("prop"), vec![("ann", 1_000_071)]));
    let first = publish(&ledger, dir.path(), 12).await;
    assert_eq!((&first["window"]["first_seq"], &first["scheme"]["since_seq"]), (&json!(3), &json!(4)));
    assert_eq!(rewards(&first), [("ann", 250_018), ("bob", 750_054)]);
    let second = publish(&ledger, dir.path(), 13).await;
    assert_eq!(rewards(&second), [("ann", 100_008), ("bob", 300_022), ("cat", 100_007), ("pool", 500_036)]);
    assert_eq!(ledger.terms().unwrap().len(), 3);
}

#[tokio::test]
async fn the_same_rules_again_change_nothing_and_unused_ones_are_replaced() {
    let dir = tempdir().unwrap();
    let ledger = open(dir.path());
    let first = ledger.set_rules(rules(PPLNS, &[])).await.unwrap();
    share(&ledger, 1, "ann", 100).await;
    assert_eq!(ledger.set_rules(rules(PPLNS, &[])).await.unwrap(), first);
    ledger.set_rules(rules(Scheme::Solo, &[])).await.unwrap();
    let back = ledger.set_rules(rules(PPLNS, &[])).await.unwrap();
    assert_eq!((back.since_seq, back.reach_seq, ledger.terms().unwrap().len()), (2, 1, 2));
    drop(ledger);
    assert_eq!(open(dir.path()).set_rules(rules(PPLNS, &[])).await.unwrap(), back, "after a restart");
}

#[tokio::test]
async fn what_nobody_can_claim_is_carried_until_somebody_can() {
    let dir = tempdir().unwrap();
    let ledger = open(&dir.path().join("db"));
    ledger.set_rules(rules(Scheme::Prop, &[("pool", 1_000)])).await.unwrap();
    // Landed before the first share was ever stored.
    ledger.apply_block(block(10, &[70])).await.unwrap();
    ledger.apply_block(block(11, &[71])).await.unwrap();
    share(&ledger, 1, "ann", 100).await;
    ledger.apply_block(block(12, &[72])).await.unwrap();
    let mut all = vec![];
    for height in 10..=12 {
        all.push(publish(&ledger, dir.path(), height).await);
    }
    let carried: Vec<u64> = all.iter().map(|dump| number(&dump["carried_out"])).collect();
    assert_eq!(carried, [1_000_070, 2_000_141, 0]);
    assert_eq!(rewards(&all[0]), []);
    assert_eq!(rewards(&all[2]), [("ann", 2_700_192), ("pool", 300_021)]);
}

#[tokio::test]
async fn solo_pays_each_finder_and_carries_a_landing_the_database_never_saw() {
    let dir = tempdir().unwrap();
    let ledger = open(&dir.path().join("db"));
    ledger.set_rules(rules(Scheme::Solo, &[])).await.unwrap();
    share(&ledger, 1, "worker-only", 100).await;
    find(&ledger, 70, "ann").await;
    find(&ledger, 71, "bob").await;
    ledger.apply_block(block(10, &[70, 71, 72])).await.unwrap();
    let both = publish(&ledger, dir.path(), 10).await;
    assert_eq!(rewards(&both), [("ann", 1_000_070), ("bob", 1_000_071), ("worker-only", 0)]);
    assert_eq!(both["carried_out"], "1000072");
    // Its find is recorded late, after a full disk: the round stays as it was.
    find(&ledger, 72, "cat").await;
    find(&ledger, 73, "cat").await;
    ledger.apply_block(block(11, &[73])).await.unwrap();
    assert_eq!(render(&ledger, 10), dump_file(dir.path(), 10));
    assert_eq!(rewards(&publish(&ledger, dir.path(), 11).await), [("cat", 2_000_145)]);
}

fn dump_file(dir: &Path, height: u32) -> Vec<u8> {
    let prefix = format!("{height}-");
    let mut entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    let entry = entries.find(|entry| entry.file_name().to_str().unwrap().starts_with(&prefix)).unwrap();
    std::fs::read(entry.path()).unwrap()
}

#[tokio::test]
async fn a_chain_is_the_same_from_its_marks_without_them_and_beside_a_running_pool() {
    let dir = tempdir().unwrap();
    let db = dir.path().join("db");
    let ledger = open(&db);
    // One round from before terms existed.
    share(&ledger, 1, "old", 100).await;
    ledger.apply_block(block(10, &[70])).await.unwrap();
    ledger.set_rules(rules(PPLNS, &[])).await.unwrap();
    for height in 11..20u32 {
        share(&ledger, u64::from(height), if height % 3 == 0 { "ann" } else { "bob" }, 400).await;
        ledger.apply_block(block(height, &[u64::from(height)])).await.unwrap();
    }
    let unmarked: Vec<Vec<u8>> = (10..20).map(|height| render(&ledger, height)).collect();
    for height in 10..20 {
        publish(&ledger, dir.path(), height).await;
    }
    let heights = 10..20;
    let marked: Vec<Vec<u8>> = heights.clone().map(|height| render(&ledger, height)).collect();
    assert_eq!(marked, unmarked);
    let reader = ShareLedger::open_read_only(&db).unwrap();
    assert_eq!(heights.clone().map(|height| render(&reader, height)).collect::<Vec<_>>(), unmarked);
    drop((ledger, reader));
    let reopened = open(&db);
    assert_eq!(heights.map(|height| render(&reopened, height)).collect::<Vec<_>>(), unmarked);
    let old: Value = serde_json::from_slice(&unmarked[0]).unwrap();
    assert_eq!((&old["schema_version"], old.get("digest")), (&json!(1), None));
    let first: Value = serde_json::from_slice(&unmarked[1]).unwrap();
    assert_eq!((&first["previous"], &first["window"]["first_seq"]), (&Value::Null, &json!(2)));
}

#[tokio::test]
async fn a_window_over_many_pages_of_shares_counts_each_once() {
    let dir = tempdir().unwrap();
    let ledger = open(dir.path());
    ledger.set_rules(rules(Scheme::Pplns { window: 9 }, &[])).await.unwrap();
    let names: Vec<String> = (0..7).map(|number| format!("miner-{number}")).collect();
    let appends = (1..=9_500u64).map(|counter| {
        let ledger = ledger.clone();
        let worker = worker(&names[(counter % 7) as usize], "rig");
        tokio::spawn(async move { append_for(&ledger, key(0, counter), worker, 1).await.unwrap() })
    });
    for append in appends.collect::<Vec<_>>() {
        append.await.unwrap();
    }
    ledger.apply_block(block(10, &[70])).await.unwrap();
    let dump: Value = serde_json::from_slice(&render(&ledger, 10)).unwrap();
    assert_eq!(dump["window"]["first_seq"], 501);
    assert_eq!((&dump["total_credit"], &dump["round"]["count"]), (&json!("9000"), &json!(9_500)));
}

#[tokio::test]
async fn a_database_that_no_longer_gives_what_was_published_is_noticed() {
    let dir = tempdir().unwrap();
    let db = dir.path().join("db");
    let ledger = open(&db);
    ledger.set_rules(rules(Scheme::Prop, &[])).await.unwrap();
    share(&ledger, 1, "ann", 100).await;
    share(&ledger, 2, "bob", 100).await;
    ledger.apply_block(block(10, &[70])).await.unwrap();
    publish(&ledger, dir.path(), 10).await;
    let published = dump_file(dir.path(), 10);
    let other = DumpMark { digest: [0; 32], carried_out: 0, window_first_seq: 1 };
    assert_eq!(ledger.record_dump(10, other).await, Err(WriteError::OtherDump { height: 10 }));
    drop(ledger);

    // Share 2 becomes a copy of share 1.
    let options = rocksdb::Options::default();
    let families = rocksdb::DB::list_cf(&options, &db).unwrap();
    let database = rocksdb::DB::open_cf(&options, &db, families).unwrap();
    let shares = database.cf_handle("shares").unwrap();
    let first = database.get_cf(&shares, 1u64.to_be_bytes()).unwrap().unwrap();
    database.put_cf(&shares, 2u64.to_be_bytes(), first).unwrap();
    drop(database);
    let ledger = open(&db);
    let round = ledger.round(10).unwrap().unwrap();
    let refused = dump::write(dir.path(), &ledger, &round, Network::Testnet);
    assert!(matches!(refused, Err(DumpError::Changed { height: 10, .. })), "{refused:?}");
    assert_eq!(dump_file(dir.path(), 10), published, "the file is left as it was");
}

/// The schema's complaint about a document.
fn complaint(document: &Value) -> Option<String> {
    let mut schemas = boon::Schemas::new();
    let path = repository::file("docs/share-dump.schema.json");
    let schema = boon::Compiler::new().compile(path.to_str().unwrap(), &mut schemas).unwrap();
    schemas.validate(document, schema).err().map(|error| format!("{error:#}"))
}

#[tokio::test]
async fn dumps_follow_the_schema_and_the_schema_is_strict() {
    for scheme in [Scheme::Prop, PPLNS, Scheme::Solo] {
        let dir = tempdir().unwrap();
        let ledger = open(&dir.path().join("db"));
        ledger.set_rules(rules(scheme, &[("pool", 100)])).await.unwrap();
        ledger.apply_block(block(10, &[70])).await.unwrap();
        share(&ledger, 1, "ann", 100).await;
        ledger.apply_block(block(11, &[71])).await.unwrap();
        for height in [10, 11] {
            assert_eq!(complaint(&publish(&ledger, dir.path(), height).await), None);
        }
        let document = publish(&ledger, dir.path(), 11).await;
        for (place, wrong) in [
            ("/digest", json!("0")),
            ("/previous", json!("none")),
            ("/scheme/name", json!("pps")),
            ("/scheme/window", json!(0)),
            ("/fees/0/basis_points", json!(10_001)),
            ("/carried_out", json!(5)),
            ("/round/credit", json!("01")),
            ("/window/first_credit", Value::Null),
            ("/accounts/0/reward", json!("-1")),
        ] {
            let mut broken = document.clone();
            let (parent, name) = place.rsplit_once('/').unwrap();
            broken.pointer_mut(parent).unwrap()[name] = wrong;
            assert!(complaint(&broken).is_some(), "{place}");
        }
    }
}

#[tokio::test]
async fn the_example_in_the_docs_is_a_real_dump() {
    let dir = tempdir().unwrap();
    let ledger = open(dir.path());
    ledger.set_rules(rules(Scheme::Pplns { window: 12 }, &[("donations", 25)])).await.unwrap();
    let address = "aleo1rhgdu77hgyqd3xjj8ucu3jj9r2krwz6mnzyd80gncr5fxcwlh5rsvzp9px";
    let shares =
        [(address, "rig1", 4096), ("ann", "attic", 1024), ("ann", "attic", 1024), ("ann", "cellar", 8192)];
    for (counter, (account, name, target)) in (1..).zip(shares) {
        append_for(&ledger, key(0, counter), worker(account, name), target).await.unwrap();
    }
    let mut finder = found(0, 70);
    finder.finder = Some(worker("ann", "cellar"));
    ledger.record_found(finder).await.unwrap();
    ledger.apply_block(block(10, &[70])).await.unwrap().unwrap();

    let docs = include_str!("../../../docs/share-dump.md");
    let (_, example) = docs.split_once("```json\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    assert_eq!(example, String::from_utf8(render(&ledger, 10)).unwrap());
}
