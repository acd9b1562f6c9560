//! What an operator does with a running pool, and before it runs.

use std::{fs, net::TcpStream, time::Duration};

use anyhow::{Result, ensure};

use crate::world::{Net, World};

pub fn the_example_configuration_passes_the_check(world: &mut World) -> Result<()> {
    let example = world.snarkos(&["pool", "config", "example"])?;
    ensure!(example.status.success(), "{}", String::from_utf8_lossy(&example.stderr));
    let file = world.folder.path().join("example.toml");
    fs::write(&file, &example.stdout)?;
    let file = file.display().to_string();
    let checked = world.snarkos(&["pool", "config", "check", &file])?;
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    ensure!(checked.status.success() && said.contains("is valid"), "{said}");
    // Right prefix, length and checksum, but no point on the curve.
    let off_curve = "aleo1qvpsxqcrqvpsxqcrqvpsxqcrqvpsxqcrqvpsxqcrqvpsxqcrqvpsuf4rhs";
    fs::write(&file, format!("address = \"{off_curve}\"\nusers = \"some\""))?;
    let checked = world.snarkos(&["pool", "config", "check", &file])?;
    let said = String::from_utf8_lossy(&checked.stderr).into_owned();
    ensure!(!checked.status.success(), "a file with two mistakes passed");
    ensure!(said.contains("2 problems") && said.contains(off_curve) && said.contains("users ("), "{said}");
    Ok(())
}

/// Upstream's node takes SIGHUP as a request to stop; with a pool in it, it reloads.
pub fn a_hangup_reloads_and_the_node_goes_on(world: &mut World) -> Result<()> {
    let Net { pool, .. } = world.net()?;
    pool.process.signal("HUP")?;
    pool.process.wait_for("reloaded the configuration", Duration::from_secs(30))?;
    // Time enough for a stopping node to have stopped.
    std::thread::sleep(Duration::from_secs(10));
    pool.process.check_alive()?;
    pool.wait_for_work("after.hangup")?;
    Ok(())
}

/// Through upstream's own logger, which the patched command line makes.
pub fn the_log_tells_more_when_asked_to(world: &mut World) -> Result<()> {
    const AT_DEBUG: &str = "a miner connected";
    let Net { pool, .. } = world.net()?;
    let (data, stratum) = (pool.data.display().to_string(), pool.stratum);
    ensure!(!pool.process.output().contains(AT_DEBUG), "the log showed connections at the default level");
    let level = |world: &World, level| -> Result<()> {
        let done = world.snarkos(&["pool", "logs", "level", level, "--data", &data])?;
        ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        Ok(())
    };
    level(world, "debug")?;
    drop(TcpStream::connect(stratum)?);
    world.net()?.pool.process.wait_for(AT_DEBUG, Duration::from_secs(30))?;
    level(world, "info")?;
    let bad = world.snarkos(&["pool", "logs", "level", "loud", "--data", &data])?;
    ensure!(!bad.status.success(), "'loud' is not a level");
    Ok(())
}
