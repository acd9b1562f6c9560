//! Which connections are accepted, which are dropped, and for how long.
//!
//! Penalties apply to connections first, then to workers at one address, then to addresses; never to
//! accounts, since anyone can log in under any name. All rules are pure and take the time as a value;
//! [`gate`] combines them for the port and the admin.
//!
//! - [`descriptors`]: how many connections the process has file descriptors for.
//! - [`connection_limits`]: connections per address, more for addresses that have earned them.
//! - [`misbehavior`]: a connection's behaviour, and what follows from it.
//! - [`unauthenticated`]: which connections give way when the port is full.
//! - [`strikes`]: dropped connections, by worker and by address.
//! - [`access`]: bans and the allow-list; [`access_file`]: those of the operator, on disk.
//! - [`gate`]: all of these behind one lock.
//! - [`peer_state`]: the state of one connection, and the orders to its session.

pub mod access;
pub mod access_file;
pub mod connection_limits;
pub mod descriptors;
pub mod gate;
pub mod misbehavior;
pub mod peer_state;
pub mod strikes;
pub mod unauthenticated;

pub use gate::{Gate, Ticket};
pub use misbehavior::Verdict;
pub use peer_state::{Order, PeerState};
pub use unauthenticated::{Unauthenticated, UnauthenticatedSession};
