//! The stratum port: what miners connect to. `docs/stratum.md` has the protocol.
//!
//! - `bell`: when the sessions are to learn of the chain.
//! - [`capture`]: what a connection says, for the day a device speaks something else.
//! - [`census`]: how many sessions there are, by dialect and state.
//! - [`codec`]: bytes to frames.
//! - [`dialects`]: frames to requests, messages to bytes.
//! - [`message`]: what is said, whatever the dialect.
//! - [`counter`]: the spellings of a counter.
//! - [`entrance`]: from a socket to a session.
//! - [`health`]: whether shares come in.
//! - [`jobs`]: which job and which target a session has; `epoch_jobs`: those of one epoch.
//! - [`proxy`]: whom a proxy speaks for.
//! - [`wish`]: the target a miner asks for.
//! - [`places`]: session ids, and the counters that belong to a session alone.
//! - [`common`]: what all sessions share.
//! - `session`: one connection.
//! - `returns`: when miners are to come back.
//! - [`sessions`]: all of them, for the admin.
//! - `outbox`: its writing half.
//! - `feed`: what its miner is told to work on.
//! - `pusher`: goes through all sessions with the news of the chain.
//! - `phrases`: the bytes of work, made once for all.
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
pub mod health;
pub mod jobs;
pub mod listener;
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
