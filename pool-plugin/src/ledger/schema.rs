//! The layout in RocksDB, and RocksDB's settings. `docs/storage.md` describes it for people.

use pool_core::{
    all_of,
    types::{SolutionId, Worker},
};
use rocksdb::{BlockBasedOptions, Cache, ColumnFamilyDescriptor, DBCompressionType, DBRecoveryMode, Options};

use crate::ledger::{
    codec::{encode_share_key, encode_worker_key},
    records::ShareKey,
};

/// The layout this code writes. An older database is [migrated](super::migrate), a newer one refused.
///
/// A new column family, a new name in [`Table::Meta`] or a new version of a record is a change of schema: an
/// older program must not write to the same database. Unreleased changes may share a schema number.
pub(super) const SCHEMA_VERSION: u64 = 2;

// The node has its own database in this process: ours stays small.
const BLOCK_CACHE_BYTES: usize = 16 << 20;
/// A flush syncs its own files, and the answers to shares wait for it: so few large ones.
const WRITE_BUFFER_BYTES: usize = 16 << 20;
const ALL_WRITE_BUFFERS_BYTES: usize = 48 << 20;
/// Above this RocksDB flushes the families that keep old logs alive. It is read when the pool starts.
const WAL_BYTES: u64 = 96 << 20;
const OPEN_FILES: i32 = 256;

/// A column family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    /// Sequence number (u64) → share.
    Shares,
    /// Epoch (u32) ‖ address (32) ‖ counter (u64) → sequence number.
    Keys,
    /// Account and worker, each behind its length (u16) → total.
    Totals,
    /// Solution id (u64) → solution.
    Solutions,
    /// Epoch (u32) ‖ solution id (u64) of the solutions that may still land → nothing.
    OpenSolutions,
    /// Height (u32) → round.
    Rounds,
    /// The first share under them (u64) → terms.
    Terms,
    /// Height (u32) → what later dumps need to know of the round's dump.
    Dumps,
    /// Account and worker, each behind its length (u16) → its last share target.
    LastTargets,
    /// Name → number.
    Meta,
}

impl Table {
    pub(super) const ALL: [Self; 10] = all_of!(
        Table: Shares, Keys, Totals, Solutions, OpenSolutions, Rounds, Terms, Dumps, LastTargets, Meta
    );

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Shares => "shares",
            Self::Keys => "keys",
            Self::Totals => "totals",
            Self::Solutions => "solutions",
            Self::OpenSolutions => "open_solutions",
            Self::Rounds => "rounds",
            Self::Terms => "terms",
            Self::Dumps => "dumps",
            Self::LastTargets => "last_targets",
            Self::Meta => "meta",
        }
    }
}

/// A number in [`Table::Meta`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meta {
    Schema,
    Network,
    /// The highest block whose outcome is applied.
    ScannedHeight,
    /// The first epoch whose share keys are kept.
    KeysFrom,
    /// The first share that is kept: older ones have been retired.
    SharesFrom,
    /// Shares have been numbered up to here, whether or not they are still stored.
    SeqFloor,
    /// Numbers of shares that a restored backup did not hold.
    SharesLost,
    /// How many times a backup was restored.
    Restores,
    /// The highest share number when a backup was last restored.
    RestoredSeq,
    /// Restored, and the chain not seen since: shares of no epoch are accepted.
    Restored,
    /// Written to see whether writing works.
    Probe,
}

impl Meta {
    pub(super) const fn key(self) -> &'static [u8] {
        match self {
            Self::Schema => b"schema",
            Self::Network => b"network",
            Self::ScannedHeight => b"scanned_height",
            Self::KeysFrom => b"keys_from",
            Self::SharesFrom => b"shares_from",
            Self::SeqFloor => b"seq_floor",
            Self::SharesLost => b"shares_lost",
            Self::Restores => b"restores",
            Self::RestoredSeq => b"restored_seq",
            Self::Restored => b"restored",
            Self::Probe => b"probe",
        }
    }
}

/// One change to the database; a list of them is written all or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Put {
        table: Table,
        key: Vec<u8>,
        value: Vec<u8>,
    },
    Delete {
        table: Table,
        key: Vec<u8>,
    },
    /// From `from` up to, but excluding, `to`.
    DeleteRange {
        table: Table,
        from: Vec<u8>,
        to: Vec<u8>,
    },
}

impl Change {
    pub(super) fn put(table: Table, key: impl Into<Vec<u8>>, value: Vec<u8>) -> Self {
        Self::Put { table, key: key.into(), value }
    }
}

pub(super) fn seq_key(seq: u64) -> [u8; 8] {
    seq.to_be_bytes()
}

pub(super) fn height_key(height: u32) -> [u8; 4] {
    height.to_be_bytes()
}

pub(super) fn solution_key(id: SolutionId) -> [u8; 8] {
    id.0.to_be_bytes()
}

pub(super) fn open_solution_key(epoch: u32, id: SolutionId) -> [u8; 12] {
    let mut key = [0; 12];
    key[..4].copy_from_slice(&epoch.to_be_bytes());
    key[4..].copy_from_slice(&id.0.to_be_bytes());
    key
}

/// The id in a key of [`Table::OpenSolutions`].
pub(super) fn solution_of_open_key(key: &[u8]) -> Option<SolutionId> {
    let id = key.get(4..)?.try_into().ok()?;
    Some(SolutionId(u64::from_be_bytes(id)))
}

pub(super) fn share_key(key: &ShareKey) -> [u8; 44] {
    encode_share_key(key)
}

