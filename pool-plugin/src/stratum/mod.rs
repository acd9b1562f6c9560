//! The stratum port: what miners connect to. `docs/stratum.md` has the protocol.
//!
//! - `bell`: which changes of the chain the sessions need.
//! - [`capture`]: everything sent over a connection, for devices of unknown dialects.
//! - [`census`]: how many sessions there are, by dialect and state.
//! - [`codec`]: bytes to frames.
//! - [`dialects`]: frames to requests, messages to bytes.
//! - [`message`]: the messages, whatever the dialect.
//! - [`counter`]: the notations of a counter.
//! - [`login`]: who is credited.
//! - [`entrance`]: from a socket to a session.
//! - [`jobs`]: which job and which target a session has; `epoch_jobs`: those of one epoch.
//! - [`proxy`]: the client that a proxy names.
//! - [`wish`]: the target a miner asks for.
//! - [`places`]: session ids, and the counters that belong to a session alone.
//! - [`common`]: what all sessions share.
//! - `session`: one connection.
//! - `returns`: when miners should reconnect.
//! - [`sessions`]: all of them, for the admin.
//! - `outbox`: its writing half.
//! - `feed`: what its miner has to work on.
//! - `pusher`: sends changes of the chain to all sessions.
//! - `phrases`: the bytes of work, encoded once for all sessions.
//! - [`listener`]: the port.
//! - [`stats`]: its counters.
//! - [`tls`]: its certificate.

mod bell;
pub mod capture;
pub mod census;
pub mod codec;
pub mod common;
pub mod counter;
pub mod dialects;
pub mod entrance;
mod epoch_jobs;
mod feed;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod jobs;
pub mod listener;
pub mod login;
pub mod message;
mod outbox;
mod phrases;
pub mod places;
pub mod proxy;
mod pusher;
mod returns;
mod session;
pub mod sessions;
pub mod stats;
#[cfg(test)]
pub(crate) mod tests;
pub mod tls;
pub mod wish;

pub use common::Common;
pub use entrance::Entrance;
pub use listener::{Door, Pinned, StratumConfig, serve};
pub use stats::Stats;
pub use tls::Tls;
