//! The health of each part of the pool, as one word and one sentence that says what to do.
//!
//! # Layout
//! - `report`: a part's report about itself.
//! - `board`: keeps the latest of each part, publishes it, and logs each change once.
//! - The judgements, functions of values: `node`, `release`, `books`, `puzzle`, [`disk`], [`shares`], and
//!   [`syncing`], which says how far a node has synced.
//! - `watch`: reports on the parts that do not report themselves.

mod board;
mod books;
pub mod disk;
mod node;
mod puzzle;
mod release;
mod report;
pub mod shares;
pub mod syncing;
mod watch;

pub use self::{
    board::{Health, HealthBoard},
    books::{books, finds, ledger, rounds},
    node::{HEIGHT_TOLERANCE, MIN_SYNCED_VALIDATORS, Node, chain, synced_validators},
    puzzle::{puzzle, verification},
    release::release,
    report::{Level, Part, Report},
    watch::run,
};
