//! The crash matrix at length: the process that writes the books dies at random changes of its disk, with and
//! without a loss of power. Fails if anything is lost, stored twice or wrong.
//!
//! Arguments: `--points N` (default 1,000), `--seed N` (1).
#![allow(clippy::unwrap_used)]

#[path = "../../tests/crash/mod.rs"]
mod crash;
#[path = "../../tests/disk_shim/mod.rs"]
mod disk_shim;
#[path = "../../tests/repository/mod.rs"]
mod repository;

use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    if crash::child::run_if_child() {
        return ExitCode::SUCCESS;
    }
    let points = argument("--points").unwrap_or(1_000);
    let Some(shim) = disk_shim::Shim::compile() else { return ExitCode::FAILURE };
    let lanes = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let start = || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        // Its messages about its death do not matter.
        command.stderr(std::process::Stdio::null());
        command
    };
    let verdict = crash::run(&shim, points, lanes, argument("--seed").unwrap_or(1), start);
    for complaint in &verdict.complaints {
        eprintln!("{complaint}");
    }
    println!("crash.points: {}", verdict.points);
    println!("crash.acknowledged: {}", verdict.acknowledged);
    println!("crash.lost: {}", verdict.lost);
    println!("crash.twice: {}", verdict.twice);
    if verdict.complaints.is_empty() && verdict.points == points {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn argument(name: &str) -> Option<u64> {
    std::env::args().skip_while(|argument| argument != name).nth(1).map(|text| text.parse().unwrap())
}
