//! The port over real sockets.

pub(crate) mod harness;
mod hostile;
mod jobs;
mod ordering;
mod shares;
mod targets;
mod transcripts;
