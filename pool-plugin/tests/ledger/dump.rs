//! Dumps of rounds without terms (version 1): the same bytes from the same database, valid against the schema, never wrong sums.

use std::{fs, path::Path};

use pool_core::types::Network;
use pool_plugin::{
    books::dump::{self, DumpError, FileState},
    ledger::{ShareLedger, records::Round},
};
use serde_json::Value;
use tempfile::tempdir;

use crate::{
    repository,
    support::{POOL, append_for, block, found, key, open, worker},
};

const STRANGE: [&str; 6] = [
    "",
    "quote\" back\\slash",
    "new\nline\ttab\u{0}nul",
    "<img src=x onerror=alert(1)>",
    "矿工 👷 \u{202e}gpj.exe",
    "</script>&amp;",
];

/// Two rounds: seven shares and two solutions, then an empty window and a landing of unknown origin.
async fn fill(dir: &Path) -> ShareLedger {
    let ledger = open(dir);
    append_for(&ledger, key(0, 0), worker("bob", "rig"), u64::MAX).await.unwrap();
    for (counter, name) in (1..).zip(STRANGE) {
        append_for(&ledger, key(0, counter), worker("ann", name), 1000 + counter).await.unwrap();
    }
    let mut finder = found(0, 70);
    finder.finder = Some(worker("ann", STRANGE[3]));
    ledger.record_found(finder).await.unwrap();
    ledger.apply_block(block(10, &[70, u64::MAX])).await.unwrap().unwrap();
    ledger.apply_block(block(11, &[71])).await.unwrap().unwrap();
    ledger
}

fn round(ledger: &ShareLedger, height: u32) -> Round {
    ledger.round(height).unwrap().unwrap()
}

fn render(ledger: &ShareLedger, height: u32) -> Vec<u8> {
    dump::render(ledger, &round(ledger, height), Network::Testnet).unwrap()
}

