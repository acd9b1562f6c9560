//! The stratum port: AleoStratum/3.0.0 over TCP. `docs/stratum.md` has the protocol.
//!
//! - [`codec`]: bytes to lines.
//! - [`message`]: lines to requests, replies to lines.
//! - [`counter`]: the spellings of a counter.
//! - [`login`]: who is credited.
//! - [`jobs`]: which job and which target a session has.
//! - `session`: one connection.
//! - [`listener`]: the port.
//! - [`stats`]: its counters.

pub mod codec;
pub mod counter;
pub mod jobs;
pub mod listener;
pub mod login;
pub mod message;
mod session;
pub mod stats;
#[cfg(test)]
pub(crate) mod tests;

pub use listener::{StratumConfig, serve};
pub use stats::Stats;
