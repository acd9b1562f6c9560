//! Who may come in, who has to go, and for how long.
//!
//! Penalties belong to connections first, then to workers at one address, then to addresses; never to
//! accounts, since anyone can log in under anyone's name. All rules are pure and take the time as a value;
//! [`gate`] holds them together for the port and the admin.
//!
//! - [`descriptors`]: how many connections the process has file descriptors for.
//! - [`crowd`]: connections per address, more for those that have earned it.
//! - [`conduct`]: a connection's behaviour, and what follows from it.
//! - [`strangers`]: who gives way when the port is full.
//! - [`strikes`]: dropped connections, by worker and by address.
//! - [`access`]: bans and the allow-list; [`access_file`]: those of the operator, on disk.
//! - [`gate`]: all of these behind one lock.
//! - [`standing`]: how one connection fares, and what is asked of it.

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
