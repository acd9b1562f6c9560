//! RocksDB with the column families and the settings of the ledger.

use std::path::Path;

use rocksdb::{DB, ErrorKind};

use crate::ledger::{
    schema::{database_options, table_descriptors},
    torn_log,
};

/// Opens it; the end of a log that a loss of power tore is repaired first.
pub(super) fn open_database(dir: &Path) -> Result<DB, rocksdb::Error> {
    let open = || DB::open_cf_descriptors(&database_options(), dir, table_descriptors());
    open().or_else(|error| {
        // Only after damage: the log of a database in use belongs to its process.
        if error.kind() == ErrorKind::Corruption && matches!(torn_log::repair(dir), Ok(true)) {
            return open();
        }
        Err(error)
    })
}

/// RocksDB's text, whose line breaks are removed.
pub(super) fn one_line(error: rocksdb::Error) -> String {
    error.into_string().split_whitespace().collect::<Vec<_>>().join(" ")
}
