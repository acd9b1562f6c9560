//! The port that miners connect to, its sessions and their jobs.
//!
//! # Layout
//! - [`listener`]: takes connections, and ends them in order.
//! - `receive`: from a socket to a session; [`proxy`]: whom a proxy speaks for.
//! - [`entrance`]: what a new connection must meet; [`tls`]: the certificate.
//! - `port`: what the sessions share, and how it is set; [`common`]: what of it outlives the port.
//! - `session`: one connection; `outbox`: its writing half.
//! - `feed`: what its miner is told to work on.
//! - [`jobs`]: which job and which target a session has; `epoch_jobs`: those of one epoch.
//! - [`wish`]: the target a miner asks for.
//! - `bell`: when the sessions are to learn of the chain.
//! - `pusher`: goes through all sessions with the news of the chain.
//! - `phrases`: the bytes of work, made once for all.
//! - `returns`: when miners are to come back.
//! - [`sessions`]: all of them, for the admin.
//! - [`census`]: how many there are, by dialect and state; [`stats`]: the port's counters.
//! - [`capture`]: what a connection says, for the day a device speaks something else.

mod bell;
pub mod capture;
pub mod census;
pub mod common;
pub mod entrance;
mod epoch_jobs;
mod feed;
pub mod jobs;
pub mod listener;
mod outbox;
mod phrases;
mod port;
pub mod proxy;
mod pusher;
mod receive;
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
pub use listener::{Door, serve};
pub use port::{Pinned, StratumConfig};
pub use stats::Stats;
pub use tls::Tls;
