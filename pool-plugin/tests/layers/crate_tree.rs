//! The modules of a crate, and which of them name which.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt, fs,
    path::{Path, PathBuf},
};

use crate::source::{Code, Named};

/// Where a module stands: the names from the crate's root on.
pub(crate) type Module = Vec<String>;

/// The production code of a crate.
pub(crate) struct Tree {
    modules: BTreeMap<Module, File>,
}

struct File {
    path: PathBuf,
    /// Whether it is one of the leaf crate's.
    in_leaf: bool,
    code: Code,
    lines: Vec<String>,
}

/// A module names another, in this line.
#[derive(Clone, Debug)]
pub(crate) struct Arrow {
    pub(crate) from: Module,
    pub(crate) to: Module,
    pub(crate) at: Line,
}

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Line {
    file: PathBuf,
    number: usize,
    text: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.number, self.text)
    }
}

/// The crate below the pool's: its folder and its name in paths. Its modules are rooms too: those in [`LEAF_ROOMS`]
/// under their own names, the others in the room [`CORE`].
pub(crate) const LEAF_SRC: &str = "pool-plugin/core/src";
const LEAF: &str = "pool_core";
const LEAF_ROOMS: [&str; 1] = ["chain"];
const CORE: &str = "core";

/// The place of a path of the leaf crate among the rooms.
pub(crate) fn room_path(path: &[String]) -> Module {
    let has_a_room = path.first().is_some_and(|first| LEAF_ROOMS.contains(&first.as_str()));
    if has_a_room { path.to_vec() } else { [&[CORE.to_owned()], path].concat() }
}

/// The other way round.
fn leaf_path(module: &[String]) -> Module {
    module.strip_prefix(&[CORE.to_owned()]).unwrap_or(module).to_vec()
}

impl Tree {
    /// Reads the files below `src`, a folder of the repository whose root is `root`.
    pub(crate) fn read(root: &Path, src: &str) -> Self {
        let mut modules = BTreeMap::new();
        read_files(root, src, false, &mut modules);
        Self::of(modules)
    }

    /// Reads the pool's crate and the leaf crate as one tree.
    pub(crate) fn read_with_leaf(root: &Path, src: &str) -> Self {
        let mut modules = BTreeMap::new();
        read_files(root, src, false, &mut modules);
        read_files(root, LEAF_SRC, true, &mut modules);
        Self::of(modules)
    }

    fn of(mut modules: BTreeMap<Module, File>) -> Self {
        let of_tests: BTreeSet<Module> = modules
            .iter()
            .flat_map(|(module, file)| {
                let base = if file.in_leaf { leaf_path(module) } else { module.clone() };
                file.code.test_modules.iter().map(move |name| {
                    let path = [base.clone(), vec![name.clone()]].concat();
                    if file.in_leaf { room_path(&path) } else { path }
                })
            })
            .collect();
        modules.retain(|module, _| (1..=module.len()).all(|length| !of_tests.contains(&module[..length])));
        Self { modules }
    }

    pub(crate) fn modules(&self) -> impl Iterator<Item = &Module> {
        self.modules.keys()
    }

    pub(crate) fn has_children(&self, module: &Module) -> bool {
        !self.children(module).is_empty()
    }

    pub(crate) fn path(&self, module: &Module) -> &Path {
        &self.modules[module].path
    }

    /// Who names whom, in the order of the files and lines.
    pub(crate) fn arrows(&self) -> Vec<Arrow> {
        let imports = self.imports();
        let mut arrows = vec![];
        for (from, file) in &self.modules {
            let names = [self.children(from), vec![LEAF]].concat();
            for named in file.code.named(&names) {
                let Some(path) = self.absolute(from, &named.path) else { continue };
                let to = self.owner(&imports, path, 0);
                if to != *from {
                    let at = self.line_with(file, &named);
                    arrows.push(Arrow { from: from.clone(), to, at });
                }
            }
        }
        arrows
    }

    /// The paths into another crate, from its root on, and where they stand.
    pub(crate) fn paths_into(&self, crate_name: &str) -> Vec<(Module, Line)> {
        let mut found = vec![];
        for file in self.modules.values() {
            let named = file.code.named(&[crate_name]).into_iter();
            for named in named.filter(|named| named.path.first().is_some_and(|first| first == crate_name)) {
                found.push((named.path[1..].to_vec(), self.line_with(file, &named)));
            }
        }
        found
    }

