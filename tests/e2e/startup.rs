//! What the binary refuses, and how it says so.

use std::{fs, net::TcpListener, path::Path, process::Output};

use crate::world::World;
use anyhow::{Context, Result, ensure};

/// Its version is that of the upstream release.
const MANIFEST: &str = include_str!("../../snarkos-fork/Cargo.toml");

/// The output of a refused start.
fn complaint(output: &Output) -> Result<String> {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(!output.status.success(), "it was not refused: {}", String::from_utf8_lossy(&output.stdout));
    ensure!(!text.contains("panicked") && !text.contains("unexpected error"), "it panicked: {text}");
    Ok(text)
}

fn ensure_says(text: &str, expected: &[&str]) -> Result<()> {
    for part in expected {
        ensure!(text.contains(part), "'{part}' is not in: {text}");
    }
    Ok(())
}

const START: [&str; 8] =
    ["--noupdater", "start", "--network=1", "--client", "--dev=4", "--nodisplay", "--nobanner", "--pool"];

fn start(world: &World, pool_arguments: &[String]) -> Result<String> {
    let arguments: Vec<&str> = START.into_iter().chain(pool_arguments.iter().map(String::as_str)).collect();
    complaint(&world.snarkos(&arguments)?)
}

fn with_data(data: &Path) -> String {
    format!("--pool-data={}", data.display())
}

pub fn every_mistake_of_a_config_is_listed(world: &mut World) -> Result<()> {
    let config = world.folder.path().join("three-mistakes.toml");
    fs::write(&config, "listen = \"everywhere\"\naddress = \"aleo1qqqq\"\nshare_target = 0\n")?;
    let text = start(world, &[format!("--pool-config={}", config.display())])?;
    ensure_says(
        &text,
        &[
            "3 problems",
            "listen (",
            "'everywhere'",
            "address (",
            "aleo1qqqq",
            "share_target (",
            "allowed:",
            "three-mistakes.toml",
        ],
    )
}

pub fn a_port_in_use_is_named(world: &mut World) -> Result<()> {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?;
    let data = with_data(&world.folder.path().join("port-in-use"));
    let text = start(world, &[format!("--pool-listen={address}"), data.clone()])?;
    ensure_says(&text, &[&address.to_string(), "in use"])?;
    let text = start(world, &["--pool-listen=127.0.0.1:0".into(), format!("--pool-api={address}"), data])?;
    ensure_says(&text, &[&address.to_string(), "in use", "choose another --pool-api"])
}

pub fn an_unwritable_folder_is_named(world: &mut World) -> Result<()> {
    // Not even root can create a folder below a file.
    let file = world.folder.path().join("a-file");
    fs::write(&file, "")?;
    let data = file.join("pool");
    let text = start(world, &["--pool-listen=127.0.0.1:0".into(), with_data(&data)])?;
    ensure_says(&text, &[&data.display().to_string()])
}

pub fn a_corrupt_database_is_refused(world: &mut World) -> Result<()> {
    let data = world.folder.path().join("corrupt");
    let database = data.join("db");
    fs::create_dir_all(&database)?;
    fs::write(database.join("CURRENT"), "this is no manifest\n")?;
    let text = start(world, &["--pool-listen=127.0.0.1:0".into(), with_data(&data)])?;
    ensure_says(&text, &[&database.display().to_string()])
}

pub fn a_prover_cannot_carry_a_pool(world: &mut World) -> Result<()> {
    let output = world.snarkos(&["--noupdater", "start", "--network=1", "--prover", "--dev=4", "--pool"])?;
    ensure_says(&complaint(&output)?, &["--prover", "ledger", "--client", "--validator"])
}

pub fn a_client_without_account_needs_an_address(world: &mut World) -> Result<()> {
    let output = world.snarkos(&["--noupdater", "start", "--network=1", "--client", "--pool"])?;
    ensure_says(&complaint(&output)?, &["address", "--pool-address", "--private-key"])?;
    // Right prefix, length and checksum, but no point on the curve.
    let off_curve = "aleo1qvpsxqcrqvpsxqcrqvpsxqcrqvpsxqcrqvpsxqcrqvpsxqcrqvpsuf4rhs";
    let address = format!("--pool-address={off_curve}");
    let output = world.snarkos(&["--noupdater", "start", "--network=1", "--client", "--pool", &address])?;
    ensure_says(&complaint(&output)?, &[off_curve])
}

pub fn update_is_refused(world: &mut World) -> Result<()> {
    let text = complaint(&world.snarkos(&["update"])?)?;
    ensure_says(&text, &["no pool", "docs/fork.md"])
}

pub fn help_teaches_the_pool(world: &mut World) -> Result<()> {
    for (arguments, expected) in [
        (vec!["--help"], vec!["start", "account", "developer", "clean", "miner", "pool"]),
        (
            vec!["start", "--help"],
            vec!["--pool-listen", "--pool-address", "--pool-config", "--validator", "--cdn"],
        ),
        (vec!["miner", "--help"], vec!["--pool", "--worker", "--threads", "--rate"]),
        (vec!["pool", "dump", "--help"], vec!["--height", "--data"]),
    ] {
        let output = world.snarkos(&arguments)?;
        ensure!(output.status.success(), "{arguments:?} failed");
        ensure_says(&String::from_utf8_lossy(&output.stdout), &expected)?;
    }
    let release = MANIFEST
        .lines()
        .find_map(|line| line.strip_prefix("version = "))
        .context("snarkos-fork/Cargo.toml has no version")?;
    let version = world.snarkos(&["--version"])?;
    ensure_says(
        &String::from_utf8_lossy(&version.stdout),
        &[&format!("snarkos {} ", release.trim_matches('"')), "features=[pool,test_network]"],
    )?;
    Ok(())
}
