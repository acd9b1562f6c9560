//! Copies of the pool's books where pool operators keep such data already: n-stratum's Redis keys, katpool's
//! PostgreSQL tables and n-stratum's `blocks_records`. `docs/sinks.md` describes them for operators.
//!
//! The share ledger stays the only truth. A sink reads it by sequence number and keeps, beside what it wrote
//! and in the same transaction, how far it came. So whatever is cut off in the middle (the pool, the server, the
//! line between them), what the server holds is the ledger up to one number: nothing missing, nothing twice.
//!
//! Each sink has a thread of its own and only ever reads the ledger: a server that is slow or gone delays
//! nobody but its sink.
//!
//! # Layout
//! - [`books`]: what the pool offers to read.
//! - [`activity`]: what is not in the books: logins, refused shares, miners' addresses.
//! - [`names`]: `puid`, `worker_id`, names that separators cannot break.
//! - [`redis`], [`postgres`]: the layouts, and how they are written.
//! - [`sink`]: the trait both fulfil; [`runner`]: the thread, its patience and its status.
//! - [`url`]: where a server is, without showing the password.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod activity;
pub mod books;
pub mod names;
pub mod postgres;
pub mod redis;
pub mod runner;
pub mod sink;
pub mod url;
