//! Opening the database, and refusing what is not ours, not complete, or not writable.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
    sync::Arc,
};

use pool_core::types::Network;
use rocksdb::{DB, ErrorKind};
use tempfile::TempDir;

use crate::ledger::{
    changes::meta_change,
    codec::decode_number,
    database::{one_line, open_database},
    errors::{OpenError, ReadError, damaged},
    migrate::migrate,
    schema::{Meta, SCHEMA_VERSION, Table, database_options, table_descriptors},
    store::Store,
};

/// The free space a write needs before reopening is worth an attempt.
const PROBE_BYTES: usize = 256 << 10;
const PROBE_FILE: &str = "probe.tmp";

/// Opens for reading and writing; creates the database in an empty or missing folder.
pub(super) fn open_store(dir: &Path, network: Network) -> Result<Store, OpenError> {
    let unwritable =
        |error: io::Error| OpenError::Unwritable { dir: dir.to_owned(), reason: error.to_string() };
    create_durably(dir).map_err(unwritable)?;
    families_of_ours(dir)?;
    probe(dir).map_err(unwritable)?;
    let database = open_database(dir).map_err(|error| explain(dir, error))?;
    let store = Store::new(dir, database, None);
    if is_new(&store).map_err(|error| damaged(dir, error))? {
        initialise(&store, network)
            .map_err(|reason| OpenError::Unwritable { dir: dir.to_owned(), reason })?;
    }
    let (schema, found) = check_meta(&store)?;
    if found != network {
        return Err(OpenError::WrongNetwork {
            dir: dir.to_owned(),
            found: found.name().to_owned(),
            wanted: network.name().to_owned(),
        });
    }
    migrate(&store, schema)?;
    check_totals(&store)?;
    Ok(store)
}

/// RocksDB syncs what is in its folder; syncing the folder's entry in its parent is up to us.
fn create_durably(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    match dir.canonicalize()?.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

/// Opens while a pool uses it: a secondary instance takes no lock and keeps the files it reads open.
pub(super) fn open_store_beside(dir: &Path) -> Result<(Arc<Store>, Network), OpenError> {
    if !dir.join("CURRENT").exists() {
        return Err(OpenError::Missing { dir: dir.to_owned() });
    }
    let families = families_of_ours(dir)?;
    // A secondary instance cannot create a column family.
    if Table::ALL.iter().any(|table| !families.iter().any(|name| name == table.name())) {
        return Err(older_schema(dir, schema_without_opening(dir, &families)?));
    }
    let scratch = TempDir::with_prefix("pool-ledger-")
        .map_err(|error| OpenError::Unwritable { dir: std::env::temp_dir(), reason: error.to_string() })?;
    let database = open_secondary(dir, scratch.path()).map_err(|error| explain(dir, error))?;
    let store = Store::new(dir, database, Some(scratch));
    let (schema, network) = check_meta(&store)?;
    if schema < SCHEMA_VERSION {
        return Err(older_schema(dir, schema));
    }
    Ok((Arc::new(store), network))
}

/// The running pool may remove a file between its listing and its opening: then once more.
fn open_secondary(dir: &Path, scratch: &Path) -> Result<DB, rocksdb::Error> {
    let mut options = database_options();
    options.create_if_missing(false);
    options.create_missing_column_families(false);
    options.set_max_open_files(-1);
    let open = || DB::open_cf_descriptors_as_secondary(&options, dir, scratch, table_descriptors());
    open().or_else(|_| open()).or_else(|_| open())
}

/// Writes and removes a small file, so that a full disk shows before the database is closed for a reopen.
pub(super) fn probe(dir: &Path) -> io::Result<()> {
    let path = dir.join(PROBE_FILE);
    let written = File::create(&path).and_then(|mut file| {
        file.write_all(&vec![0; PROBE_BYTES])?;
        file.sync_all()
    });
    // Also after a failed write: what it did write takes space that the database needs.
    let removed = fs::remove_file(&path);
    written.and(removed)
}

/// The column families in `dir`, empty if there is no database; refuses what is not ours, or newer.
fn families_of_ours(dir: &Path) -> Result<Vec<String>, OpenError> {
    if !dir.join("CURRENT").exists() {
        refuse_orphaned_files(dir)?;
        return Ok(Vec::new());
    }
    let families = DB::list_cf(&database_options(), dir).map_err(|error| explain(dir, error))?;
    let is_known = |name: &String| name == "default" || Table::ALL.iter().any(|table| table.name() == name);
    if families.iter().all(is_known) {
        return Ok(families);
    }
    // A family we do not know: of a later schema, or of another program.
    let schema = schema_without_opening(dir, &families)?;
    if schema > SCHEMA_VERSION {
        return Err(newer_schema(dir, schema));
    }
    Err(OpenError::Foreign { dir: dir.to_owned() })
}

/// Reads the schema without changing anything.
fn schema_without_opening(dir: &Path, families: &[String]) -> Result<u64, OpenError> {
    let foreign = || OpenError::Foreign { dir: dir.to_owned() };
    let mut options = database_options();
    options.create_if_missing(false);
    options.create_missing_column_families(false);
    let database =
        DB::open_cf_for_read_only(&options, dir, families, false).map_err(|error| explain(dir, error))?;
    let meta = database.cf_handle(Table::Meta.name()).ok_or_else(foreign)?;
    let value = database.get_cf(&meta, Meta::Schema.key()).map_err(|error| explain(dir, error))?;
    value.and_then(|bytes| decode_number(&bytes).ok()).ok_or_else(foreign)
}

fn newer_schema(dir: &Path, found: u64) -> OpenError {
    OpenError::NewerSchema { dir: dir.to_owned(), found, known: SCHEMA_VERSION }
}

fn older_schema(dir: &Path, found: u64) -> OpenError {
    OpenError::OlderSchema { dir: dir.to_owned(), found, known: SCHEMA_VERSION }
}

/// Without its `CURRENT` file RocksDB would take the folder for a new one and delete the data files.
fn refuse_orphaned_files(dir: &Path) -> Result<(), OpenError> {
    let unreadable =
        |error: io::Error| OpenError::Unwritable { dir: dir.to_owned(), reason: error.to_string() };
    for entry in fs::read_dir(dir).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "sst" || extension == "log") {
            return Err(OpenError::Corrupt {
                dir: dir.to_owned(),
                reason: "the file CURRENT is missing, but there are data files".to_owned(),
            });
        }
    }
    Ok(())
}

