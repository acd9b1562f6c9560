//! An Aleo mining pool that runs inside a snarkOS node.
//!
//! # Layout
//! Each room uses only rooms below it; `docs/architecture.md` has what each may use, and a test holds them to it.
//! - [`operate`]: the pool as a whole, and what its operator has in hand.
//! - [`miner`]: the reference CPU miner.
//! - [`stratum`]: from a miner's bytes to a share.
//! - [`books`]: what is owed: rounds, dumps, audit, backups.
//! - [`release`]: from a found solution to the network.
//! - [`ledger`]: the shares, in RocksDB: durable before they are acknowledged.
//! - [`verify`]: the puzzle, and the threads that compute it.
//!
//! Below them is the crate [`pool_core`], which has the two lowest rooms:
//! - [`chain`](pool_core::chain): the one interface to the node, and a simulated chain for tests.
//! - `core`: values, rules and tools that all of them use.
//!
//! # If you want to change …, start in …
//! Paths are below this crate's folder, `pool-plugin`.
//!  1. a metric: `src/operate/view/metrics.rs`; a histogram of what is timed: `core/src/meters.rs`
//!  2. a configuration key: `src/operate/config/mod.rs`, then an entry in `src/operate/config/keys`
//!  3. the default PPLNS window, a scheme or a fee: `core/src/accounting/terms.rs`
//!  4. a field of a dump: `src/books/dump/document.rs`
//!  5. how a block cuts a round and settles it, which is what payouts are made from: `src/ledger/settle.rs`
//!  6. a column family or a key in the database: `src/ledger/schema.rs`; a step from an older schema:
//!     `src/ledger/migrate.rs`
//!  7. how long shares are kept: `src/books/rounds/retention.rs`
//!  8. a backup, or what its return refuses: `src/books/backup/create.rs`, `src/books/backup/restore.rs`
//!  9. a dialect: `src/stratum/wire/dialects/mod.rs`
//! 10. the extranonce's size: `src/stratum/wire/extranonce.rs`
//! 11. a reject reason, its code or its text: `core/src/reject.rs`
//! 12. the login timeout and other limits of a connection: `src/stratum/server/config.rs`
//! 13. the reconnect jitter: `src/stratum/server/reconnect_jitter.rs`
//! 14. what a share goes through before it counts: `src/stratum/intake.rs`
//! 15. a share target, how fast vardiff moves it: `src/stratum/vardiff/retarget.rs`
//! 16. what bad shares lead to: `src/stratum/guard/misbehavior.rs`; a ban's length: `src/stratum/guard/strikes.rs`
//! 17. who may log in: `src/stratum/users/book.rs`
//! 18. the order in which solutions go out: `src/release/policy.rs`, `src/release/queue.rs`
//! 19. the stake's limits: `src/release/budget.rs`; the chain's table of them: `core/src/requirement.rs`
//! 20. the switch to another epoch: `core/src/chain/epoch.rs`; the jobs of both: `src/stratum/server/jobs.rs`
//! 21. whether the node follows the network, and when miners are sent away: `core/src/chain/following/judge.rs`
//! 22. a part of health: `core/src/health/report.rs`, then a module `health` beside what it judges, such as
//!     `src/release/health.rs`
//! 23. an API route: `api/src/router.rs`, `api/src/routes/mod.rs`
//! 24. an admin command: `src/operate/admin/command.rs`, then `src/operate/admin/act.rs`
//! 25. an event for webhooks: `src/operate/webhooks/event.rs`

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod books;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod ledger;
pub mod miner;
pub mod operate;
pub mod release;
pub mod stratum;
pub mod verify;
