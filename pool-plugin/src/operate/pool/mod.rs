//! The parts put together: start, supervision, shutdown.
//!
//! [`Pool::open`] does everything that can fail before the node starts. [`Pool::run`] serves the port at
//! once, waits for the node, then starts the parts that need a chain. Stopping goes the other way round:
//! first the sessions settle what is in flight, then the finds are recorded, then the database is closed.
//!
//! # Layout
//! - `open`: the folder, the database and the ports, and the queries of an open pool.
//! - `handles`: handles to a running pool.
//! - `run`: from the start to the end.
//! - `signals`: the process's signals.
//! - `parts`: what the parts share.
//! - `services`: the parts that run whether or not there is a chain.
//! - `chain_services`: the parts that need one.
//! - `report`: what is checked each second.

mod chain_services;
mod handles;
mod open;
mod parts;
mod report;
mod run;
mod services;
mod signals;

pub use self::{handles::StopHandle, open::Pool};
