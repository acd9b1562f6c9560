//! The pool as a whole, and what its operator has in hand.
//!
//! # Layout
//! - [`config`]: flags, file and defaults, checked whole.
//! - [`pool`]: the parts put together: start, supervision, shutdown.
//! - [`watch`]: looks after the parts that do not report themselves.
//! - [`view`]: the running pool as plain data, and as metrics.
//! - [`admin`]: what can be asked of a running pool, over its socket.
//! - [`console`]: the running pool in a terminal.
//! - [`reload`]: another configuration without a restart.
//! - [`sinks`]: copies of the books in Redis and PostgreSQL.
//! - [`webhooks`]: tells other programs when something happens.
//! - [`systemd`]: what the service manager gets to know.

pub mod admin;
pub mod config;
pub mod console;
pub mod pool;
pub mod reload;
pub mod sinks;
pub mod systemd;
pub mod view;
pub mod watch;
pub mod webhooks;
