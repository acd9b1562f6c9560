//! Every hash implementation of the machine against a reference.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| aleo_epoch_puzzle::fuzzing::keccak(input));
