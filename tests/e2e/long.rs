//! Slow tests: a real change of epoch, and the release binary on mainnet's genesis block.

use std::{
    path::PathBuf,
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use pool_tests::{
    devnet::free_addresses,
    pool_node::STAKED_ADDRESS,
    process::Process,
    stratum::{Stratum, Verdict},
};

use crate::{
    mining::wait_for_dump,
    world::{Net, World},
};

const EPOCH_PATIENCE: Duration = Duration::from_secs(40 * 60);

pub fn an_epoch_flip_changes_the_job(world: &mut World) -> Result<()> {
    let Net { pool, .. } = world.net()?;
    let mut client = pool.wait_for_work("flip.rig")?;
    let (old_job, old_hash) = client.job.clone().context("there is work")?;
    let epoch = pool.rest.height()? / 360;
    let deadline = Instant::now() + EPOCH_PATIENCE;
    while client.job.as_ref().is_some_and(|(id, _)| *id == old_job) {
        pool.process.check_alive()?;
        ensure!(Instant::now() < deadline, "no new job within {EPOCH_PATIENCE:?}");
        // Any answer brings earlier notifications with it.
        client.call("mining.extranonce.subscribe", serde_json::json!([]))?.ok();
        sleep(Duration::from_millis(200));
    }
    let (_, new_hash) = client.job.clone().context("there is work")?;
    ensure!(new_hash != old_hash, "the new job has the old epoch hash");
    // The job comes one block before the epoch begins; until then shares of the old one are accepted.
    while pool.rest.height()? / 360 == epoch {
        pool.process.check_alive()?;
        ensure!(Instant::now() < deadline, "no new epoch within {EPOCH_PATIENCE:?}");
        sleep(Duration::from_millis(200));
    }
    // The pool may see the block a moment after the ledger's REST port shows it.
    let mut counter = 77;
    loop {
        let verdict = client.submit_for(&old_job, &counter.to_string())?;
        if matches!(verdict, Verdict::Refused { code: 21, .. }) {
            break;
        }
        ensure!(Instant::now() < deadline, "a share of the old epoch: {verdict:?}");
        counter += 1;
        sleep(Duration::from_millis(200));
    }
    let (path, _) = wait_for_dump(pool, |dump| dump["epoch"].as_u64() > Some(epoch))?;
    println!("first dump of the new epoch: {}", path.display());
    Ok(())
}

pub fn the_release_binary_starts_on_mainnet(world: &mut World) -> Result<()> {
    let binary: PathBuf =
        std::env::var_os("SNARKOS_RELEASE_BIN").context("SNARKOS_RELEASE_BIN is not set")?.into();
    let addresses = free_addresses(3)?;
    let folder = world.folder.path().join("mainnet");
    std::fs::create_dir_all(&folder)?;
    let at = |name: &str| folder.join(name).display().to_string();
    let arguments = [
        "--noupdater".to_owned(),
        "start".into(),
        "--network=0".into(),
        "--client".into(),
        "--nodisplay".into(),
        "--nocdn".into(),
        format!("--node={}", addresses[0]),
        format!("--rest={}", addresses[1]),
        format!("--ledger-storage={}", at("ledger")),
        format!("--node-data-storage={}", at("data")),
        format!("--logfile={}", at("node.log")),
        "--pool".into(),
        format!("--pool-listen={}", addresses[2]),
        "--pool-api=off".into(),
        format!("--pool-address={STAKED_ADDRESS}"),
    ];
    let mut node = Process::start("mainnet", &binary, arguments, &folder.join("output.log"), &folder)?;
    node.wait_for("miners get no new job", Duration::from_secs(120))?;
    let client = Stratum::login(addresses[2], "carol.rig")?;
    ensure!(client.pool_address == STAKED_ADDRESS, "subscribe names {}", client.pool_address);
    ensure!(client.with_work().is_err(), "an unsynced node gave work");
    ensure!(node.stop()?.success(), "the node did not end in peace");
    Ok(())
}
