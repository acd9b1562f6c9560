//! Replays the inputs of the fuzz targets, and more like them, through the functions they call.

use proptest::prelude::*;

use super::harness::package_file;
use crate::fuzzing::read_files;
use crate::stratum::{
    fuzzing::{hear, introduce},
    wire::{
        counter::{CounterReader, RawCounter},
        dialects::Dialect,
        message::Call,
    },
};

#[test]
fn the_corpus_harms_nobody() {
    let corpus = package_file("fuzz/corpus");
    for target in ["json", "aion", "abmatrix", "zkwork", "proxy", "files"] {
        let files: Vec<_> = std::fs::read_dir(corpus.join(target)).unwrap().map(Result::unwrap).collect();
        assert!(files.len() > 3, "{target}");
        for file in files {
            let bytes = std::fs::read(file.path()).unwrap();
            match target {
                "proxy" => introduce(&bytes),
                "files" => std::str::from_utf8(&bytes).map_or((), read_files),
                dialect => hear(dialect.parse().unwrap(), &bytes),
            }
        }
    }
}

/// The counter of the one submission in these bytes.
fn counter(dialect: Dialect, frame: &[u8]) -> Option<u64> {
    match dialect.decode(frame).ok()??.call {
        Call::Submit(submit) => CounterReader::default().read(&submit.ok()?.counter),
        _ => None,
    }
}

fn json_submit(params: String) -> Vec<u8> {
    format!("{{\"id\":1,\"method\":\"mining.submit\",\"params\":{params}}}").into_bytes()
}

proptest! {
    #[test]
    fn no_bytes_harm_any_dialect(bytes: Vec<u8>, text in "[\\[\\]{}\",:0-9a-z .\n-]{0,200}") {
        for dialect in Dialect::ALL {
            hear(dialect, &bytes);
            hear(dialect, text.as_bytes());
        }
        introduce(&bytes);
        read_files(&text);
    }

    /// A share's key is epoch, address and counter, all numbers: two notations are one share exactly if they
    /// are read as the same number.
    #[test]
    fn what_reads_the_same_is_the_same_key(a in spelling(), b in spelling()) {
        let read = |text: &str| CounterReader::default().read(&RawCounter::Text(text.into()));
        let value = |text: &str| -> Option<u128> {
            let digits = text.trim_start_matches('0');
            let digits = if digits.is_empty() { "0" } else { digits };
            match text.strip_prefix("0x").or(text.strip_prefix("0X")) {
                Some(hex) => u128::from_str_radix(hex, 16).ok(),
                None if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok(),
                None => u128::from_str_radix(text, 16).ok(),
            }
        };
        if let (Some(first), Some(second)) = (read(&a), read(&b)) {
            prop_assert_eq!(first == second, value(&a) == value(&b), "{} {}", a, b);
        }
    }

    #[test]
    fn every_dialect_reads_the_same_counter(number: u64) {
        let hex = format!("{number:016x}");
        let solution = [&[1; 64][..], &number.to_le_bytes(), &[2; 8]].concat();
        let submit = json_submit(format!("[\"a\",\"00050000\",\"{number}\"]"));
        for dialect in [Dialect::Json, Dialect::AleoStratum, Dialect::Generic(Default::default())] {
            prop_assert_eq!(counter(dialect, &submit), Some(number));
        }
        for parts in [format!("\"{hex}\",\"\""), format!("\"\",\"{hex}\""), format!("\"{hex}\",\"{hex}\"")] {
            let submit = json_submit(format!("[\"a\",\"00050000\",\"0\",{parts}]"));
            prop_assert_eq!(counter(Dialect::Aion, &submit), Some(number));
        }
        let submit = json_submit(format!("[\"0_05000000_x\",\"{}\"]", hex::encode(&solution)));
        prop_assert_eq!(counter(Dialect::AbMatrix, &submit), Some(number));
        let frame = [&[129][..], &[0; 12], &solution].concat();
        prop_assert_eq!(counter(Dialect::ZkWork, &frame), Some(number));
    }
}

/// Counters near each other in many notations, so that equal ones come up.
fn spelling() -> impl Strategy<Value = String> {
    let spelled = |number: u64| {
        prop_oneof![
            Just(number.to_string()),
            Just(format!("{number:x}")),
            Just(format!("{number:016X}")),
            Just(format!("0x{number:x}")),
            Just(format!("0X{number:08X}")),
            Just(format!("000{number}")),
        ]
    };
    prop_oneof![0u64..40, any::<u64>()].prop_flat_map(spelled)
}
