//! The bytes of the ledger's records, one file per record.
//!
//! Every record starts with a version byte of its own. Integers are big endian, texts are UTF-8 behind a
//! `u16` length, options and states are a tag byte. Decoding takes any bytes: it answers with a value or an
//! error, and refuses bytes left over.
//!
//! # A new version of a record
//! Raise the `VERSION` of its file, write the new layout, and keep reading the old one: the decoder gets the
//! version of the record. Old rows stay as they are; no migration is needed.

mod bytes;
mod dump_mark;
mod last_target;
mod number;
mod round;
mod share;
mod solution;
mod terms;
#[cfg(test)]
mod tests;
mod total;

pub use dump_mark::{decode_dump_mark, encode_dump_mark};
pub use last_target::{decode_last_target, encode_last_target};
pub use number::{decode_number, encode_number};
pub use round::{decode_round, encode_round};
pub use share::{decode_share, encode_share, encode_share_key};
pub use solution::{decode_solution, encode_solution};
pub use terms::{decode_terms, encode_terms};
pub use total::{decode_total, encode_total, encode_worker_key};

/// The version that each record is written in.
#[cfg(test)]
pub(super) const VERSIONS: [(&str, u8); 8] = [
    ("dump_mark", dump_mark::VERSION),
    ("last_target", last_target::VERSION),
    ("number", number::VERSION),
    ("round", round::VERSION),
    ("share", share::VERSION),
    ("solution", solution::VERSION),
    ("terms", terms::VERSION),
    ("total", total::VERSION),
];

/// The longest account or worker name, in bytes, that fits into a record.
pub const MAX_NAME_BYTES: usize = 1024;

/// Why bytes are not a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("it has record version {found}, this program knows up to {known}")]
    Version { found: u8, known: u8 },
    #[error("it ends too early")]
    TooShort,
    #[error("{0} bytes are left over")]
    LeftOver(usize),
    #[error("a text is not utf-8")]
    NotText,
    #[error("the tag {0} is unknown")]
    Tag(u8),
}

type Decoded<T> = Result<T, DecodeError>;
