//! The proving keys of a public transfer, made here: upstream's command would download them.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::process::built_beside;

/// The powers of the universal setup that snarkVM no longer carries, in the last release that did.
const POWERS: &str = "src/testnet3/resources/powers-of-beta-16.usrs";

/// Puts the keys where a program with the home folder `home` looks for them. Takes ten seconds.
pub fn install(home: &Path) -> Result<()> {
    let output = Command::new(built_beside("proving-keys")?).arg(powers()?).env("HOME", home).output()?;
    ensure!(output.status.success(), "no proving keys: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// Cargo fetches the pinned release and checks it.
fn powers() -> Result<PathBuf> {
    let pins = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("proving-keys/powers/Cargo.toml");
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--locked", "--format-version", "1", "--manifest-path"])
        .arg(pins)
        .output()?;
    ensure!(output.status.success(), "cargo has no powers: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().context("cargo names no packages")?;
    let manifest = packages
        .iter()
        .find(|package| package["name"] == "snarkvm-parameters")
        .and_then(|package| Path::new(package["manifest_path"].as_str()?).parent())
        .context("cargo does not say where the package is")?;
    Ok(manifest.join(POWERS))
}
