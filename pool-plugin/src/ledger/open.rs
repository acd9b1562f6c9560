//! Opening the database, and refusing what is not ours, not whole, or not writable.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
    sync::Arc,
};

use rocksdb::{DB, ErrorKind};
use tempfile::TempDir;

use crate::{
    chain::Network,
    ledger::{
        codec::encode_number,
        errors::{OpenError, ReadError},
        schema::{Change, Meta, SCHEMA_VERSION, Table, database_options, table_descriptors},
        store::{Store, one_line},
    },
};

/// What a write needs at least before it is worth reopening for.
const PROBE_BYTES: usize = 256 << 10;
const PROBE_FILE: &str = "probe.tmp";

pub(super) fn open_database(dir: &Path) -> Result<DB, rocksdb::Error> {
    DB::open_cf_descriptors(&database_options(), dir, table_descriptors())
}

/// Opens for reading and writing; creates the database in an empty or missing folder.
pub(super) fn open_store(dir: &Path, network: Network) -> Result<Store, OpenError> {
    let unwritable =
        |error: io::Error| OpenError::Unwritable { dir: dir.to_owned(), reason: error.to_string() };
    fs::create_dir_all(dir).map_err(unwritable)?;
    refuse_what_is_not_ours(dir)?;
    probe(dir).map_err(unwritable)?;
    let database = open_database(dir).map_err(|error| explain(dir, error))?;
    let store = Store::new(dir, database, None);
    if is_new(&store).map_err(|error| damaged(dir, error))? {
        initialise(&store, network)
            .map_err(|reason| OpenError::Unwritable { dir: dir.to_owned(), reason })?;
    }
    let found = check_meta(&store)?;
    if found != network {
        return Err(OpenError::WrongNetwork {
            dir: dir.to_owned(),
            found: found.name().to_owned(),
            wanted: network.name().to_owned(),
        });
    }
    check_totals(&store)?;
    Ok(store)
}

/// Opens beside a running pool: a secondary instance takes no lock and keeps the files it reads open.
pub(super) fn open_store_beside(dir: &Path) -> Result<(Arc<Store>, Network), OpenError> {
    if !dir.join("CURRENT").exists() {
        return Err(OpenError::Missing { dir: dir.to_owned() });
    }
    refuse_what_is_not_ours(dir)?;
    let scratch = TempDir::with_prefix("pool-ledger-")
        .map_err(|error| OpenError::Unwritable { dir: std::env::temp_dir(), reason: error.to_string() })?;
    let database = open_secondary(dir, scratch.path()).map_err(|error| explain(dir, error))?;
    let store = Store::new(dir, database, Some(scratch));
    let network = check_meta(&store)?;
    Ok((Arc::new(store), network))
}

/// The pool beside may remove a file between its listing and its opening: then once more.
fn open_secondary(dir: &Path, scratch: &Path) -> Result<DB, rocksdb::Error> {
    let mut options = database_options();
    options.create_if_missing(false);
    options.create_missing_column_families(false);
    options.set_max_open_files(-1);
    let open = || DB::open_cf_descriptors_as_secondary(&options, dir, scratch, table_descriptors());
    open().or_else(|_| open()).or_else(|_| open())
}

/// Writes and removes a small file, so that a full disk shows before the database is closed for it.
pub(super) fn probe(dir: &Path) -> io::Result<()> {
    let path = dir.join(PROBE_FILE);
    let written = File::create(&path).and_then(|mut file| {
        file.write_all(&vec![0; PROBE_BYTES])?;
        file.sync_all()
    });
    // Also when the write failed: what it did write takes space that the database needs.
    let removed = fs::remove_file(&path);
    written.and(removed)
}

fn refuse_what_is_not_ours(dir: &Path) -> Result<(), OpenError> {
    if !dir.join("CURRENT").exists() {
        return refuse_orphaned_files(dir);
    }
    let families = DB::list_cf(&database_options(), dir).map_err(|error| explain(dir, error))?;
    let is_ours = |name: &String| name == "default" || Table::ALL.iter().any(|table| table.name() == name);
    if families.iter().all(is_ours) {
        return Ok(());
    }
    Err(OpenError::Foreign { dir: dir.to_owned() })
}

/// Without its `CURRENT` file RocksDB would take the folder for a new one and sweep up the data files.
fn refuse_orphaned_files(dir: &Path) -> Result<(), OpenError> {
    let unreadable =
        |error: io::Error| OpenError::Unwritable { dir: dir.to_owned(), reason: error.to_string() };
    for entry in fs::read_dir(dir).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "sst" || extension == "log") {
            return Err(OpenError::Corrupt {
                dir: dir.to_owned(),
                reason: "the file CURRENT is missing, data files are there".to_owned(),
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
    let number = |name: Meta, value: u64| Change::put(Table::Meta, name.key(), encode_number(value));
    store.write(&[number(Meta::Schema, SCHEMA_VERSION), number(Meta::Network, network.id().into())])
}

fn check_meta(store: &Store) -> Result<Network, OpenError> {
    let dir = store.dir();
    let number = |name: Meta| {
        store.meta(name).map_err(|error| damaged(dir, error))?.ok_or_else(|| OpenError::Corrupt {
            dir: dir.to_owned(),
            reason: format!("it does not say its {}", String::from_utf8_lossy(name.key())),
        })
    };
    let schema = number(Meta::Schema)?;
    if schema > SCHEMA_VERSION {
        return Err(OpenError::NewerSchema { dir: dir.to_owned(), found: schema, known: SCHEMA_VERSION });
    }
    let id = number(Meta::Network)?;
    u16::try_from(id).ok().and_then(Network::from_id).ok_or_else(|| OpenError::Corrupt {
        dir: dir.to_owned(),
        reason: format!("it names an unknown network {id}"),
    })
}

/// Shares and totals are written together: as many shares as the totals say must be there.
fn check_totals(store: &Store) -> Result<(), OpenError> {
    let check = || -> Result<Option<String>, ReadError> {
        let counted: u128 = store.totals()?.iter().map(|total| u128::from(total.shares)).sum();
        let last_seq = store.last_seq()?;
        Ok((counted != u128::from(last_seq))
            .then(|| format!("the last share is number {last_seq}, the totals count {counted}")))
    };
    match check() {
        Ok(None) => Ok(()),
        Ok(Some(reason)) => Err(OpenError::Corrupt { dir: store.dir().to_owned(), reason }),
        Err(error) => Err(damaged(store.dir(), error)),
    }
}

fn damaged(dir: &Path, error: ReadError) -> OpenError {
    OpenError::Corrupt { dir: dir.to_owned(), reason: error.to_string() }
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
