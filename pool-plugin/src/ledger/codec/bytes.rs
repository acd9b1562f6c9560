//! Writing and reading the parts that records are made of.

use pool_core::types::{Address, EpochHash, Solution, Worker};

use super::{DecodeError, Decoded};

/// Texts are cut to what their length field can hold: names are checked before they get here, reasons are
/// ours.
pub(super) struct Encoder(pub(super) Vec<u8>);

impl Encoder {
    /// A record of this version.
    pub(super) fn record(version: u8) -> Self {
        Self(vec![version])
    }

    /// A database key: no version, keys are compared as they are.
    pub(super) fn key() -> Self {
        Self(Vec::new())
    }

    pub(super) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(super) fn u8(self, value: u8) -> Self {
        self.bytes(&[value])
    }

    pub(super) fn u32(self, value: u32) -> Self {
        self.bytes(&value.to_be_bytes())
    }

    pub(super) fn u64(self, value: u64) -> Self {
        self.bytes(&value.to_be_bytes())
    }

    pub(super) fn text(self, text: &str) -> Self {
        let cut = cut_at_character(text, usize::from(u16::MAX));
        let length = u16::try_from(cut.len()).unwrap_or(u16::MAX);
        self.bytes(&length.to_be_bytes()).bytes(cut.as_bytes())
    }

    pub(super) fn worker(self, worker: &Worker) -> Self {
        self.text(&worker.account).text(&worker.name)
    }

    pub(super) fn finder(self, finder: Option<&Worker>) -> Self {
        match finder {
            None => self.u8(0),
            Some(worker) => self.u8(1).worker(worker),
        }
    }

    pub(super) fn solution(self, solution: &Solution) -> Self {
        self.bytes(&solution.epoch_hash.0)
            .bytes(&solution.address.0)
            .u64(solution.counter)
            .u64(solution.target)
    }
}

/// The longest start of `text` that fits into `limit` bytes.
fn cut_at_character(text: &str, limit: usize) -> &str {
    let end = (0..=limit.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[..end]
}

/// The rest of a record after its version byte.
pub(super) struct Decoder<'a>(&'a [u8]);

impl<'a> Decoder<'a> {
    /// For a record with only one version so far.
    pub(super) fn new(bytes: &'a [u8], version: u8) -> Decoded<Self> {
        let (found, decoder) = Self::versioned(bytes, version)?;
        if found == version { Ok(decoder) } else { Err(DecodeError::Version { found, known: version }) }
    }

    /// The record's version, from 1 to `known`, and the rest.
    pub(super) fn versioned(bytes: &'a [u8], known: u8) -> Decoded<(u8, Self)> {
        let mut decoder = Self(bytes);
        let found = decoder.u8()?;
        if (1..=known).contains(&found) {
            Ok((found, decoder))
        } else {
            Err(DecodeError::Version { found, known })
        }
    }

    fn take(&mut self, length: usize) -> Decoded<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(length).ok_or(DecodeError::TooShort)?;
        self.0 = rest;
        Ok(head)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Decoded<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| DecodeError::TooShort)
    }

    pub(super) fn u8(&mut self) -> Decoded<u8> {
        self.array().map(|[byte]| byte)
    }

    fn u16(&mut self) -> Decoded<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Decoded<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Decoded<u64> {
        self.array().map(u64::from_be_bytes)
    }

    pub(super) fn text(&mut self) -> Decoded<String> {
        let length = self.u16()?;
        let bytes = self.take(usize::from(length))?;
        std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| DecodeError::NotText)
    }

    pub(super) fn worker(&mut self) -> Decoded<Worker> {
        Ok(Worker { account: self.text()?, name: self.text()? })
    }

    pub(super) fn finder(&mut self) -> Decoded<Option<Worker>> {
        match self.u8()? {
            0 => Ok(None),
            1 => self.worker().map(Some),
            tag => Err(DecodeError::Tag(tag)),
        }
    }

    pub(super) fn solution(&mut self) -> Decoded<Solution> {
        Ok(Solution {
            epoch_hash: EpochHash(self.array()?),
            address: Address(self.array()?),
            counter: self.u64()?,
            target: self.u64()?,
        })
    }

    pub(super) fn end<T>(self, value: T) -> Decoded<T> {
        match self.0.len() {
            0 => Ok(value),
            left => Err(DecodeError::LeftOver(left)),
        }
    }
}
