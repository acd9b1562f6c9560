//! Which connections are accepted, which are dropped, and for how long.
//!
//! Penalties apply to connections first, then to workers at one address, then to addresses; never to
//! accounts, since anyone can log in under any name. All rules are pure and take the time as a value;
//! [`gate`] combines them for the port and the admin.
//!
//! - [`descriptors`]: how many connections the process has file descriptors for.
//! - [`crowd`]: connections per address, more for addresses that have earned them.
//! - [`conduct`]: a connection's behaviour, and what follows from it.
//! - [`strangers`]: which connections give way when the port is full.
//! - [`strikes`]: dropped connections, by worker and by address.
//! - [`access`]: bans and the allow-list; [`access_file`]: those of the operator, on disk.
//! - [`gate`]: all of these behind one lock.
//! - [`standing`]: the state of one connection, and the orders to its session.

pub mod access;
pub mod access_file;
pub mod conduct;
pub mod crowd;
pub mod descriptors;
pub mod gate;
pub mod standing;
pub mod strangers;
pub mod strikes;

pub use conduct::Verdict;
pub use gate::{Gate, Ticket};
pub use standing::{Order, Standing};
pub use strangers::{Stranger, Strangers};
