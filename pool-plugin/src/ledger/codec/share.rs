//! An accepted share, and the key that identifies it.

use pool_core::types::Address;

use super::{
    Decoded,
    bytes::{Decoder, Encoder},
};
use crate::ledger::records::{Share, ShareKey};

pub(super) const VERSION: u8 = 1;

pub fn encode_share(share: &Share) -> Vec<u8> {
    Encoder::record(VERSION)
        .bytes(&encode_share_key(&share.key))
        .u64(share.target)
        .u64(share.reached)
        .u64(share.time_ms)
        .worker(&share.worker)
        .0
}

pub fn decode_share(bytes: &[u8]) -> Decoded<Share> {
    let mut from = Decoder::new(bytes, VERSION)?;
    let share = Share {
        key: ShareKey { epoch: from.u32()?, address: Address(from.array()?), counter: from.u64()? },
        target: from.u64()?,
        reached: from.u64()?,
        time_ms: from.u64()?,
        worker: from.worker()?,
    };
    from.end(share)
}

/// A database key, so without a version byte: 44 bytes that sort by epoch first.
pub fn encode_share_key(key: &ShareKey) -> [u8; 44] {
    let mut bytes = [0; 44];
    bytes[..4].copy_from_slice(&key.epoch.to_be_bytes());
    bytes[4..36].copy_from_slice(&key.address.0);
    bytes[36..].copy_from_slice(&key.counter.to_be_bytes());
    bytes
}