/// A crash between creating the families and the first record leaves them all empty.
fn is_new(store: &Store) -> Result<bool, ReadError> {
    for table in Table::ALL {
        if !store.is_empty(table)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn initialise(store: &Store, network: Network) -> Result<(), String> {
    store.write(&[
        meta_change(Meta::Schema, SCHEMA_VERSION),
        meta_change(Meta::Network, network.id()),
        meta_change(Meta::SharesFrom, 1u64),
    ])
}

/// The schema version, checked to be a known one, and the network.
fn check_meta(store: &Store) -> Result<(u64, Network), OpenError> {
    let dir = store.dir();
    let number = |name: Meta| {
        store.meta(name).map_err(|error| damaged(dir, error))?.ok_or_else(|| OpenError::Corrupt {
            dir: dir.to_owned(),
            reason: format!("its {} is missing", String::from_utf8_lossy(name.key())),
        })
    };
    let schema = number(Meta::Schema)?;
    if schema > SCHEMA_VERSION {
        return Err(newer_schema(dir, schema));
    }
    let id = number(Meta::Network)?;
    let network = u16::try_from(id).ok().and_then(Network::from_id).ok_or_else(|| OpenError::Corrupt {
        dir: dir.to_owned(),
        reason: format!("it names an unknown network {id}"),
    })?;
    Ok((schema, network))
}

/// Shares and totals are written together: there must be as many shares as the totals count.
fn check_totals(store: &Store) -> Result<(), OpenError> {
    let check = || -> Result<Option<String>, ReadError> {
        let counted: u128 = store.totals()?.iter().map(|total| u128::from(total.shares)).sum();
        let (last_seq, lost) = (store.last_seq()?, store.meta(Meta::SharesLost)?.unwrap_or(0));
        Ok((counted + u128::from(lost) != u128::from(last_seq)).then(|| {
            format!(
                "the last share is number {last_seq}, the totals count {counted}, {lost} are known to be lost"
            )
        }))
    };
    match check() {
        Ok(None) => Ok(()),
        Ok(Some(reason)) => Err(OpenError::Corrupt { dir: store.dir().to_owned(), reason }),
        Err(error) => Err(damaged(store.dir(), error)),
    }
}

fn explain(dir: &Path, error: rocksdb::Error) -> OpenError {
    let dir = dir.to_owned();
    let kind = error.kind();
    let reason = one_line(error);
    let missing_file = reason.contains("No such file");
    match kind {
        ErrorKind::IOError if reason.contains("/LOCK:") => OpenError::Locked { dir, reason },
        ErrorKind::IOError if missing_file => OpenError::Corrupt { dir, reason },
        ErrorKind::IOError => OpenError::Unwritable { dir, reason },
        ErrorKind::Corruption => OpenError::Corrupt { dir, reason },
        _ => OpenError::Unreadable { dir, reason },
    }
}
