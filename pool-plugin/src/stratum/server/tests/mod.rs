//! The port over real sockets.

mod accept;
mod addresses;
mod captures;
mod corpus;
mod extranonces;
pub(crate) mod harness;
mod hostile;
mod jobs;
mod network;
mod ordering;
mod port_settings;
mod pushes;
mod shares;
mod targets;
mod transcripts;
mod turn;
mod unauthenticated;
mod users;
