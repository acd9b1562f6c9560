//! The layers of the code hold: each room of the pool's crate uses only what `docs/architecture.md` lets it use, no
//! modules of one folder need each other, the paths that the documentation names are there, and its lists are complete.
//! Tests may look anywhere: only production code counts.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod circles;
mod crate_tree;
mod lists;
mod rooms;
mod source;

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use crate::{
    crate_tree::{Tree, room_path},
    rooms::{Rooms, quoted},
};

const POOL: &str = "pool-plugin/src";

/// Where the tests run: clones share what was compiled.
fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> =
        LazyLock::new(|| Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap()).join(".."));
    &ROOT
}

fn none(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn each_room_uses_what_it_may_and_nothing_else() {
    let (tree, rooms) = (Tree::read_with_leaf(root(), POOL), Rooms::read(root()));
    let arrows = tree.arrows();
    none(&rooms.forbidden(&arrows));
    none(&rooms.unused(&arrows));
}

#[test]
fn each_crate_beside_the_pools_uses_only_what_it_may() {
    let rooms = Rooms::read(root());
    let mut wrong = vec![];
    for (folder, may_use) in rooms::crates(root()) {
        let tree = Tree::read(root(), &format!("{folder}/src"));
        let leaf = tree.paths_into("pool_core").into_iter().map(|(path, line)| (room_path(&path), line));
        for (path, line) in tree.paths_into("pool_plugin").into_iter().chain(leaf) {
            let room = rooms.of(&path).map_or("the root", |room| room.name.as_str());
            if !may_use.iter().any(|used| used == room) {
                wrong.push(format!("`{folder}` must not use `{room}`:\n    {line}"));
            }
        }
    }
    none(&wrong);
}

#[test]
fn every_file_is_in_a_room_and_every_room_has_files() {
    let (tree, rooms) = (Tree::read_with_leaf(root(), POOL), Rooms::read(root()));
    let lost: Vec<String> = tree
        .modules()
        .filter(|module| !module.is_empty() && rooms.of(module).is_none())
        .map(|module| format!("{} is in no room", tree.path(module).display()))
        .collect();
    none(&lost);
    let used: BTreeSet<&str> =
        tree.modules().filter_map(|module| rooms.of(module)).map(|room| room.name.as_str()).collect();
    assert_eq!(used, rooms.names().collect());
}

#[test]
fn no_modules_of_one_folder_need_each_other() {
    let others = rooms::crates(root()).into_iter().map(|(folder, _)| format!("{folder}/src"));
    let others = others.map(|src| Tree::read(root(), &src));
    for tree in others.chain([Tree::read_with_leaf(root(), POOL)]) {
        none(&circles::circles(&tree, &tree.arrows()));
    }
}

#[test]
fn where_to_start_is_there() {
    let text = fs::read_to_string(root().join(POOL).join("lib.rs")).unwrap();
    let list = text.lines().skip_while(|line| !line.starts_with("//! # If you want to change"));
    let list: Vec<&str> = list.skip(1).map_while(|line| line.strip_prefix("//!")).collect();
    let entries = list.iter().filter(|line| line.trim_start().starts_with(|c: char| c.is_ascii_digit()));
    assert!(entries.count() >= 20, "{list:?}");
    let paths = list.iter().flat_map(|line| quoted(line)).filter(|path| path.contains('/'));
    let missing: Vec<String> = paths.filter(|path| !root().join("pool-plugin").join(path).exists()).collect();
    none(&missing);
}

#[test]
fn the_documents_name_files_that_are_there() {
    let mut missing = vec![];
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let file = entry.unwrap().path();
        let Ok(text) = fs::read_to_string(&file) else { continue };
        for path in quoted(&text).into_iter().filter(|path| path.starts_with("pool-plugin/")) {
            if !root().join(&path).exists() {
                missing.push(format!("{}: {path}", file.display()));
            }
        }
    }
    none(&missing);
}
