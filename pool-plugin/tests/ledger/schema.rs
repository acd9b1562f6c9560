//! Schemas: the first one's database opens and is upgraded, whatever interrupts that; a newer one is refused.

use std::{collections::BTreeMap, path::Path};

use pool_core::types::Network;
use pool_plugin::{
    books::dump,
    ledger::{
        OpenError, ReserveError, ShareLedger,
        codec::{decode_number, encode_number},
        records::{SolutionState, WorkerTotal},
    },
};
use rocksdb::{DB, Options};
use tempfile::tempdir;

use crate::support::{all_shares, append, id, key, open, worker};

/// Every row of a database written by the first schema's program: three shares, a find that landed, one that
/// was aborted and one that is open, a round, and a share after it.
const SCHEMA_1: &str = include_str!("fixtures/schema-1.txt");
const FAMILIES_OF_SCHEMA_1: [&str; 7] =
    ["shares", "keys", "totals", "solutions", "open_solutions", "rounds", "meta"];

/// Lays out `SCHEMA_1` like the program of that time.
fn first_schema(dir: &Path) {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    let database = DB::open_cf(&options, dir, FAMILIES_OF_SCHEMA_1).unwrap();
    for line in SCHEMA_1.lines().filter(|line| !line.starts_with('#')) {
        let [family, row_key, value] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let bytes = |text| hex::decode(text).unwrap();
        database.put_cf(&database.cf_handle(family).unwrap(), bytes(row_key), bytes(value)).unwrap();
    }
}

fn open_raw(dir: &Path) -> DB {
    let options = Options::default();
    let families = DB::list_cf(&options, dir).unwrap();
    DB::open_cf(&options, dir, families).unwrap()
}

fn number(database: &DB, name: &str) -> Option<u64> {
    let value = database.get_cf(&database.cf_handle("meta").unwrap(), name).unwrap();
    value.map(|bytes| decode_number(&bytes).unwrap())
}

#[tokio::test]
async fn a_database_of_the_first_schema_opens_with_all_it_holds() {
    let dir = tempdir().unwrap();
    first_schema(dir.path());
    let ledger = open(dir.path());
    let shares: Vec<_> =
        all_shares(&ledger).into_iter().map(|(seq, share)| (seq, share.key, share.target)).collect();
    assert_eq!(shares, [(1, key(1, 1), 100), (2, key(1, 2), 7), (3, key(1, 3), 100), (4, key(1, 4), 100)]);
    let total = |name: &str, worker_name: &str, shares, credit| WorkerTotal {
        worker: worker(name, worker_name),
        shares,
        credit,
    };
    assert_eq!(ledger.totals().unwrap(), [total("ann", "rig", 3, 300), total("bob", "", 1, 7)]);
    for counter in 1..=4 {
        assert_eq!(ledger.reserve(key(1, counter)).unwrap_err(), ReserveError::Duplicate);
    }

    let state = |counter| ledger.solution(id(1, counter)).unwrap().unwrap().state;
    assert!(matches!(state(50), SolutionState::Landed { height: 400, reward: 1_000_050, .. }));
    assert!(matches!(state(51), SolutionState::Aborted { height: 400, .. }));
    assert_eq!(state(52), SolutionState::Released);
    let open_ids: Vec<_> =
        ledger.open_solutions().unwrap().iter().map(|record| record.solution.id()).collect();
    assert_eq!(open_ids, [id(1, 52)]);

    let rounds = ledger.rounds().unwrap();
    assert_eq!(rounds.len(), 1);
    assert_eq!((rounds[0].height, rounds[0].first_seq, rounds[0].last_seq), (400, 1, 3));
    dump::render(&ledger, &rounds[0], Network::Testnet).unwrap();
    assert_eq!(ledger.scanned_height(), Ok(Some(400)));

    assert_eq!(append(&ledger, 1, 5).await, Ok(5));
    ledger.close().await;
    let database = open_raw(dir.path());
    assert_eq!((number(&database, "schema"), number(&database, "shares_from")), (Some(2), Some(1)));
}

#[test]
fn every_row_starts_with_a_version_byte() {
    let dir = tempdir().unwrap();
    first_schema(dir.path());
    drop(open(dir.path()));
    let database = open_raw(dir.path());
    let mut rows = BTreeMap::new();
    for family in DB::list_cf(&Options::default(), dir.path()).unwrap() {
        for row in database.iterator_cf(&database.cf_handle(&family).unwrap(), rocksdb::IteratorMode::Start) {
            assert!(row.unwrap().1[0] > 0, "a row of {family}");
            *rows.entry(family.clone()).or_insert(0) += 1;
        }
    }
    assert!(rows.values().sum::<i32>() >= 18, "{rows:?}");
}

#[test]
fn a_reader_beside_wants_the_schema_of_today() {
    let dir = tempdir().unwrap();
    first_schema(dir.path());
    let error = ShareLedger::open_read_only(dir.path()).unwrap_err();
    assert!(matches!(error, OpenError::OlderSchema { found: 1, known: 2, .. }), "{error}");
    drop(open(dir.path()));
    assert_eq!(ShareLedger::open_read_only(dir.path()).unwrap().last_seq(), Ok(4));
}

#[test]
fn a_newer_schema_is_refused_also_with_families_of_its_own() {
    for new_family in [false, true] {
        let dir = tempdir().unwrap();
        drop(open(dir.path()));
        let mut database = open_raw(dir.path());
        database.put_cf(&database.cf_handle("meta").unwrap(), "schema", encode_number(3)).unwrap();
        if new_family {
            database.create_cf("from_the_future", &Options::default()).unwrap();
        }
        drop(database);
        let refused =
            [ShareLedger::open(dir.path(), Network::Testnet), ShareLedger::open_read_only(dir.path())];
        for error in refused.map(Result::unwrap_err) {
            assert!(matches!(error, OpenError::NewerSchema { found: 3, known: 2, .. }), "{error}");
            assert!(error.to_string().contains("has schema 3, this program knows up to 2"), "{error}");
        }
    }
}
