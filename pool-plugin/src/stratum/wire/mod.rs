//! What goes over a connection: frames, messages, and how each dialect spells them.
//!
//! # Layout
//! - [`codec`]: bytes to frames.
//! - [`dialects`]: frames to requests, messages to bytes.
//! - [`message`]: what is said, whatever the dialect.
//! - [`counter`]: the spellings of a counter.
//! - [`places`]: session ids, and the counters that belong to a session alone.

pub mod codec;
pub mod counter;
pub mod dialects;
pub mod extranonce;
pub mod message;
