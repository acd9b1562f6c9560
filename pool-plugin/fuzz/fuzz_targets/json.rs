//! AleoStratum and generic JSON, as the default port distinguishes them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pool_plugin::stratum::{fuzzing, wire::dialects::Dialect};

fuzz_target!(|bytes: &[u8]| fuzzing::hear(Dialect::Json, bytes));
