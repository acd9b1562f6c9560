//! The running pool in a terminal: `snarkos pool status`, `miners`, `blocks`, `solutions`, `account` and `logs`, as
//! screens and tables for people or as JSON for programs.
//!
//! The commands query the pool over its admin socket, one line of JSON each way:
//!
//! ```text
//! -> {"view":"account","name":"alice"}
//! <- {"ok":true,"answer":{"account":{…},"workers":[…],"rewards":[…]}}
//! ```
//!
//! - [`cli`]: the commands.
//! - [`screen`]: `status`; [`tables`]: the others; [`format`]: numbers in the format people read.

pub mod cli;
mod format;
mod screen;
mod tables;
