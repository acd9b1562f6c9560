//! The share target a worker had last.

use super::{
    Decoded,
    bytes::{Decoder, Encoder},
};
use crate::ledger::records::LastTarget;

pub(super) const VERSION: u8 = 1;

pub fn encode_last_target(last: &LastTarget) -> Vec<u8> {
    Encoder::record(VERSION).worker(&last.worker).u64(last.target).u64(last.seen).0
}

pub fn decode_last_target(bytes: &[u8]) -> Decoded<LastTarget> {
    let mut from = Decoder::new(bytes, VERSION)?;
    let last = LastTarget { worker: from.worker()?, target: from.u64()?, seen: from.u64()? };
    from.end(last)
}
