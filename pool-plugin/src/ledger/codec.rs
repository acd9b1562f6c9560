//! The bytes of the ledger's records.
//!
//! Every record starts with a version byte. Integers are big endian, texts are UTF-8 behind a `u16` length,
//! options and states are a tag byte. Decoding takes any bytes: it answers with a value or an error, and
//! refuses bytes left over.

use crate::{
    ledger::records::{
        Round, RoundSolution, Share, ShareKey, SolutionRecord, SolutionState, Worker, WorkerTotal,
    },
    types::{Address, BlockHash, EpochHash, Solution},
};

/// The version byte this code writes.
pub const RECORD_VERSION: u8 = 1;

/// The longest account or worker name, in bytes, that a record takes.
pub const MAX_NAME_BYTES: usize = 1024;

/// Why bytes are not a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("it has record version {0}, this program knows {RECORD_VERSION}")]
    Version(u8),
    #[error("it ends too early")]
    TooShort,
    #[error("{0} bytes are left over")]
    LeftOver(usize),
    #[error("a text is not utf-8")]
    NotText,
    #[error("the tag {0} is unknown")]
    Tag(u8),
}

type Decoded<T> = Result<T, DecodeError>;

/// Texts are cut to what their length can say: names are checked before they get here, reasons are ours.
struct Encoder(Vec<u8>);

impl Encoder {
    fn new() -> Self {
        Self(vec![RECORD_VERSION])
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    fn u8(self, value: u8) -> Self {
        self.bytes(&[value])
    }

    fn u32(self, value: u32) -> Self {
        self.bytes(&value.to_be_bytes())
    }

    fn u64(self, value: u64) -> Self {
        self.bytes(&value.to_be_bytes())
    }

    fn text(self, text: &str) -> Self {
        let cut = cut_at_character(text, usize::from(u16::MAX));
        let length = u16::try_from(cut.len()).unwrap_or(u16::MAX);
        self.bytes(&length.to_be_bytes()).bytes(cut.as_bytes())
    }

    fn worker(self, worker: &Worker) -> Self {
        self.text(&worker.account).text(&worker.worker)
    }

    fn finder(self, finder: Option<&Worker>) -> Self {
        match finder {
            None => self.u8(0),
            Some(worker) => self.u8(1).worker(worker),
        }
    }

    fn solution(self, solution: &Solution) -> Self {
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

struct Decoder<'a>(&'a [u8]);

impl<'a> Decoder<'a> {
    fn new(bytes: &'a [u8]) -> Decoded<Self> {
        let mut decoder = Self(bytes);
        match decoder.u8()? {
            RECORD_VERSION => Ok(decoder),
            version => Err(DecodeError::Version(version)),
        }
    }

    fn take(&mut self, length: usize) -> Decoded<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(length).ok_or(DecodeError::TooShort)?;
        self.0 = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Decoded<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| DecodeError::TooShort)
    }

    fn u8(&mut self) -> Decoded<u8> {
        self.array().map(|[byte]| byte)
    }

