//! How each part of the pool fares, in one word and one sentence that says what to do.
//!
//! # Layout
//! - `report`: what a part says of itself.
//! - `board`: keeps the latest of each part, publishes it, and logs each change once.
//! - `watch`: looks after the parts that do not report themselves.
//!
//! The judgements, functions of values, stand beside what they judge, in modules called `health`.

mod board;
pub mod puzzle;
mod report;
mod watch;

pub use self::{
    board::{Health, HealthBoard},
    puzzle::{puzzle, verification},
    report::{Level, Part, Report},
    watch::run,
};
