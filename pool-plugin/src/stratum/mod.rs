//! From a miner's bytes to a share. `docs/stratum.md` has the protocol.
//!
//! # Layout
//! - [`wire`]: bytes to frames to requests, and back, in each dialect.
//! - [`server`]: the port, its sessions and their jobs.
//! - [`intake`]: what every submitted counter goes through, whatever the dialect.
//! - [`guard`]: who may come in, who has to go.
//! - [`users`]: who may log in.
//! - [`vardiff`]: the share target a miner is to have.
//! - [`workers`]: what is known of each worker over all its connections; [`history`]: the last day, minute by minute.
//! - [`health`]: whether shares come in.

#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod guard;
pub mod health;
pub mod history;
pub mod intake;
pub mod server;
pub mod users;
pub mod vardiff;
pub mod wire;
pub mod workers;
