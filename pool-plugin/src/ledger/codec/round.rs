//! A block of ours: version 1 without a basis, version 2 with one.

use pool_core::types::{Address, BlockHash, EpochHash};

use super::{
    DecodeError, Decoded,
    bytes::{Decoder, Encoder},
    terms::{put_terms, take_terms},
};
use crate::ledger::records::{Basis, Round, RoundSolution};

pub(super) const VERSION: u8 = 2;

pub fn encode_round(round: &Round) -> Vec<u8> {
    let version = if round.basis.is_some() { VERSION } else { 1 };
    let head = Encoder::record(version)
        .u32(round.height)
        .bytes(&round.hash.0)
        .bytes(&round.timestamp.to_be_bytes())
        .u32(round.epoch)
        .bytes(&round.epoch_hash.0)
        .bytes(&round.address.0)
        .u64(round.first_seq)
        .u64(round.last_seq);
    let body = round
        .solutions
        .iter()
        .fold(head, |bytes, landed| {
            bytes.u8(1).solution(&landed.solution).u64(landed.reward).finder(landed.finder.as_ref())
        })
        .u8(0);
    match &round.basis {
        None => body.0,
        Some(basis) => put_terms(body.u64(basis.proof_target), &basis.terms).0,
    }
}

pub fn decode_round(bytes: &[u8]) -> Decoded<Round> {
    let (version, mut from) = Decoder::versioned(bytes, VERSION)?;
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
        basis: None,
    };
    // Each solution is announced by a 1 and the list ends with a 0, so no length can be wrong.
    loop {
        match from.u8()? {
            0 => break,
            1 => round.solutions.push(RoundSolution {
                solution: from.solution()?,
                reward: from.u64()?,
                finder: from.finder()?,
            }),
            tag => return Err(DecodeError::Tag(tag)),
        }
    }
    if version >= 2 {
        let proof_target = from.u64()?;
        round.basis = Some(Basis { terms: take_terms(&mut from)?, proof_target });
    }
    from.end(round)
}
