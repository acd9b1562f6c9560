//! The dialects of the field: how one kind of miner says what all miners say. Pure.
//!
//! A dialect turns bytes into neutral [requests](Request) and neutral [messages](Message) into bytes; nothing
//! behind it knows which one is spoken. One file a dialect, with its golden transcripts beside it.

mod abmatrix;
mod aion;
pub mod aleostratum;
pub mod generic;
mod json;
pub mod shared;
mod solution;
mod zkwork;

use std::{fmt, str::FromStr};

use super::{
    codec::Framing,
    message::{Call, Garbage, Message, Request, Word},
};
use crate::chain::addresses::Learns;

/// What a port or a session speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// JSON lines of a miner that has not yet said which: its subscription tells. What the default port
    /// speaks.
    #[default]
    Json,
    /// AleoStratum/3.0.0, the open specification.
    AleoStratum,
    /// JSON lines in the manner of other coins' stratum, with the miner's word for a target.
    Generic(Word),
    /// Aion's stratum v1, mapped onto Aleo.
    Aion,
    /// ABMatrix 0.4, of Aleo's testnet of 2023.
    AbMatrix,
    /// zk.work's binary frames.
    ZkWork,
}

impl Dialect {
    /// Those a port can be pinned to.
    pub const ALL: [Self; 6] = [
        Self::Json,
        Self::AleoStratum,
        Self::Generic(Word::Difficulty),
        Self::Aion,
        Self::AbMatrix,
        Self::ZkWork,
    ];

    /// The dialect's place in [`Self::ALL`].
    pub const fn index(self) -> usize {
        match self {
            Self::Json => 0,
            Self::AleoStratum => 1,
            Self::Generic(_) => 2,
            Self::Aion => 3,
            Self::AbMatrix => 4,
            Self::ZkWork => 5,
        }
    }

    /// The name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::AleoStratum => "aleostratum",
            Self::Generic(_) => "generic",
            Self::Aion => "aion",
            Self::AbMatrix => "abmatrix",
            Self::ZkWork => "zkwork",
        }
    }

    /// How its miners learn for which address they work.
    pub const fn learns_address(self) -> Learns {
        match self {
            Self::Json | Self::AleoStratum | Self::Generic(_) | Self::AbMatrix => Learns::WithEachJob,
            Self::ZkWork => Learns::WhenItConnects,
            Self::Aion => Learns::Never,
        }
    }

    /// How its messages are parted.
    pub const fn framing(self) -> Framing {
        match self {
            Self::ZkWork => Framing::Lengths,
            _ => Framing::Lines,
        }
    }

    /// Reads what the [framing](super::codec) cut out. `None`: there is nothing to answer.
    pub fn decode(self, frame: &[u8]) -> Result<Option<Request>, Garbage> {
        match self {
            Self::Json | Self::Generic(_) => json::decode(frame, generic::call),
            Self::AleoStratum => json::decode(frame, aleostratum::call),
            Self::Aion => json::decode(frame, aion::call),
            Self::AbMatrix => json::decode(frame, abmatrix::call),
            Self::ZkWork => zkwork::decode(frame),
        }
    }

    /// What the session speaks once it was asked this: a miner is answered in its own words.
    pub fn after(self, call: &Call) -> Self {
        match (self, call) {
            (Self::Json, Call::Subscribe(Ok(subscribe))) => match &subscribe.version {
                Some(version) if shared::is_supported(version) => Self::AleoStratum,
                _ => Self::Generic(Word::default()),
            },
            (Self::Generic(_), Call::Suggest(Ok(suggest))) => Self::Generic(suggest.word),
            (dialect, _) => dialect,
        }
    }

    /// The bytes of a message, ready for the wire; none if the dialect has no words for it.
    pub fn encode(self, message: &Message) -> Vec<u8> {
        match self {
            Self::Json | Self::AleoStratum => aleostratum::encode(message),
            Self::Generic(word) => generic::encode(message, word),
            Self::Aion => aion::encode(message),
            Self::AbMatrix => abmatrix::encode(message),
            Self::ZkWork => zkwork::encode(message),
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Dialect {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|dialect| dialect.name() == text);
        known.ok_or_else(|| format!("'{text}' is no dialect of this pool"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dialect_has_a_name_that_is_read_back() {
        for (index, dialect) in Dialect::ALL.into_iter().enumerate() {
            assert_eq!(dialect.name().parse(), Ok(dialect));
            assert_eq!(dialect.index(), index);
        }
        assert!("bitcoin".parse::<Dialect>().is_err());
    }
}
