//! PROXY headers, versions 1 and 2.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pool_plugin::stratum::fuzzing;

fuzz_target!(|bytes: &[u8]| fuzzing::introduce(bytes));
