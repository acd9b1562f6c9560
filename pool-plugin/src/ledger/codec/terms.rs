//! The rules by which rewards are shared out.

use pool_core::accounting::terms::{Fee, Rules, Scheme, Terms};

use super::{
    DecodeError, Decoded,
    bytes::{Decoder, Encoder},
};

pub(super) const VERSION: u8 = 1;

pub fn encode_terms(terms: &Terms) -> Vec<u8> {
    put_terms(Encoder::record(VERSION), terms).0
}

pub fn decode_terms(bytes: &[u8]) -> Decoded<Terms> {
    let mut from = Decoder::new(bytes, VERSION)?;
    let terms = take_terms(&mut from)?;
    from.end(terms)
}

/// Terms as a part of a record.
pub(super) fn put_terms(to: Encoder, terms: &Terms) -> Encoder {
    let to = to.u64(terms.since_seq).u64(terms.reach_seq);
    let to = match terms.rules.scheme {
        Scheme::Prop => to.u8(0),
        Scheme::Pplns { window } => to.u8(1).u32(window),
        Scheme::Solo => to.u8(2),
    };
    let fees = terms.rules.fees.iter();
    fees.fold(to, |to, fee| to.u8(1).text(&fee.account).u32(fee.basis_points)).u8(0)
}

pub(super) fn take_terms(from: &mut Decoder<'_>) -> Decoded<Terms> {
    let (since_seq, reach_seq) = (from.u64()?, from.u64()?);
    let scheme = match from.u8()? {
        0 => Scheme::Prop,
        1 => Scheme::Pplns { window: from.u32()? },
        2 => Scheme::Solo,
        tag => return Err(DecodeError::Tag(tag)),
    };
    let mut fees = Vec::new();
    // Each is announced by a 1 and the list ends with a 0, so no length can be wrong.
    loop {
        match from.u8()? {
            0 => return Ok(Terms { rules: Rules { scheme, fees }, since_seq, reach_seq }),
            1 => fees.push(Fee { account: from.text()?, basis_points: from.u32()? }),
            tag => return Err(DecodeError::Tag(tag)),
        }
    }
}
