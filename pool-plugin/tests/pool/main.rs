//! The whole pool, from socket to dump, on a simulated chain.
//!
//! One program, since each that links RocksDB costs seconds and tens of megabytes. A test that needs a process of its
//! own (its standard input, a broken disk, few file descriptors) starts this program again.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../child/mod.rs"]
mod child;
#[path = "../disk_shim/mod.rs"]
mod disk_shim;
#[path = "../pool_support/mod.rs"]
mod pool_support;
#[path = "../receiver/mod.rs"]
mod receiver;
#[path = "../repository/mod.rs"]
mod repository;
#[path = "../../sinks/tests/servers/mod.rs"]
mod servers;

mod addresses;
mod admin;
mod behind_haproxy;
mod comes_back;
mod commands;
mod console;
mod descriptors;
mod disk_faults;
mod epoch_turn;
mod live_backup;
mod near_misses;
mod on_sim;
mod reload;
mod restore_drill;
mod sinks;
mod webhooks;
