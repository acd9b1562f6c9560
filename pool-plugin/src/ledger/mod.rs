//! The share ledger: every accepted share, every solution and every round, in RocksDB.

pub mod records;
