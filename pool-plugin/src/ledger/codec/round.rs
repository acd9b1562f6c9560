//! A block of ours.

use super::{
    DecodeError, Decoded,
    bytes::{Decoder, Encoder},
};
use crate::{
    ledger::records::{Round, RoundSolution},
    types::{Address, BlockHash, EpochHash},
};

const VERSION: u8 = 1;

pub fn encode_round(round: &Round) -> Vec<u8> {
    let head = Encoder::record(VERSION)
        .u32(round.height)
        .bytes(&round.hash.0)
        .bytes(&round.timestamp.to_be_bytes())
        .u32(round.epoch)
        .bytes(&round.epoch_hash.0)
        .bytes(&round.address.0)
        .u64(round.first_seq)
        .u64(round.last_seq);
    round
        .solutions
        .iter()
        .fold(head, |bytes, landed| {
            bytes.u8(1).solution(&landed.solution).u64(landed.reward).finder(landed.finder.as_ref())
        })
        .u8(0)
        .0
}

pub fn decode_round(bytes: &[u8]) -> Decoded<Round> {
    let mut from = Decoder::new(bytes, VERSION)?;
    let mut round = Round {
        height: from.u32()?,
        hash: BlockHash(from.array()?),
        timestamp: from.array().map(i64::from_be_bytes)?,
        epoch: from.u32()?,
        epoch_hash: EpochHash(from.array()?),
        address: Address(from.array()?),
        solutions: Vec::new(),
        first_seq: from.u64()?,
        last_seq: from.u64()?,
    };
    // Each solution is announced by a 1 and the list ends with a 0, so no length can lie.
    loop {
        match from.u8()? {
            0 => return from.end(round),
            1 => round.solutions.push(RoundSolution {
                solution: from.solution()?,
                reward: from.u64()?,
                finder: from.finder()?,
            }),
            tag => return Err(DecodeError::Tag(tag)),
        }
    }
}