fn parse(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

/// The schema's complaint about a document.
fn complaint(document: &Value) -> Option<String> {
    let mut schemas = boon::Schemas::new();
    let path = repository::file("docs/share-dump-1.schema.json");
    let schema = boon::Compiler::new().compile(path.to_str().unwrap(), &mut schemas).unwrap();
    schemas.validate(document, schema).err().map(|error| format!("{error:#}"))
}

#[tokio::test]
async fn a_dump_is_the_same_today_after_a_restart_and_beside_a_running_pool() {
    let dir = tempdir().unwrap();
    let ledger = fill(dir.path()).await;
    let bytes = render(&ledger, 10);
    // Later changes do not affect it.
    append_for(&ledger, key(0, 900), worker("ann", "late"), 5).await.unwrap();
    assert_eq!(render(&ledger, 10), bytes);
    assert_eq!(render(&ShareLedger::open_read_only(dir.path()).unwrap(), 10), bytes);
    drop(ledger);
    let reopened = open(dir.path());
    assert_eq!(render(&reopened, 10), bytes);
    let mut exported = Vec::new();
    dump::export(&reopened, 10, &mut exported).unwrap();
    assert_eq!(exported, bytes);
}

#[tokio::test]
async fn a_dump_says_who_did_what() {
    let dir = tempdir().unwrap();
    let ledger = fill(dir.path()).await;
    let document = parse(&render(&ledger, 10));
    assert_eq!(document["schema_version"], 1);
    assert_eq!(document["network"], "testnet");
    assert_eq!(document["height"], 10);
    assert_eq!(document["hash"], round(&ledger, 10).hash.to_string());
    assert_eq!(document["timestamp"], 1_700_000_010);
    assert_eq!(document["pool_address"], POOL.to_string());
    assert_eq!(document["window"], serde_json::json!({ "first_seq": 1, "last_seq": 7, "count": 7 }));
    let solutions = document["solutions"].as_array().unwrap();
    assert_eq!(solutions[0]["finder"]["worker"], STRANGE[3]);
    assert_eq!(solutions[0]["reward"], "1000070");
    assert_eq!(solutions[1]["finder"], Value::Null);
    assert_eq!(solutions[1]["counter"], "18446744073709551615");
    assert_eq!(document["total_shares"], 7);
    let accounts = document["accounts"].as_array().unwrap();
    assert_eq!(accounts[0]["account"], "ann");
    assert_eq!(accounts[0]["credit"], (1001..=1006).sum::<u64>().to_string());
    assert_eq!(accounts[1]["credit"], u64::MAX.to_string());
    let expected_total = u128::from(u64::MAX) + (1001..=1006).sum::<u128>();
    assert_eq!(document["total_credit"], expected_total.to_string());

    let mut names: Vec<&str> = STRANGE.to_vec();
    names.sort_unstable();
    let workers = accounts[0]["workers"].as_array().unwrap();
    assert_eq!(workers.iter().map(|entry| entry["worker"].as_str().unwrap()).collect::<Vec<_>>(), names);
}

#[tokio::test]
async fn an_empty_window_is_a_dump_too() {
    let dir = tempdir().unwrap();
    let ledger = fill(dir.path()).await;
    let document = parse(&render(&ledger, 11));
    assert_eq!(document["window"], serde_json::json!({ "first_seq": 8, "last_seq": 7, "count": 0 }));
    assert_eq!(document["accounts"], serde_json::json!([]));
    assert_eq!(document["total_reward"], "1000071");
    assert_eq!(complaint(&document), None);
}

#[tokio::test]
async fn dumps_follow_the_schema_and_the_schema_is_strict() {
    let dir = tempdir().unwrap();
    let ledger = fill(dir.path()).await;
    let document = parse(&render(&ledger, 10));
    assert_eq!(complaint(&document), None);
    for (place, wrong) in [
        ("/total_credit", Value::from(5)),
        ("/hash", Value::from("ab1short")),
        ("/solutions", serde_json::json!([])),
        ("/solutions/0/reward", Value::from("-1")),
        ("/accounts/0/workers/0/shares", Value::from("1")),
        ("/window/first_seq", Value::from(0)),
    ] {
        let mut broken = document.clone();
        *broken.pointer_mut(place).unwrap() = wrong;
        assert!(complaint(&broken).is_some(), "{place}");
    }
    let mut more = document;
    more["surprise"] = Value::Null;
    assert!(complaint(&more).is_some(), "an unknown field");
}

#[tokio::test]
async fn a_dump_is_harmless_where_it_is_shown() {
    let dir = tempdir().unwrap();
    let text = String::from_utf8(render(&fill(dir.path()).await, 10)).unwrap();
    assert!(!text.contains(['<', '>', '&', '\u{202e}', '\u{0}', '\t']));
    assert!(text.contains("矿工 👷") && text.ends_with("}\n"));
}

#[tokio::test]
async fn missing_files_are_written_and_different_ones_put_aside() {
    let dir = tempdir().unwrap();
    let shares = dir.path().join("shares");
    let ledger = fill(&dir.path().join("db")).await;
    let path = |height| shares.join(dump::file_name(&round(&ledger, height)));
    let first = dump::write(&shares, &ledger, &round(&ledger, 10), Network::Testnet).unwrap();
    assert_eq!(first.path, path(10));
    assert_eq!(fs::read(&first.path).unwrap(), render(&ledger, 10));

    let repaired = dump::write_missing(&ledger, &shares, Network::Testnet).unwrap();
    assert_eq!((repaired.written, repaired.replaced, repaired.failed), (vec![path(11)], vec![], vec![]));
    fs::write(path(11), "{}").unwrap();
    let verify = || dump::verify(&shares, &ledger, &round(&ledger, 11), Network::Testnet).unwrap();
    assert_eq!(verify(), FileState::Different);
    let repaired = dump::write_missing(&ledger, &shares, Network::Testnet).unwrap();
    assert_eq!((repaired.written, repaired.replaced, repaired.failed), (vec![], vec![path(11)], vec![]));
    assert_eq!(verify(), FileState::Same);
    let names: Vec<String> = {
        let entries = fs::read_dir(&shares).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    let name = |height| dump::file_name(&round(&ledger, height));
    assert_eq!(names, [name(10), name(11), format!("{}.bak", name(11))], "and nothing temporary");
    assert_eq!(name(10), format!("10-{}.json", round(&ledger, 10).hash));
}

#[tokio::test]
async fn a_height_without_a_round_names_its_neighbours() {
    let dir = tempdir().unwrap();
    let ledger = fill(dir.path()).await;
    let error = |height| dump::export(&ledger, height, &mut Vec::new()).unwrap_err().to_string();
    assert_eq!(error(12), "block 12 holds no solution of this pool; the nearest that does is 11");
    assert_eq!(error(9), "block 9 holds no solution of this pool; the nearest that does is 10");
    let empty = tempdir().unwrap();
    let error = dump::export(&open(empty.path()), 9, &mut Vec::new()).unwrap_err();
    assert!(error.to_string().ends_with("and no other block does yet"), "{error}");
}

#[tokio::test]
async fn a_lost_share_is_an_error_and_no_file() {
    let dir = tempdir().unwrap();
    let shares = dir.path().join("shares");
    let db = dir.path().join("db");
    drop(fill(&db).await);
    for lost in [1u64, 3, 7] {
        let options = rocksdb::Options::default();
        let families = rocksdb::DB::list_cf(&options, &db).unwrap();
        let database = rocksdb::DB::open_cf(&options, &db, families).unwrap();
        database.delete_cf(&database.cf_handle("shares").unwrap(), lost.to_be_bytes()).unwrap();
        drop(database);
        // It opens read-only; a pool would refuse to start when the last share is gone.
        let ledger = ShareLedger::open_read_only(&db).unwrap();
        // Windows are read from their end.
        let expected = DumpError::Gap { height: 10, seq: lost };
        let written = dump::write(&shares, &ledger, &round(&ledger, 10), Network::Testnet);
        assert_eq!(written, Err(expected.clone()));
        let repaired = dump::write_missing(&ledger, &shares, Network::Testnet).unwrap();
        assert_eq!(repaired.failed, [(10, expected)]);
    }
    assert_eq!(fs::read_dir(&shares).unwrap().count(), 1, "only that of block 11");
}
