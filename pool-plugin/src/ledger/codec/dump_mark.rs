//! What later dumps need to know of a dump.

use super::{
    Decoded,
    bytes::{Decoder, Encoder},
};
use crate::ledger::records::DumpMark;

pub(super) const VERSION: u8 = 1;

pub fn encode_dump_mark(mark: &DumpMark) -> Vec<u8> {
    Encoder::record(VERSION).bytes(&mark.digest).u64(mark.carried_out).u64(mark.window_first_seq).0
}

pub fn decode_dump_mark(bytes: &[u8]) -> Decoded<DumpMark> {
    let mut from = Decoder::new(bytes, VERSION)?;
    let mark = DumpMark { digest: from.array()?, carried_out: from.u64()?, window_first_seq: from.u64()? };
    from.end(mark)
}
