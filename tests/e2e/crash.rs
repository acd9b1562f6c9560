//! `kill -9` under load.

use std::{
    net::SocketAddr,
    thread::{self, sleep},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use pool_tests::{
    pool_node::{PoolNode, read_json},
    stratum::{Stratum, Verdict},
};

use crate::{
    mining::{check_sums, number},
    world::{Net, World},
};

const ACCOUNT: &str = "victim";
const CONNECTIONS: u64 = 3;

/// Shares to have acknowledged before the node dies.
const ACKNOWLEDGED: usize = 10;

/// A counter and the pool's verdict; `None` if it died before it answered.
type Answer = (u64, Option<Verdict>);

/// Submits counters until the connection dies.
fn submit_until_death(pool: SocketAddr, connection: u64) -> Result<(String, Vec<Answer>)> {
    let mut client = Stratum::login(pool, &format!("{ACCOUNT}.{connection}"))?.with_work()?;
    let (job, _) = client.job.clone().context("there is work")?;
    let mut answers = vec![];
    for counter in (connection << 32).. {
        let verdict = client.submit_for(&job, &counter.to_string()).ok();
        let died = verdict.is_none();
        answers.push((counter, verdict));
        if died {
            break;
        }
    }
    Ok((job, answers))
}

pub fn kill_nine_loses_nothing_and_counts_nothing_twice(world: &mut World) -> Result<()> {
    let Net { pool, .. } = world.net()?;
    let stratum = pool.stratum;
    let threads: Vec<_> = (1..=CONNECTIONS)
        .map(|connection| thread::spawn(move || submit_until_death(stratum, connection)))
        .collect();
    wait_until_stored(pool)?;
    pool.process.kill()?;
    let mut job = String::new();
    let mut answers = vec![];
    for thread in threads {
        let (its_job, its_answers) = thread.join().map_err(|_| anyhow::anyhow!("a client panicked"))??;
        job = its_job;
        answers.extend(its_answers);
    }
    let acknowledged = answers.iter().filter(|(_, verdict)| *verdict == Some(Verdict::Accepted)).count();
    ensure!(
        acknowledged >= CONNECTIONS as usize,
        "only {acknowledged} shares were acknowledged before the end"
    );

    pool.restart()?;
    let mut client = pool.wait_for_work(&format!("{ACCOUNT}.1"))?;
    ensure!(
        client.job.as_ref().is_some_and(|(id, _)| *id == job),
        "the epoch changed under the test; run it again"
    );
    let mut stored = 0;
    for (counter, before) in answers {
        let after = client.submit(&counter.to_string())?;
        match (before, after) {
            (Some(Verdict::Accepted), Verdict::Refused { code: 22, .. }) => stored += 1,
            (Some(Verdict::Accepted), after) => bail!("acknowledged share {counter} was lost: {after:?}"),
            // Cut off in flight: stored before the end, or not.
            (None, Verdict::Accepted | Verdict::Refused { code: 22, .. }) => stored += 1,
            (_, Verdict::Refused { code: 20 | 23, .. }) => {}
            (before, after) => bail!("counter {counter}: {before:?}, then {after:?}"),
        }
    }
    ensure_dumped(pool, ACCOUNT, stored)
}

/// Waits until the submitters have run long enough, by the count of lines the pool has answered: a share
/// takes about as long as a block here, so time is no measure.
fn wait_until_stored(pool: &mut PoolNode) -> Result<()> {
    let mut probe = pool.wait_for_work(&format!("{ACCOUNT}.probe"))?;
    let mut accepted = 0;
    for counter in (9u64 << 40).. {
        accepted += usize::from(probe.submit(&counter.to_string())? == Verdict::Accepted);
        if accepted == ACKNOWLEDGED {
            break;
        }
    }
    Ok(())
}

/// Waits for a landed block that pays for all shares so far; every share of `account` must be in the dumps,
/// exactly once.
fn ensure_dumped(pool: &mut PoolNode, account: &str, stored: u128) -> Result<()> {
    // The probe's own shares count too.
    let expected = stored + ACKNOWLEDGED as u128;
    let deadline = Instant::now() + Duration::from_secs(300);
    loop {
        pool.process.check_alive()?;
        let mut counted = 0;
        let mut next_seq = 1;
        for path in pool.dumps()? {
            let dump = read_json(&path)?;
            check_sums(&dump)?;
            ensure!(
                number(&dump["window"]["first_seq"])? == next_seq,
                "a gap or an overlap before {}",
                path.display()
            );
            next_seq = number(&dump["window"]["last_seq"])? + 1;
            for entry in dump["accounts"].as_array().context("a dump has accounts")? {
                if entry["account"] == account {
                    counted += number(&entry["shares"])?;
                }
            }
        }
        ensure!(counted <= expected, "{counted} shares are dumped, but only {expected} were accepted");
        if counted == expected {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "{counted} of {expected} shares are dumped");
        sleep(Duration::from_millis(500));
    }
}

pub fn a_landing_during_the_outage_is_dumped(world: &mut World) -> Result<()> {
    let Net { pool, .. } = world.net()?;
    // Find solutions and die at once: what was released may land while the pool is down.
    let mut client = pool.wait_for_work("outage.rig")?;
    for counter in (5u64 << 40)..(5u64 << 40) + 40 {
        client.submit(&counter.to_string())?;
    }
    pool.process.kill()?;
    let away = pool.dumps()?.len();
    sleep(Duration::from_secs(15));
    pool.restart()?;
    pool.wait_for_work("outage.back")?;
    let deadline = Instant::now() + Duration::from_secs(300);
    while pool.dumps()?.len() <= away {
        pool.process.check_alive()?;
        ensure!(Instant::now() < deadline, "no landing was dumped after the outage");
        sleep(Duration::from_millis(500));
    }
    // Nothing was skipped: the chain has paid what the dumps say.
    crate::mining::every_reward_reaches_the_balance(world)
}
