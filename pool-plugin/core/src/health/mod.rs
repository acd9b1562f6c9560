//! The health of each part of the pool, as one word and one sentence that says what to do.
//!
//! # Layout
//! - `report`: a part's report about itself.
//! - `board`: keeps the latest of each part, publishes it, and logs each change once.
//!
//! The judgements, functions of values, stand beside what they judge, in modules called `health`.

mod board;
mod report;

pub use self::{
    board::{Health, HealthBoard},
    report::{Level, Part, Report},
};
