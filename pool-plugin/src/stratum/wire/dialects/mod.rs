//! The dialects of Aleo miners: how each kind of miner writes the same messages. Pure.
//!
//! A dialect turns bytes into neutral [requests](Request) and neutral [messages](Message) into bytes; nothing
//! else knows which one is spoken. One file per dialect, next to its golden transcripts.

mod abmatrix;
mod aion;
pub mod aleostratum;
pub mod generic;
mod json;
pub mod shared;
mod solution;
mod zkwork;

use std::{fmt, str::FromStr};

use pool_core::chain::addresses::Learns;

use super::{
    codec::Framing,
    message::{Call, Garbage, Message, Request, Word},
};

/// What a port or a session speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// JSON lines of a miner whose dialect is not known yet: its subscription shows it. What the default port
    /// speaks.
    #[default]
    Json,
    /// AleoStratum/3.0.0, the open specification.
    AleoStratum,
    /// JSON lines in the style of other coins' stratum, with the miner's word for a target.
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

    /// How its miners learn their address.
    pub const fn learns_address(self) -> Learns {
        match self {
            Self::Json | Self::AleoStratum | Self::Generic(_) | Self::AbMatrix => Learns::WithEachJob,
            Self::ZkWork => Learns::WhenItConnects,
            Self::Aion => Learns::Never,
        }
    }

    /// How its messages are separated.
    pub const fn framing(self) -> Framing {
        match self {
            Self::ZkWork => Framing::Lengths,
            _ => Framing::Lines,
        }
    }

    /// Reads what the [framing](super::codec) cut out. `None`: nothing to answer.
    pub fn decode(self, frame: &[u8]) -> Result<Option<Request>, Garbage> {
        match self {
            Self::Json | Self::Generic(_) => json::decode(frame, generic::call),
            Self::AleoStratum => json::decode(frame, aleostratum::call),
            Self::Aion => json::decode(frame, aion::call),
            Self::AbMatrix => json::decode(frame, abmatrix::call),
            Self::ZkWork => zkwork::decode(frame),
        }
    }

    /// The session's dialect after this request: a miner is answered in its own dialect.
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

    /// The bytes of a message, ready for the wire; none if the dialect has no such message.
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
        known.ok_or_else(|| format!("'{text}' is not a dialect of this pool"))
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

    #[test]
    fn the_documentation_has_every_dialect() {
        let text = include_str!("../../../../../docs/stratum.md");
        let rows = text.lines().skip_while(|line| !line.starts_with("| name | what it is |")).skip(2);
        let names: Vec<&str> = rows.map_while(|line| line.strip_prefix("| `")?.split('`').next()).collect();
        assert_eq!(names, Dialect::ALL.map(Dialect::name));
    }
}
