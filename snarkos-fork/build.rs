//! Records in the binary which branch and commit it was built from, for `snarkos --version`.

use std::process::Command;

fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then(|| text.trim().to_owned())
}

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if let Some(head) = git(&["rev-parse", "--git-path", "logs/HEAD"]) {
        println!("cargo:rerun-if-changed={head}");
    }
    let branch = git(&["rev-parse", "--abbrev-ref", "HEAD"]).unwrap_or_else(|| "unknown_branch".into());
    let commit = git(&["rev-parse", "HEAD"]).unwrap_or_else(|| "unknown_commit".into());
    println!("cargo:rustc-env=SNARKOS_GIT_BRANCH={branch}");
    println!("cargo:rustc-env=SNARKOS_GIT_COMMIT={commit}");
}
