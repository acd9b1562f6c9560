//! The crash matrix: a process that stores shares, blocks and dumps is killed at one of its changes of the
//! disk, or loses its power there, again and again on the same data; after each crash the books must be
//! consistent.
//!
//! The process is this program itself, started again (see [`child`]).

#![allow(clippy::unwrap_used)]

mod check;
pub(crate) mod child;

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use self::check::Books;
pub(crate) use self::check::Verdict;
use crate::disk_shim::{Control, Disk, Field, Shim};

/// Crashes on the same data before a new database.
const RUNS_PER_DATABASE: u64 = 12;
/// A process makes some hundred changes before its first share: so opening is tested too.
const EARLY_CHANGES: u64 = 400;
const LATE_CHANGES: u64 = 4_000;

/// A crash point.
#[derive(Clone, Copy, Debug)]
struct Point {
    /// The last change of the process, counted from its start.
    change: u64,
    /// The last change is completed, or half of it if it is a write.
    halfway: bool,
    power_lost: bool,
}

/// SplitMix64: the same points for the same seed.
struct Choices(u64);

impl Choices {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    fn point(&mut self) -> Point {
        // Most of the boundaries are in the first changes; the later ones find a busy database.
        let changes = if self.below(4) == 0 { LATE_CHANGES } else { EARLY_CHANGES };
        Point { change: 1 + self.below(changes), halfway: self.below(2) == 1, power_lost: self.below(2) == 1 }
    }
}

/// Tries `points` points on `lanes` databases at a time. `start` makes the command that becomes
/// [`child::run`].
pub(crate) fn run(
    shim: &Shim,
    points: u64,
    lanes: u64,
    seed: u64,
    start: impl Fn() -> Command + Sync,
) -> Verdict {
    let lane = |number: u64| {
        let mut choices = Choices(seed.wrapping_add(number << 40));
        let share = points / lanes + u64::from(number < points % lanes);
        let mut verdict = Verdict::default();
        let mut left = share;
        while left > 0 {
            let runs = left.min(RUNS_PER_DATABASE);
            verdict.add(one_database(shim, runs, &mut choices, &start));
            left -= runs;
        }
        verdict
    };
    std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..lanes).map(|number| scope.spawn(move || lane(number))).collect();
        lanes.into_iter().fold(Verdict::default(), |mut all, lane| {
            all.add(lane.join().unwrap());
            all
        })
    })
}

fn one_database(shim: &Shim, runs: u64, choices: &mut Choices, start: &impl Fn() -> Command) -> Verdict {
    let disk = shim.disk();
    let (mut books, mut verdict) = (Books::default(), Verdict::default());
    for run in 0..runs {
        let point = choices.point();
        let before = disk.sizes();
        for line in die_at(&disk, run, point, start()) {
            books.read_line(&line);
        }
        if point.power_lost {
            disk.lose_power(before, &mut |limit| choices.below(limit));
        }
        disk.forget_journal();
        verdict.add(books.check(&disk.data(), &format!("run {run} at {point:?}")));
        if !verdict.complaints.is_empty() {
            keep_evidence(&disk.data());
            break;
        }
    }
    verdict
}

/// Runs a child until it dies at `point`; returns the lines it printed.
fn die_at(disk: &Disk, run: u64, point: Point, mut command: Command) -> Vec<String> {
    let control: Control = disk.control();
    control.set(Field::Changes, 0);
    control.set(Field::KillHalfway, point.halfway.into());
    control.set(Field::KillAt, point.change);
    command.env(child::DIR, disk.data()).env(child::RUN, run.to_string());
    disk.attach_with_journal(&mut command);
    let mut child = command.stdout(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap();
    let mut lines = Vec::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    loop {
        // What it had printed before it died counts: a miner may have got its answer. Half a line does not
        // count.
        let mut line = String::new();
        if output.read_line(&mut line).unwrap() == 0 || !line.ends_with('\n') {
            break;
        }
        lines.push(line.trim_end().to_owned());
    }
    let status = child.wait().unwrap();
    assert!(status.code().is_none(), "the child ended by itself ({status}): {:?}", lines.last());
    lines
}

fn keep_evidence(data: &Path) {
    let Some(keep) = std::env::var_os("POOL_CRASH_EVIDENCE") else {
        eprintln!("set POOL_CRASH_EVIDENCE to a folder to keep the database of a failed point");
        return;
    };
    let to = PathBuf::from(keep).join(data.parent().unwrap().file_name().unwrap());
    let _ = Command::new("cp").arg("-a").arg(data).arg(&to).status();
    fs::metadata(&to)
        .map_or_else(|error| eprintln!("not kept: {error}"), |_| eprintln!("kept: {}", to.display()));
}
