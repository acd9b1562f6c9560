//! Circles among the modules of one folder.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::crate_tree::{Arrow, Module, Tree};

/// One sentence for each circle: a line for each of its arrows. In every folder the modules directly in it are looked
/// at, each with all that is below it.
pub(crate) fn circles(tree: &Tree, arrows: &[Arrow]) -> Vec<String> {
    let folders: BTreeSet<&[String]> = tree
        .modules()
        .filter(|module| !module.is_empty())
        .map(|module| &module[..module.len() - 1])
        .collect();
    folders.into_iter().filter_map(|folder| circle_in(folder, arrows)).collect()
}

fn circle_in(folder: &[String], arrows: &[Arrow]) -> Option<String> {
    let mut between: BTreeMap<&str, BTreeMap<&str, &Arrow>> = BTreeMap::new();
    for arrow in arrows {
        if let (Some(from), Some(to)) = (child(folder, &arrow.from), child(folder, &arrow.to))
            && from != to
        {
            between.entry(from).or_default().entry(to).or_insert(arrow);
        }
    }
    let circle =
        between.keys().filter_map(|start| shortest_way_back(&between, start)).min_by_key(Vec::len)?;
    let lines: Vec<String> = circle.iter().map(|arrow| format!("    {}", arrow.at)).collect();
    Some(format!("a circle in `{}`:\n{}", folder.join("/"), lines.join("\n")))
}

/// The module directly in `folder` that has `module`.
fn child<'a>(folder: &[String], module: &'a Module) -> Option<&'a str> {
    module.starts_with(folder).then(|| module.get(folder.len()).map(String::as_str)).flatten()
}

fn shortest_way_back<'a>(
    between: &BTreeMap<&'a str, BTreeMap<&'a str, &'a Arrow>>,
    start: &'a str,
) -> Option<Vec<&'a Arrow>> {
    let mut seen = BTreeSet::new();
    let mut ways = VecDeque::from([(start, vec![])]);
    while let Some((at, way)) = ways.pop_front() {
        for (next, arrow) in between.get(at).into_iter().flatten() {
            let longer = [way.clone(), vec![*arrow]].concat();
            if *next == start {
                return Some(longer);
            }
            if seen.insert(*next) {
                ways.push_back((*next, longer));
            }
        }
    }
    None
}
