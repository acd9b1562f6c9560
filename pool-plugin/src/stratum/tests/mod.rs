//! The port over real sockets.

mod entrance;
pub(crate) mod harness;
mod hostile;
mod jobs;
mod ordering;
mod shares;
mod targets;
mod transcripts;