    fn u16(&mut self) -> Decoded<u16> {
        self.array().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Decoded<u32> {
        self.array().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Decoded<u64> {
        self.array().map(u64::from_be_bytes)
    }

    fn text(&mut self) -> Decoded<String> {
        let length = self.u16()?;
        let bytes = self.take(usize::from(length))?;
        std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| DecodeError::NotText)
    }

    fn worker(&mut self) -> Decoded<Worker> {
        Ok(Worker { account: self.text()?, worker: self.text()? })
    }

    fn finder(&mut self) -> Decoded<Option<Worker>> {
        match self.u8()? {
            0 => Ok(None),
            1 => self.worker().map(Some),
            tag => Err(DecodeError::Tag(tag)),
        }
    }

    fn solution(&mut self) -> Decoded<Solution> {
        Ok(Solution {
            epoch_hash: EpochHash(self.array()?),
            address: Address(self.array()?),
            counter: self.u64()?,
            target: self.u64()?,
        })
    }

    fn end<T>(self, value: T) -> Decoded<T> {
        match self.0.len() {
            0 => Ok(value),
            left => Err(DecodeError::LeftOver(left)),
        }
    }
}

pub fn encode_share(share: &Share) -> Vec<u8> {
    Encoder::new()
        .bytes(&encode_share_key(&share.key))
        .u64(share.target)
        .u64(share.reached)
        .u64(share.time_ms)
        .worker(&share.worker)
        .0
}

pub fn decode_share(bytes: &[u8]) -> Decoded<Share> {
    let mut from = Decoder::new(bytes)?;
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

/// A database key, so without a version byte: both names, each behind its length.
pub fn encode_worker_key(worker: &Worker) -> Vec<u8> {
    Encoder(Vec::new()).worker(worker).0
}

pub fn encode_total(total: &WorkerTotal) -> Vec<u8> {
    Encoder::new().worker(&total.worker).u64(total.shares).bytes(&total.credit.to_be_bytes()).0
}

pub fn decode_total(bytes: &[u8]) -> Decoded<WorkerTotal> {
    let mut from = Decoder::new(bytes)?;
    let total = WorkerTotal {
        worker: from.worker()?,
        shares: from.u64()?,
        credit: from.array().map(u128::from_be_bytes)?,
    };
    from.end(total)
}

pub fn encode_solution(record: &SolutionRecord) -> Vec<u8> {
    let head = Encoder::new()
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
    let mut from = Decoder::new(bytes)?;
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

pub fn encode_round(round: &Round) -> Vec<u8> {
    let head = Encoder::new()
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
    let mut from = Decoder::new(bytes)?;
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

/// A lone number: a sequence number, a height, an epoch, a version.
pub fn encode_number(value: u64) -> Vec<u8> {
    Encoder::new().u64(value).0
}

pub fn decode_number(bytes: &[u8]) -> Decoded<u64> {
    let mut from = Decoder::new(bytes)?;
    let value = from.u64()?;
    from.end(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hash() -> impl Strategy<Value = [u8; 32]> {
        any::<[u8; 32]>()
    }

    fn worker() -> impl Strategy<Value = Worker> {
        ("\\PC{0,70}", ".{0,70}").prop_map(|(account, worker)| Worker { account, worker })
    }

    fn solution() -> impl Strategy<Value = Solution> {
        (hash(), hash(), any::<u64>(), any::<u64>()).prop_map(|(epoch_hash, address, counter, target)| {
            Solution { epoch_hash: EpochHash(epoch_hash), address: Address(address), counter, target }
        })
    }

    fn share() -> impl Strategy<Value = Share> {
        (any::<u32>(), hash(), any::<[u64; 4]>(), worker()).prop_map(|(epoch, address, numbers, worker)| {
            let [counter, target, reached, time_ms] = numbers;
            Share {
                key: ShareKey { epoch, address: Address(address), counter },
                worker,
                target,
                reached,
                time_ms,
            }
        })
    }

    fn state() -> impl Strategy<Value = SolutionState> {
        prop_oneof![
            Just(SolutionState::Found),
            Just(SolutionState::Released),
            (any::<u32>(), hash(), any::<u64>()).prop_map(|(height, hash, reward)| SolutionState::Landed {
                height,
                hash: BlockHash(hash),
                reward
            }),
            (any::<u32>(), ".*").prop_map(|(height, inferred)| SolutionState::Aborted { height, inferred }),
            Just(SolutionState::Expired),
        ]
    }

    fn record() -> impl Strategy<Value = SolutionRecord> {
        (solution(), any::<u32>(), proptest::option::of(worker()), any::<u64>(), state()).prop_map(
            |(solution, epoch, finder, found_ms, state)| SolutionRecord {
                solution,
                epoch,
                finder,
                found_ms,
                state,
            },
        )
    }

    fn round() -> impl Strategy<Value = Round> {
        let landed = (solution(), any::<u64>(), proptest::option::of(worker()))
            .prop_map(|(solution, reward, finder)| RoundSolution { solution, reward, finder });
        (
            any::<[u32; 2]>(),
            (hash(), hash(), hash()),
            any::<i64>(),
            any::<[u64; 2]>(),
            prop::collection::vec(landed, 0..5),
        )
            .prop_map(|(numbers, hashes, timestamp, window, solutions)| Round {
                height: numbers[0],
                epoch: numbers[1],
                hash: BlockHash(hashes.0),
                epoch_hash: EpochHash(hashes.1),
                address: Address(hashes.2),
                timestamp,
                first_seq: window[0],
                last_seq: window[1],
                solutions,
            })
    }

    /// What a torn or foreign value may look like: real records with a byte changed, cut or added.
    fn is_refused_or_canonical<T>(
        bytes: &[u8],
        decode: fn(&[u8]) -> Decoded<T>,
        encode: impl Fn(&T) -> Vec<u8>,
    ) {
        if let Ok(value) = decode(bytes) {
            assert_eq!(encode(&value), bytes);
        }
    }

    fn decode_everything(bytes: &[u8]) {
        is_refused_or_canonical(bytes, decode_share, encode_share);
        is_refused_or_canonical(bytes, decode_total, encode_total);
        is_refused_or_canonical(bytes, decode_solution, encode_solution);
        is_refused_or_canonical(bytes, decode_round, encode_round);
        is_refused_or_canonical(bytes, decode_number, |value| encode_number(*value));
    }

    proptest! {
        #[test]
        fn records_survive_the_round_trip(
            share in share(), record in record(), round in round(), number in any::<u64>(),
            worker in worker(), credit in any::<u128>(),
        ) {
            let total = WorkerTotal { worker, shares: number, credit };
            prop_assert_eq!(decode_share(&encode_share(&share)), Ok(share));
            prop_assert_eq!(decode_solution(&encode_solution(&record)), Ok(record));
            prop_assert_eq!(decode_round(&encode_round(&round)), Ok(round));
            prop_assert_eq!(decode_total(&encode_total(&total)), Ok(total));
            prop_assert_eq!(decode_number(&encode_number(number)), Ok(number));
        }

        #[test]
        fn arbitrary_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            decode_everything(&bytes);
            if let Some(first) = bytes.first_mut() {
                *first = RECORD_VERSION;
            }
            decode_everything(&bytes);
        }

        #[test]
        fn damaged_records_never_panic(
            share in share(), record in record(), round in round(),
            at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>(),
        ) {
            for mut bytes in [encode_share(&share), encode_solution(&record), encode_round(&round)] {
                let length = bytes.len();
                decode_everything(&bytes[..cut.index(length)]);
                bytes[at.index(length)] = byte;
                decode_everything(&bytes);
                bytes.push(byte);
                decode_everything(&bytes);
            }
        }

        #[test]
        fn a_cut_record_is_refused(share in share(), cut in any::<prop::sample::Index>()) {
            let bytes = encode_share(&share);
            prop_assert!(decode_share(&bytes[..cut.index(bytes.len())]).is_err());
        }

        #[test]
        fn different_workers_have_different_keys(one in worker(), other in worker()) {
            prop_assert_eq!(encode_worker_key(&one) == encode_worker_key(&other), one == other);
        }
    }

    #[test]
    fn the_split_between_account_and_worker_is_part_of_the_key() {
        let worker = |account: &str, worker: &str| Worker { account: account.into(), worker: worker.into() };
        assert_ne!(encode_worker_key(&worker("ab", "c")), encode_worker_key(&worker("a", "bc")));
    }

    #[test]
    fn an_unknown_version_is_named() {
        let mut bytes = encode_number(7);
        bytes[0] = 2;
        assert_eq!(decode_number(&bytes), Err(DecodeError::Version(2)));
    }

    #[test]
    fn an_endless_reason_is_cut_at_a_character() {
        let record = SolutionRecord {
            solution: Solution {
                epoch_hash: EpochHash::default(),
                address: Address::default(),
                counter: 1,
                target: 1,
            },
            epoch: 0,
            finder: None,
            found_ms: 0,
            state: SolutionState::Aborted { height: 1, inferred: "ü".repeat(40_000) },
        };
        let SolutionState::Aborted { inferred, .. } =
            decode_solution(&encode_solution(&record)).unwrap().state
        else {
            panic!("the state changed");
        };
        assert_eq!(inferred, "ü".repeat(32_767));
    }
}
