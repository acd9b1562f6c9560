//! The port over real sockets.

mod addresses;
mod captures;
mod corpus;
mod entrance;
pub(crate) mod harness;
mod hostile;
mod jobs;
mod network;
mod ordering;
mod pinned;
mod places;
mod pushes;
mod shares;
mod strangers;
mod targets;
mod transcripts;
mod turn;
mod users;
