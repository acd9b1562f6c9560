//! The ledger, and what is made of it: dumps, their verifiers, and the copies that the sinks read.
//!
//! One program, since each that links RocksDB costs seconds and tens of megabytes. A test that needs a process of its
//! own starts this program again.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../child/mod.rs"]
mod child;
#[path = "../crash/mod.rs"]
mod crash;
#[path = "../disk_shim/mod.rs"]
mod disk_shim;
#[path = "../repository/mod.rs"]
mod repository;
#[cfg(target_os = "linux")]
mod small_disk;
mod support;

#[cfg(target_os = "linux")]
mod block_device;
mod blocks;
mod crashes;
mod damage;
mod dump;
mod dump_chain;
#[cfg(target_os = "linux")]
mod full_disk;
mod retention;
mod schema;
mod shares;
mod sink_books;
mod verify_dump;
