//! A test of this program, run again as a process of its own.

use std::process::Command;

/// Runs only the test `name` of a module, given by its `module_path!()`.
pub(crate) fn command(module: &str, name: &str) -> Command {
    // The harness leaves out the name of the program.
    let test =
        module.split_once("::").map_or_else(|| name.to_owned(), |(_, inner)| format!("{inner}::{name}"));
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &test, "--nocapture", "--test-threads=1"]);
    command
}
