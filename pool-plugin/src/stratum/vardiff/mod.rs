//! Vardiff: the share target of a miner, chosen so that it finds a share every few seconds, whatever its
//! speed. Pure: times are passed in, as the time since some fixed moment.
//!
//! - [`steps`]: the targets that are handed out.
//! - [`meter`]: how fast a miner is, by its shares.
//! - [`retarget`]: the target that follows from it.
//! - [`brake`]: higher targets for all while verification is behind.
//! - [`selection`]: whether a miner sends all its shares.
//!
//! # Why no target pays more than another
//! A counter reaches target `T` with probability `1/T`, and a share is credited with the `T` it was assigned,
//! so an attempt is worth one attempt at any target. That holds as long as the target does not depend on what
//! the counter reached. Here it never does: a target follows from *when* earlier shares came, and a share is
//! judged by the target of the job it names. A cheat can only look at counters first and choose the target
//! afterwards; [`selection`] detects that.

pub mod brake;
pub mod meter;
pub mod retarget;
pub mod selection;
#[cfg(test)]
mod simulation;
pub mod steps;

pub use brake::Brake;
pub use retarget::{Aim, Bounds, Settings, Vardiff};
