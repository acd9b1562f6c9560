//! The parts put together: start, supervision, shutdown.
//!
//! [`Pool::open`] does all that can fail before the node starts. [`Pool::run`] serves the port at once, waits
//! for the node, then starts the parts that need a chain. Stopping goes the other way round: first the
//! sessions settle what is in flight, then the finds are recorded, then the database is closed.
//!
//! # Layout
//! - `open`: the folder, the database and the ports, and what can be asked of a pool that has them.
//! - `handles`: what others hold of a pool that runs.
//! - `run`: from the start to the end.
//! - `signals`: what the process is told from outside.
//! - `parts`: what the parts share.
//! - `standing`: the parts that run whether or not there is a chain.
//! - `followers`: the parts that need one.
//! - `report`: what is looked at each second.

mod followers;
mod handles;
mod open;
mod parts;
mod report;
mod run;
mod signals;
mod standing;

pub use self::{handles::StopHandle, open::Pool};
