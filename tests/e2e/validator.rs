//! The pool inside a validator.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use pool_tests::{
    pool_node::{dumps_in, read_json},
    stratum::{Stratum, Verdict},
};

use crate::world::{Net, World};

pub fn a_pool_inside_a_validator_lands_solutions(world: &mut World) -> Result<()> {
    let Net { validator_pool: (stratum, data), pool, .. } = world.net()?;
    let mut client = Stratum::login(*stratum, "bob.rig")?.with_work()?;
    let deadline = Instant::now() + Duration::from_secs(300);
    let mut counter = 0u64;
    let mut accepted = 0;
    loop {
        let dumps = dumps_in(&data.join("shares"))?;
        if let Some(path) = dumps.first() {
            let dump = read_json(path)?;
            // Its own account by default.
            ensure!(dump["pool_address"] == client.pool_address.as_str(), "the dump names another address");
            let height = dump["height"].as_u64().context("a dump has a height")?;
            // The client is a moment behind the validator.
            while pool.rest.height()? < height {
                sleep(Duration::from_millis(100));
            }
            let block = pool.rest.block(height)?;
            let id = dump["solutions"][0]["id"].as_str().context("a solution has an id")?.to_owned();
            ensure!(block["solutions"].to_string().contains(&id), "{id} is not in block {height}");
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "no solution of the validator's pool landed ({accepted} shares)");
        accepted += u32::from(client.submit(&counter.to_string())? == Verdict::Accepted);
        counter += 1;
        sleep(Duration::from_millis(50));
    }
}
