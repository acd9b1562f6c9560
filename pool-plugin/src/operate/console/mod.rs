//! The running pool in a terminal: `snarkos pool status`, `miners`, `blocks`, `solutions`, `account` and `logs`, as
//! screens and tables for people or as JSON for programs.
//!
//! The commands ask the pool over its admin socket, a line of JSON there and back:
//!
//! ```text
//! -> {"view":"account","name":"alice"}
//! <- {"ok":true,"answer":{"account":{…},"workers":[…],"rewards":[…]}}
//! ```
//!
//! - [`cli`]: the commands.
//! - [`screen`]: `status`; [`tables`]: the others; [`words`]: numbers as people read them.

pub mod cli;
mod screen;
mod tables;
mod words;
