//! Files that people write: users.json, access.json, captures.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| pool_plugin::fuzzing::read_files(text));
