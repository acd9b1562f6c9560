//! The admin of a running pool: a unix socket in the data folder, for the user the node runs as and nobody else.
//! A request is a JSON object a line, and so is its answer.
//!
//! ```text
//! -> {"command":"kick","who":"alice.rig1"}
//! <- {"ok":true,"sessions":1}
//! -> {"command":"ban","network":"nowhere"}
//! <- {"ok":false,"error":"'nowhere' is not an address or a network: …"}
//! ```
//!
//! - [`command`]: what can be asked; also what `snarkos pool admin` takes on its command line.
//! - [`act`]: what is done then.
//! - [`query`]: what else can be asked of a running pool, and its answer.
//! - [`log_level`]: what the program logs.
//! - [`socket`]: the pool's side; [`client`]: the other one.

pub mod act;
pub mod client;
pub mod command;
pub mod log_level;
pub mod query;
pub mod socket;

pub use act::{Admin, AdminHandle};
pub use client::AdminArgs;
pub use command::Command;
pub use log_level::{LogLevel, Logger};
pub use query::Question;

/// The socket's name in the pool's data folder.
pub const SOCKET: &str = "admin.sock";
