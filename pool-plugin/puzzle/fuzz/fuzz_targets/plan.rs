//! The plan's interpreter against snarkVM, for random programs.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| aleo_epoch_puzzle::fuzzing::plan(input));
