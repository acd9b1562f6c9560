//! A lone number: a sequence number, a height, an epoch, a version.

use super::{
    Decoded,
    bytes::{Decoder, Encoder},
};

pub(super) const VERSION: u8 = 1;

pub fn encode_number(value: u64) -> Vec<u8> {
    Encoder::record(VERSION).u64(value).0
}

pub fn decode_number(bytes: &[u8]) -> Decoded<u64> {
    let mut from = Decoder::new(bytes, VERSION)?;
    let value = from.u64()?;
    from.end(value)
}
