//! What a worker has earned, and its key.

use pool_core::types::Worker;

use super::{
    Decoded,
    bytes::{Decoder, Encoder},
};
use crate::ledger::records::WorkerTotal;

pub(super) const VERSION: u8 = 1;

/// A database key, so without a version byte: both names, each behind its length.
pub fn encode_worker_key(worker: &Worker) -> Vec<u8> {
    Encoder::key().worker(worker).0
}

pub fn encode_total(total: &WorkerTotal) -> Vec<u8> {
    Encoder::record(VERSION).worker(&total.worker).u64(total.shares).bytes(&total.credit.to_be_bytes()).0
}

pub fn decode_total(bytes: &[u8]) -> Decoded<WorkerTotal> {
    let mut from = Decoder::new(bytes, VERSION)?;
    let total = WorkerTotal {
        worker: from.worker()?,
        shares: from.u64()?,
        credit: from.array().map(u128::from_be_bytes)?,
    };
    from.end(total)
}
