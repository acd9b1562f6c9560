//! The dialects of the field: how one kind of miner says what all miners say. Pure.
//!
//! A dialect turns bytes into neutral [requests](Request) and neutral [messages](Message) into bytes; nothing
//! behind it knows which one is spoken. One file a dialect, with its golden transcripts beside it.

pub mod aleostratum;
mod json;

use super::message::{Garbage, Message, Request};

/// What a session speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// AleoStratum/3.0.0: JSON lines.
    #[default]
    AleoStratum,
}

impl Dialect {
    /// Reads what the [framing](super::codec) cut out. `None`: there is nothing to answer.
    pub fn decode(self, frame: &[u8]) -> Result<Option<Request>, Garbage> {
        match self {
            Self::AleoStratum => json::decode(frame, aleostratum::call),
        }
    }

    /// The bytes of a message, ready for the wire; none if the dialect has no words for it.
    pub fn encode(self, message: &Message) -> Vec<u8> {
        match self {
            Self::AleoStratum => aleostratum::encode(message),
        }
    }
}
