//! The rooms of the pool's crate, as `docs/architecture.md` has them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use crate::crate_tree::{Arrow, Module};

/// From a module of the pool's crate to its room.
pub(crate) struct Rooms(Vec<Room>);

pub(crate) struct Room {
    /// Where it stands below the crate's root, e.g. `stratum/wire`.
    pub(crate) name: String,
    pub(crate) may_use: Vec<String>,
}

/// How the heads of the tables begin: of the rooms, and of the crates beside them.
const ROOMS: &str = "| room |";
const CRATES: &str = "| crate |";

impl Rooms {
    /// Reads the table. Its columns: the room, what it owns, the rooms it may use, what it must not know.
    pub(crate) fn read(root: &Path) -> Self {
        let rooms = table(root, ROOMS).into_iter().map(|cells| {
            let [room, owns, may_use, must_not_know] = &cells[..] else {
                panic!("not four cells: {cells:?}")
            };
            assert!(owns.ends_with('.') && must_not_know.ends_with('.'), "a sentence each: {cells:?}");
            let name = quoted(room).pop().unwrap_or_else(|| panic!("no `room`: {cells:?}"));
            Room { name, may_use: quoted(may_use) }
        });
        let rooms = Self(rooms.collect());
        rooms.check_order();
        rooms
    }

    /// Without circles, since each uses only rooms that stand below it.
    fn check_order(&self) {
        for (at, room) in self.0.iter().enumerate() {
            for used in &room.may_use {
                let below = self.0[at + 1..].iter().any(|other| other.name == *used);
                assert!(
                    below,
                    "docs/architecture.md: `{}` may use `{used}`, which is no room below it",
                    room.name
                );
            }
        }
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|room| room.name.as_str())
    }

    /// The innermost room of a module.
    pub(crate) fn of(&self, module: &Module) -> Option<&Room> {
        let path = module.join("/");
        let holds = |room: &&Room| path == room.name || path.starts_with(&format!("{}/", room.name));
        self.0.iter().filter(holds).max_by_key(|room| room.name.len())
    }

    /// What the table allows and nothing makes use of.
    pub(crate) fn unused(&self, arrows: &[Arrow]) -> Vec<String> {
        let between: BTreeSet<(&str, &str)> = arrows
            .iter()
            .filter_map(|arrow| {
                Some((self.of(&arrow.from)?.name.as_str(), self.of(&arrow.to)?.name.as_str()))
            })
            .collect();
        let allowed = self
            .0
            .iter()
            .flat_map(|room| room.may_use.iter().map(|used| (room.name.as_str(), used.as_str())));
        let idle = allowed.filter(|pair| !between.contains(pair));
        idle.map(|(from, to)| format!("docs/architecture.md: `{from}` may use `{to}` and does not")).collect()
    }

    /// One sentence for each pair of rooms whose arrow the table does not allow: the line that makes it, and, if there
    /// is one, a line that goes the other way.
    pub(crate) fn forbidden(&self, arrows: &[Arrow]) -> Vec<String> {
        let mut between: BTreeMap<(&str, &str), &Arrow> = BTreeMap::new();
        for arrow in arrows {
            if let (Some(from), Some(to)) = (self.of(&arrow.from), self.of(&arrow.to))
                && from.name != to.name
            {
                between.entry((&from.name, &to.name)).or_insert(arrow);
            }
        }
        let mut wrong = vec![];
        for ((from, to), arrow) in &between {
            let room = self.of(&arrow.from);
            if room.is_some_and(|room| room.may_use.iter().any(|used| used == to)) {
                continue;
            }
            let back = between.get(&(*to, *from)).map(|back| format!("\n    and the other way: {}", back.at));
            wrong.push(format!(
                "`{from}` must not use `{to}`:\n    {}{}",
                arrow.at,
                back.unwrap_or_default()
            ));
        }
        wrong
    }
}

/// The crates that stand beside the pool's, and which of its rooms each may use.
pub(crate) fn crates(root: &Path) -> Vec<(String, Vec<String>)> {
    let rows = table(root, CRATES).into_iter();
    rows.map(|cells| (quoted(&cells[0]).pop().unwrap(), quoted(&cells[1]))).collect()
}

/// The rows of the table whose head begins so.
fn table(root: &Path, head: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(root.join("docs/architecture.md")).unwrap();
    let rows = text.lines().skip_while(|line| !line.starts_with(head)).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|'));
    let rows: Vec<Vec<String>> = rows
        .map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect();
    assert!(!rows.is_empty(), "docs/architecture.md has no table that begins with '{head}'");
    rows
}

/// What stands in backticks.
pub(crate) fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}
