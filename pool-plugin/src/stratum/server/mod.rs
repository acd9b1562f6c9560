//! The port that miners connect to, its sessions and their jobs.
//!
//! # Layout
//! - [`listener`]: takes connections, and ends them in order.
//! - `receive`: from a socket to a session; [`proxy`]: whom a proxy speaks for.
//! - [`accept`]: what a new connection must meet; [`tls`]: the certificate.
//! - `shared`: [`Server`], which all sessions share; [`config`]: how it is set.
//! - `session`: one connection; `outbox`: its writing half.
//! - `job_channel`: what its miner gets to work on.
//! - [`jobs`]: which job and which target a session has; `epoch_jobs`: those of one epoch.
//! - [`password_options`]: the target a miner asks for.
//! - `chain_news`: when the sessions are to learn of the chain.
//! - `broadcaster`: goes through all sessions with the news of the chain.
//! - `epoch_clock`: when the sessions learned of an epoch.
//! - `encoded_jobs`: the bytes of work, made once for all.
//! - `reconnect_jitter`: when miners are to come back.
//! - [`sessions`]: all of them, for the admin.
//! - [`session_counts`]: how many there are, by dialect and state; [`stats`]: the port's counters.
//! - [`capture`]: what a connection says, for the day a device speaks something else.

pub mod accept;
mod broadcaster;
pub mod capture;
mod chain_news;
pub mod config;
mod encoded_jobs;
mod epoch_clock;
mod epoch_jobs;
mod job_channel;
pub mod jobs;
pub mod listener;
mod outbox;
pub mod password_options;
pub mod proxy;
mod receive;
mod reconnect_jitter;
mod session;
pub mod session_counts;
pub mod sessions;
mod shared;
pub mod stats;
#[cfg(test)]
pub(crate) mod tests;
pub mod tls;

pub use accept::AcceptRules;
pub use config::{PortSettings, StratumConfig};
pub use listener::{Listener, serve};
pub use shared::{Server, ServerParts};
pub use stats::Stats;
pub use tls::Tls;
