//! A solution of ours and its fate.

use pool_core::types::BlockHash;

use super::{
    DecodeError, Decoded,
    bytes::{Decoder, Encoder},
};
use crate::ledger::records::{SolutionRecord, SolutionState};

pub(super) const VERSION: u8 = 1;

pub fn encode_solution(record: &SolutionRecord) -> Vec<u8> {
    let head = Encoder::record(VERSION)
        .solution(&record.solution)
        .u32(record.epoch)
        .finder(record.finder.as_ref())
        .u64(record.found_ms);
    match &record.state {
        SolutionState::Found => head.u8(0),
        SolutionState::Released => head.u8(1),
        SolutionState::Landed { height, hash, reward } => head.u8(2).u32(*height).bytes(&hash.0).u64(*reward),
        SolutionState::Aborted { height, inferred } => head.u8(3).u32(*height).text(inferred),
        SolutionState::Expired => head.u8(4),
    }
    .0
}

pub fn decode_solution(bytes: &[u8]) -> Decoded<SolutionRecord> {
    let mut from = Decoder::new(bytes, VERSION)?;
    let solution = from.solution()?;
    let epoch = from.u32()?;
    let finder = from.finder()?;
    let found_ms = from.u64()?;
    let state = match from.u8()? {
        0 => SolutionState::Found,
        1 => SolutionState::Released,
        2 => {
            SolutionState::Landed { height: from.u32()?, hash: BlockHash(from.array()?), reward: from.u64()? }
        }
        3 => SolutionState::Aborted { height: from.u32()?, inferred: from.text()? },
        4 => SolutionState::Expired,
        tag => return Err(DecodeError::Tag(tag)),
    };
    from.end(SolutionRecord { solution, epoch, finder, found_ms, state })
}
