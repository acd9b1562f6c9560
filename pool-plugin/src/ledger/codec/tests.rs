//! Records survive the round trip; other bytes are refused, never a panic.

use pool_core::{
    accounting::terms::{Fee, Rules, Scheme, Terms},
    types::{Address, BlockHash, EpochHash, Solution, Worker},
};
use proptest::prelude::*;

use super::*;
use crate::ledger::records::{
    Basis, DumpMark, LastTarget, Round, RoundSolution, Share, ShareKey, SolutionRecord, SolutionState,
    WorkerTotal,
};

fn hash() -> impl Strategy<Value = [u8; 32]> {
    any::<[u8; 32]>()
}

fn worker() -> impl Strategy<Value = Worker> {
    ("\\PC{0,70}", ".{0,70}").prop_map(|(account, worker)| Worker { account, name: worker })
}

fn solution() -> impl Strategy<Value = Solution> {
    (hash(), hash(), any::<u64>(), any::<u64>()).prop_map(|(epoch_hash, address, counter, target)| Solution {
        epoch_hash: EpochHash(epoch_hash),
        address: Address(address),
        counter,
        target,
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

fn terms() -> impl Strategy<Value = Terms> {
    let scheme = prop_oneof![
        Just(Scheme::Prop),
        any::<u32>().prop_map(|window| Scheme::Pplns { window }),
        Just(Scheme::Solo),
    ];
    let fee = ("\\PC{0,70}", any::<u32>()).prop_map(|(account, basis_points)| Fee { account, basis_points });
    (scheme, prop::collection::vec(fee, 0..4), any::<[u64; 2]>()).prop_map(|(scheme, fees, seqs)| Terms {
        rules: Rules { scheme, fees },
        since_seq: seqs[0],
        reach_seq: seqs[1],
    })
}

fn mark() -> impl Strategy<Value = DumpMark> {
    (hash(), any::<[u64; 2]>()).prop_map(|(digest, numbers)| DumpMark {
        digest,
        carried_out: numbers[0],
        window_first_seq: numbers[1],
    })
}

fn round() -> impl Strategy<Value = Round> {
    let basis = (terms(), any::<u64>()).prop_map(|(terms, proof_target)| Basis { terms, proof_target });
    let landed = (solution(), any::<u64>(), proptest::option::of(worker()))
        .prop_map(|(solution, reward, finder)| RoundSolution { solution, reward, finder });
    (
        any::<[u32; 2]>(),
        (hash(), hash(), hash()),
        any::<i64>(),
        any::<[u64; 2]>(),
        prop::collection::vec(landed, 0..5),
        prop::option::of(basis),
    )
        .prop_map(|(numbers, hashes, timestamp, window, solutions, basis)| Round {
            height: numbers[0],
            epoch: numbers[1],
            hash: BlockHash(hashes.0),
            epoch_hash: EpochHash(hashes.1),
            address: Address(hashes.2),
            timestamp,
            first_seq: window[0],
            last_seq: window[1],
            solutions,
            basis,
        })
}

/// Torn or foreign values: real records with a byte changed, cut or added.
fn is_refused_or_canonical<T>(bytes: &[u8], decode: fn(&[u8]) -> Decoded<T>, encode: impl Fn(&T) -> Vec<u8>) {
    if let Ok(value) = decode(bytes) {
        assert_eq!(encode(&value), bytes);
    }
}

fn decode_everything(bytes: &[u8]) {
    is_refused_or_canonical(bytes, decode_share, encode_share);
    is_refused_or_canonical(bytes, decode_total, encode_total);
    is_refused_or_canonical(bytes, decode_solution, encode_solution);
    is_refused_or_canonical(bytes, decode_round, encode_round);
    is_refused_or_canonical(bytes, decode_terms, encode_terms);
    is_refused_or_canonical(bytes, decode_dump_mark, encode_dump_mark);
    is_refused_or_canonical(bytes, decode_last_target, encode_last_target);
    is_refused_or_canonical(bytes, decode_number, |value| encode_number(*value));
}

proptest! {
    #[test]
    fn records_survive_the_round_trip(
        share in share(), record in record(), round in round(), number in any::<u64>(),
        worker in worker(), credit in any::<u128>(), terms in terms(), mark in mark(),
    ) {
        let last = LastTarget { worker: worker.clone(), target: number, seen: !number };
        prop_assert_eq!(decode_last_target(&encode_last_target(&last)), Ok(last));
        let total = WorkerTotal { worker, shares: number, credit };
        prop_assert_eq!(decode_share(&encode_share(&share)), Ok(share));
        prop_assert_eq!(decode_solution(&encode_solution(&record)), Ok(record));
        prop_assert_eq!(decode_round(&encode_round(&round)), Ok(round));
        prop_assert_eq!(decode_terms(&encode_terms(&terms)), Ok(terms));
        prop_assert_eq!(decode_dump_mark(&encode_dump_mark(&mark)), Ok(mark));
        prop_assert_eq!(decode_total(&encode_total(&total)), Ok(total));
        prop_assert_eq!(decode_number(&encode_number(number)), Ok(number));
    }

    #[test]
    fn arbitrary_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        decode_everything(&bytes);
        for version in [1, 2] {
            if let Some(first) = bytes.first_mut() {
                *first = version;
            }
            decode_everything(&bytes);
        }
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
    let worker = |account: &str, worker: &str| Worker { account: account.into(), name: worker.into() };
    assert_ne!(encode_worker_key(&worker("ab", "c")), encode_worker_key(&worker("a", "bc")));
}

#[test]
fn an_unknown_version_is_named() {
    let mut bytes = encode_number(7);
    bytes[0] = 2;
    assert_eq!(decode_number(&bytes), Err(DecodeError::Version { found: 2, known: 1 }));
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
    let SolutionState::Aborted { inferred, .. } = decode_solution(&encode_solution(&record)).unwrap().state
    else {
        panic!("the state changed");
    };
    assert_eq!(inferred, "ü".repeat(32_767));
}