pub(super) fn worker_key(worker: &Worker) -> Vec<u8> {
    encode_worker_key(worker)
}

pub(super) fn database_options() -> Options {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    options.set_paranoid_checks(true);
    // A crash leaves a torn end, and nobody got an answer for it. Damage anywhere before the end would take
    // acknowledged shares with it: refuse to start on it, where the default would drop the rest.
    options.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
    options.set_track_and_verify_wals_in_manifest(true);
    options.set_max_open_files(OPEN_FILES);
    options.set_db_write_buffer_size(ALL_WRITE_BUFFERS_BYTES);
    options.set_max_total_wal_size(WAL_BYTES);
    options.set_max_background_jobs(2);
    options.set_stats_dump_period_sec(0);
    options.set_keep_log_file_num(3);
    options.set_max_log_file_size(1 << 20);
    options
}

pub(super) fn table_descriptors() -> Vec<ColumnFamilyDescriptor> {
    let cache = Cache::new_lru_cache(BLOCK_CACHE_BYTES);
    Table::ALL
        .into_iter()
        .map(|table| ColumnFamilyDescriptor::new(table.name(), table_options(table, &cache)))
        .collect()
}

fn table_options(table: Table, cache: &Cache) -> Options {
    let mut blocks = BlockBasedOptions::default();
    blocks.set_block_cache(cache);
    blocks.set_cache_index_and_filter_blocks(true);
    blocks.set_pin_l0_filter_and_index_blocks_in_cache(true);
    let mut options = Options::default();
    options.set_write_buffer_size(WRITE_BUFFER_BYTES);
    options.set_compression_type(DBCompressionType::Lz4);
    if table == Table::Keys {
        // Nearly every look-up is for a missing key. The keys are random: nothing to compress.
        blocks.set_bloom_filter(10.0, false);
        options.set_memtable_prefix_bloom_ratio(0.1);
        options.set_memtable_whole_key_filtering(true);
        options.set_compression_type(DBCompressionType::None);
    }
    options.set_block_based_table_factory(&blocks);
    options
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::ledger::codec;

    /// What came with a schema.
    struct Added {
        schema: u64,
        tables: &'static [&'static str],
        numbers: &'static [&'static str],
        /// Records, and their versions.
        records: &'static [(&'static str, u8)],
    }

    /// A released program refuses a newer schema, and reads what it does not know of its own one as damage. So what is
    /// listed for a released schema stays: something new raises `SCHEMA_VERSION` and is listed there.
    const SCHEMAS: [Added; SCHEMA_VERSION as usize] = [
        Added {
            schema: 1,
            tables: &["shares", "keys", "totals", "solutions", "open_solutions", "rounds", "meta"],
            numbers: &["schema", "network", "scanned_height", "keys_from", "probe"],
            records: &[("share", 1), ("number", 1), ("total", 1), ("solution", 1), ("round", 1)],
        },
        Added {
            schema: 2,
            tables: &["terms", "dumps", "last_targets"],
            numbers: &["shares_from", "seq_floor", "shares_lost", "restores", "restored_seq", "restored"],
            records: &[("terms", 1), ("dump_mark", 1), ("last_target", 1), ("round", 2)],
        },
    ];

    const NUMBERS: [Meta; 11] = all_of!(
        Meta: Schema, Network, ScannedHeight, KeysFrom, SharesFrom, SeqFloor, SharesLost, Restores, RestoredSeq,
        Restored, Probe
    );

    fn tables() -> BTreeSet<&'static str> {
        Table::ALL.into_iter().map(Table::name).collect()
    }

    fn numbers() -> BTreeSet<&'static str> {
        NUMBERS.into_iter().map(|number| str::from_utf8(number.key()).unwrap()).collect()
    }

    #[test]
    fn nothing_new_is_stored_without_a_new_schema() {
        let listed = |names: fn(&Added) -> &'static [&'static str]| -> BTreeSet<&str> {
            SCHEMAS.iter().flat_map(names).copied().collect()
        };
        assert_eq!(tables(), listed(|added| added.tables), "column families");
        assert_eq!(numbers(), listed(|added| added.numbers), "names in `meta`");
        // The last version of each counts.
        let records: BTreeMap<_, _> = SCHEMAS.iter().flat_map(|added| added.records).copied().collect();
        assert_eq!(BTreeMap::from(codec::VERSIONS), records, "versions of records");
        assert_eq!(SCHEMAS.map(|added| added.schema).last(), Some(&SCHEMA_VERSION));
    }

    #[test]
    fn the_documentation_has_every_table_and_number() {
        let text = include_str!("../../../docs/storage.md");
        let rows = text.lines().skip_while(|line| !line.starts_with("| family |")).skip(2);
        let rows = rows.map_while(|line| line.strip_prefix("| `")?.split('`').next());
        assert_eq!(rows.collect::<BTreeSet<_>>(), tables());
        let about = text.split("\n\n").find(|paragraph| paragraph.starts_with("`meta` holds")).unwrap();
        let named: BTreeSet<&str> = about.split('`').skip(3).step_by(2).collect();
        assert_eq!(named, numbers());
        assert!(about.contains(&format!("`schema` (now {SCHEMA_VERSION})")));
        let versions = text.lines().skip_while(|line| !line.starts_with("| schema |")).skip(2);
        assert_eq!(versions.take_while(|line| line.starts_with('|')).count() as u64, SCHEMA_VERSION);
    }
}
