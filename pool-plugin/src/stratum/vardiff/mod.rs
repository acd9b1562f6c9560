//! Vardiff: the share target a miner is to have, so that it finds a share every few seconds, whatever its
//! means. Pure: times are passed in, as the time since some fixed moment.
//!
//! - [`steps`]: the targets that are handed out.
//! - [`meter`]: how fast a miner is, as far as its shares tell.
//! - [`retarget`]: which target follows from that.
//! - [`brake`]: higher targets for all while verification is behind.
//! - [`selection`]: whether a miner sends all it finds.
//!
//! # Why no target is a bargain
//! A counter reaches target `T` with probability `1/T`, and a share is credited with the `T` it was assigned,
//! so an attempt is worth one attempt at any target. That holds as long as the target does not depend on
//! what the counter reached. Here it never does: a target follows from *when* earlier shares came, and a
//! share is judged by the target of the job it names. What is left to a cheat is to look first and choose
//! the target afterwards; [`selection`] sees that.

pub mod brake;
pub mod meter;
pub mod retarget;
pub mod selection;
#[cfg(test)]
mod simulation;
pub mod steps;

pub use brake::Brake;
pub use retarget::{Aim, Bounds, Settings, Vardiff};
