//! The committed corpus of the fuzz targets: every test run executes the inputs that once reached new code.

use std::{env, fs, path::Path};

use crate::fuzzing;

/// Runs a target on every file of its corpus, in the order of their names.
fn replay(name: &str, target: fn(&[u8])) {
    // As it is now: clones of a machine share test programs.
    let package = env::var("CARGO_MANIFEST_DIR").unwrap();
    let folder = Path::new(&package).join("fuzz/corpus").join(name);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 10, "the corpus of {name} is there: {} files", files.len());
    for file in files {
        // So that a failure shows its file.
        println!("{}", file.display());
        target(&fs::read(&file).unwrap());
    }
}

#[test]
fn the_corpus_of_keccak_passes() {
    replay("keccak", fuzzing::keccak);
}

#[test]
fn the_corpus_of_the_plan_passes() {
    replay("plan", fuzzing::plan);
}
