//! `kill -9` and loss of power at any change of the disk: no acknowledged share is lost, none is stored twice.
//!
//! Some points of the matrix; `scripts/bench crash` tries a thousand.

use std::process::Stdio;

use crate::{child, crash, disk_shim};

const POINTS: u64 = 50;

/// Not a separate test: the process that is killed.
#[test]
fn child_that_is_killed() {
    crash::child::run_if_child();
}

#[test]
fn no_acknowledged_share_is_lost_and_none_stored_twice() {
    let Some(shim) = disk_shim::Shim::compile() else { return };
    let verdict = crash::run(&shim, POINTS, 2, 7, || {
        let mut command = child::command(module_path!(), "child_that_is_killed");
        command.stderr(Stdio::null());
        command
    });
    assert!(verdict.complaints.is_empty(), "{verdict:#?}");
    assert_eq!(verdict.points, POINTS);
    assert!(verdict.acknowledged > 100, "too few shares were stored to judge: {verdict:?}");
}