    /// What each module's `use` statements give a name.
    fn imports(&self) -> HashMap<&Module, Vec<(String, Module)>> {
        let of = |(module, file): (&'_ Module, &File)| {
            let named = file.code.named(&[]).into_iter();
            named
                .filter_map(|named| {
                    let path = self.absolute(module, &named.path)?;
                    Some((named.import?, path))
                })
                .collect()
        };
        self.modules.iter().map(|(module, file)| (module, of((module, file)))).collect()
    }

    /// The path from the crate's root; `None`: it leads to another crate.
    fn absolute(&self, module: &Module, path: &[String]) -> Option<Module> {
        let first = path.first()?.as_str();
        if first == LEAF {
            return self.modules.values().any(|file| file.in_leaf).then(|| room_path(&path[1..]));
        }
        let in_leaf = self.modules[module].in_leaf;
        let (mut base, mut rest) = (if in_leaf { leaf_path(module) } else { module.clone() }, path);
        match first {
            "crate" => (base, rest) = (vec![], &path[1..]),
            "self" | "super" => {
                while let [step, others @ ..] = rest
                    && ["self", "super"].contains(&step.as_str())
                {
                    if step == "super" {
                        base.pop();
                    }
                    rest = others;
                }
            }
            name if self.children(module).contains(&name) => {}
            _ => return None,
        }
        base.extend(rest.iter().cloned());
        Some(if in_leaf { room_path(&base) } else { base })
    }

    /// The module that defines the item at this path, through any re-exports.
    fn owner(
        &self,
        imports: &HashMap<&Module, Vec<(String, Module)>>,
        path: Module,
        passed_on: usize,
    ) -> Module {
        let depth =
            (0..=path.len()).rev().find(|length| self.modules.contains_key(&path[..*length])).unwrap_or(0);
        let (module, rest) = (path[..depth].to_vec(), &path[depth..]);
        let Some(name) = rest.first() else { return module };
        if passed_on > 8 || self.modules[&module].code.defines(name) {
            return module;
        }
        let of_module = imports.get(&module).into_iter().flatten();
        let source = of_module.clone().find(|(import, _)| import == name).map(|(_, source)| source.clone());
        let source = source.or_else(|| {
            let globs = of_module.filter(|(import, _)| import == "*");
            let mut sources = globs.map(|(_, path)| path[..path.len() - 1].to_vec());
            let there = sources
                .find(|source| self.modules.get(source).is_some_and(|file| file.code.defines(name)))?;
            Some([there, vec![name.clone()]].concat())
        });
        match source {
            Some(source) if source != path => self.owner(imports, source, passed_on + 1),
            _ => module,
        }
    }

    fn children(&self, module: &Module) -> Vec<&str> {
        let below =
            self.modules.keys().filter(|other| other.len() == module.len() + 1 && other.starts_with(module));
        below.filter_map(|other| other.last().map(String::as_str)).collect()
    }

    /// The line that has the path's last name: a `use` may be long.
    fn line_with(&self, file: &File, named: &Named) -> Line {
        let last = named.path.last().map_or("", String::as_str);
        let lines = file.lines.iter().enumerate().skip(named.line - 1);
        let statement: Vec<_> =
            lines.take_while(|(at, _)| *at + 1 == named.line || !file.lines[at - 1].ends_with(';')).collect();
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        let has = |text: &str| text.split(|c| !is_name(c)).any(|word| word == last);
        let found = statement.iter().find(|(_, text)| has(text)).unwrap_or(&statement[0]);
        Line { file: file.path.clone(), number: found.0 + 1, text: found.1.clone() }
    }
}

fn read_files(root: &Path, src: &str, in_leaf: bool, modules: &mut BTreeMap<Module, File>) {
    for path in rust_files(&root.join(src)) {
        let text = fs::read_to_string(&path).unwrap();
        let module = module_of(path.strip_prefix(root.join(src)).unwrap());
        let module = if in_leaf { room_path(&module) } else { module };
        let path = path.strip_prefix(root).unwrap().to_owned();
        let lines = text.lines().map(|line| line.trim().to_owned()).collect();
        modules.insert(module, File { path, in_leaf, code: Code::read(&text), lines });
    }
}

fn module_of(path: &Path) -> Module {
    let mut names: Module =
        path.with_extension("").iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    if names.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
        names.pop();
    }
    names
}

pub(crate) fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = vec![];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}
