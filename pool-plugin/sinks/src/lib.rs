//! Copies of the pool's books in the layouts that pool operators already use: n-stratum's Redis keys,
//! katpool's PostgreSQL tables and n-stratum's `blocks_records`. `docs/sinks.md` describes them for
//! operators.
//!
//! The share ledger stays the only source of truth. A sink reads it by sequence number and stores its
//! position with what it wrote, in the same transaction. So whatever fails in the middle (the pool, the
//! server, the connection between them), the server holds the ledger up to one number: nothing missing,
//! nothing twice.
//!
//! Each sink has its own thread and only reads the ledger: a server that is slow or gone delays nothing but
//! its sink.
//!
//! # Layout
//! - [`books`]: the books that sinks read.
//! - [`activity`]: what is not in the books: logins, refused shares, miners' addresses.
//! - [`names`]: `puid`, `worker_id`, names that separators cannot break.
//! - [`redis`], [`postgres`]: the layouts, and how they are written.
//! - [`sink`]: the trait of both; [`runner`]: the thread, its retries and its status.
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
