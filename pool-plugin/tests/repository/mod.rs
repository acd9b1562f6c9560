//! Files of the repository that the tests run in, not of the one they were compiled in: clones of a machine
//! share a target folder, and so test programs.

#![allow(clippy::unwrap_used)]

use std::{env, path::PathBuf};

/// A file or folder, named from the root of the repository.
pub(crate) fn file(path: &str) -> PathBuf {
    let pool_plugin = env::var("CARGO_MANIFEST_DIR").unwrap();
    PathBuf::from(pool_plugin).join("..").join(path)
}
