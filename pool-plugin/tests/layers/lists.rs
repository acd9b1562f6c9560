//! Lists in the documentation have what is there: folders, modules, benches, fuzz targets, tests.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    POOL,
    crate_tree::{LEAF_SRC, Tree, rust_files},
    none,
    rooms::quoted,
    root,
};

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The section of a document with this title.
fn section(document: &str, title: &str) -> String {
    let text = text(document);
    let found = text.split("\n## ").find(|section| section.starts_with(&format!("{title}\n")));
    found.unwrap_or_else(|| panic!("{document} has no section '{title}'")).to_owned()
}

/// The names of the files in a folder, without their extension.
fn names(folder: &Path) -> BTreeSet<String> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

#[test]
fn the_module_map_has_every_folder() {
    let named: BTreeSet<String> =
        quoted(&section("docs/architecture.md", "Module map")).into_iter().collect();
    let tree = Tree::read_with_leaf(root(), POOL);
    // Rooms have a table of their own; what is deeper is in the documentation of its folder.
    let folders = tree.modules().filter(|module| module.len() == 2 && tree.has_children(module));
    let folders: Vec<PathBuf> = folders
        .map(|module| match tree.path(module) {
            path if path.ends_with("mod.rs") => path.parent().unwrap().to_owned(),
            path => path.with_extension(""),
        })
        .collect();
    assert!(folders.len() > 20, "{folders:?}");
    let missing =
        folders.iter().map(|folder| folder.to_str().unwrap()).filter(|folder| !named.contains(*folder));
    none(
        &missing
            .map(|folder| format!("docs/architecture.md, module map: `{folder}` is missing"))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn the_crates_name_all_their_modules() {
    for src in [POOL, LEAF_SRC] {
        let text = text(&format!("{src}/lib.rs"));
        let modules = text.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
        let header: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("//!")).collect();
        let header = header.join("\n");
        // What is compiled for the fuzzer alone has no place in the design.
        let missing = modules.filter(|name| *name != "fuzzing" && !header.contains(&format!("[`{name}`]")));
        none(&missing.map(|name| format!("{src}/lib.rs does not say what `{name}` is")).collect::<Vec<_>>());
    }
}

#[test]
fn the_fuzz_targets_are_built_and_documented() {
    let files = names(&root().join("pool-plugin/fuzz/fuzz_targets"));
    let manifest = text("pool-plugin/fuzz/Cargo.toml");
    let built = manifest.split("[[bin]]").skip(1).map(|bin| bin.split('"').nth(1).unwrap().to_owned());
    assert_eq!(built.collect::<BTreeSet<_>>(), files, "pool-plugin/fuzz/Cargo.toml");
    let documented: BTreeSet<String> = quoted(&section("docs/stratum.md", "Fuzzing")).into_iter().collect();
    let missing: Vec<_> = files.difference(&documented).collect();
    assert!(missing.is_empty(), "docs/stratum.md, Fuzzing: {missing:?}");
    assert_eq!(names(&root().join("pool-plugin/fuzz/corpus")), files, "pool-plugin/fuzz/corpus");
}

#[test]
fn the_benches_are_documented() {
    let there = names(&root().join("scripts/benches"));
    let mut documents: Vec<PathBuf> =
        fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    documents.extend(["README.md", "CONTRIBUTING.md"].map(|name| root().join(name)));
    let mut named = BTreeSet::new();
    for document in documents.iter().filter(|path| path.extension().is_some_and(|end| end == "md")) {
        let text = fs::read_to_string(document).unwrap();
        let names = text.split("scripts/bench ").skip(1);
        let is_end = |c: char| !c.is_ascii_lowercase() && c != '-';
        named.extend(names.filter_map(|rest| Some(rest.split(is_end).next()?.to_owned())));
    }
    assert_eq!(named, there);
}

#[test]
fn the_tests_that_are_named_exist() {
    let mut functions = BTreeSet::new();
    for folder in ["pool-plugin", "tests"] {
        for file in rust_files(&root().join(folder)) {
            let text = fs::read_to_string(file).unwrap();
            let after = text.split("fn ").skip(1);
            functions.extend(after.filter_map(|rest| Some(rest.split(['(', '<']).next()?.to_owned())));
        }
    }
    let text = text("docs/hostile.md");
    let is_name = |name: &String| {
        name.matches('_').count() > 2 && name.bytes().all(|b| b"_".contains(&b) || b.is_ascii_alphanumeric())
    };
    let named: Vec<String> = quoted(&text).into_iter().filter(is_name).collect();
    assert!(named.len() > 40, "{named:?}");
    let missing: Vec<String> = named.into_iter().filter(|name| !functions.contains(name)).collect();
    none(&missing);
}
