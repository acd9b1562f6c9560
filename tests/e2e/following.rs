//! A network that upgrades without the pool's node: a consensus version that its release does not know.
//!
//! Upstream's test builds read the versions' heights from the environment, so that one binary can be both releases.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use pool_tests::{
    devnet::Devnet,
    heights::{Heights, VARIABLE},
    pool_node::{PoolNode, STAKED_ADDRESS},
    process::{Process, built_beside},
    stratum::{Stratum, Verdict},
};
use serde_json::Value;

use crate::world::{Net, SHARE_TARGET, World};

/// How many blocks after the others the newest version begins: time to start and to have shares accepted.
const BEGINS: u32 = 45;

/// How many blocks more than there are the lying peer claims.
const LEAD: u64 = 1_000;

/// From the activation to the last share that is accepted, and for a node to follow a devnet.
const PATIENCE: Duration = Duration::from_secs(90);

/// How long the network takes to get there.
const ACTIVATION_PATIENCE: Duration = Duration::from_secs(600);

/// A miner that submits one counter after the other.
struct Miner {
    stratum: Stratum,
    counter: u64,
    accepted: u64,
}

impl Miner {
    fn new(stratum: Stratum, first: u64) -> Self {
        Self { stratum, counter: first, accepted: 0 }
    }

    /// Submits the next counter; returns the reason if the pool refused it for any cause but its low target.
    fn submit(&mut self) -> Result<Option<String>> {
        self.counter += 1;
        Ok(match self.stratum.submit(&self.counter.to_string())? {
            Verdict::Accepted => {
                self.accepted += 1;
                None
            }
            Verdict::Refused { code: 23, .. } => None,
            Verdict::Refused { message, .. } => Some(message),
        })
    }
}

fn get(pool: &PoolNode, path: &str) -> Result<Value> {
    let url = format!("http://{}/api/v1/{path}", pool.api);
    let text = ureq::get(&url).call()?.body_mut().read_to_string()?;
    serde_json::from_str(&text).with_context(|| format!("GET {url}: not JSON"))
}

fn metric(pool: &PoolNode, name: &str) -> Result<f64> {
    let text = ureq::get(&format!("http://{}/metrics", pool.api)).call()?.body_mut().read_to_string()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.with_context(|| format!("there is no metric {name}"))?.parse().context("a metric is a number")
}

/// The node's part of the health: its reason and its text.
fn chain_health(pool: &PoolNode) -> Result<(String, String)> {
    let health = get(pool, "health")?;
    let parts = health["parts"].as_array().context("the health has parts")?;
    let part = parts.iter().find(|part| part["part"] == "chain").context("there is no part `chain`")?;
    let text = |key: &str| part[key].as_str().map(str::to_owned).context("a part has texts");
    Ok((text("reason")?, text("text")?))
}

fn heights_variable(heights: &Heights) -> Vec<(String, String)> {
    vec![(VARIABLE.to_owned(), heights.value())]
}

fn pool_arguments() -> Vec<String> {
    vec![
        format!("--pool-address={STAKED_ADDRESS}"),
        format!("--pool-fixed-share-target={SHARE_TARGET}"),
        "--pool-scheme=prop".to_owned(),
        // A message and a closed connection come soon, so that the test sees them.
        "--pool-stall-close=75".to_owned(),
    ]
}

fn start_pool(devnet: &Devnet, index: usize, heights: &Heights) -> Result<PoolNode> {
    let arguments = pool_arguments();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    PoolNode::start_with(devnet, index, &arguments, heights_variable(heights))
}

/// An unknown peer connects to the pool's node and claims a thousand blocks more than exist. Unpatched,
/// upstream asks it for them, waits a minute for the answer, and accepts no block in the meantime
/// (`patches/sync-sources.patch`).
pub fn a_stranger_that_claims_more_blocks_takes_no_work_away(world: &mut World) -> Result<()> {
    let Net { pool, devnet, .. } = world.net()?;
    let mut miner = Miner::new(pool.wait_for_work("calm.rig")?, 5 << 32);
    let node = devnet.client_addresses.first().context("the validators know a client")?;
    let arguments = [node.to_string(), devnet.genesis().display().to_string(), LEAD.to_string()];
    let log = devnet.folder.join("lying-peer.log");
    let deadline = Instant::now() + PATIENCE;
    while get(pool, "pool")?["chain"]["following"] != "following" {
        ensure!(Instant::now() < deadline, "the pool's node does not follow the devnet");
        sleep(Duration::from_millis(500));
    }
    let mut liar =
        Process::start("lying-peer", &built_beside("lying-peer")?, arguments, &log, &devnet.folder)?;
    liar.wait_for("connected", Duration::from_secs(20))?;
    liar.wait_for("heard", Duration::from_secs(20))?;
    let (first, start) = (pool.rest.height()?, Instant::now());
    while pool.rest.height()? < first + 10 {
        liar.check_alive()?;
        ensure!(
            start.elapsed() < Duration::from_secs(180),
            "fewer than ten blocks came with the lying peer connected"
        );
        // On a busy machine the node may be some blocks behind its peers; it is never a thousand.
        let sync = pool.rest.get("sync/status")?;
        let height = sync["p2p_height"].as_u64().unwrap_or_default();
        ensure!(height < first + LEAD / 2, "the node believes the lie: {sync}");
        let chain = get(pool, "pool")?["chain"].clone();
        let is_far_behind = chain["behind"].as_u64().is_some_and(|behind| behind >= LEAD / 2);
        ensure!(!is_far_behind && chain["access"] == "open", "the lie has an effect: {chain}");
        Stratum::login(pool.stratum, "new.rig").and_then(Stratum::with_work).context("who comes now")?;
        ensure!(miner.submit()?.is_none(), "a share was refused");
        sleep(Duration::from_millis(500));
    }
    ensure!(miner.accepted > 0, "no share was accepted");
    Ok(())
}

/// Both releases on one network that activates the newest version: the one that knows it continues without a
/// refused share, the other stops accepting shares, says why, and recovers once upgraded.
pub fn a_version_that_the_release_lacks_is_named_and_earns_nobody_dead_work(world: &mut World) -> Result<()> {
    let folder = world.folder.path().join("moves-on");
    let binary = Heights::of_binary()?;
    let version = format!("V{}", binary.latest());
    let (newer, older) = (binary.with_latest(Some(BEGINS)), binary.with_latest(None));
    let mut devnet = Devnet::start_with(&folder, &[], &heights_variable(&newer))?;
    devnet.wait_for_blocks(&std::sync::atomic::AtomicBool::new(false))?;
    let mut knows = start_pool(&devnet, 0, &newer)?;
    let mut lacks = start_pool(&devnet, 1, &older)?;
    let mut upgraded = Miner::new(knows.wait_for_work("up.rig")?, 1 << 32);
    let mut outdated = Miner::new(lacks.wait_for_work("down.rig")?, 2 << 32);

    // Before: the release that knows the next version lists it, the other learns of it from its peers.
    wait_for("the newest version in the API", ACTIVATION_PATIENCE, || {
        let next = get(&knows, "pool")?["chain"]["next_activation"].clone();
        Ok((next["height"] == BEGINS && next["version"] == binary.latest()).then_some(()))
    })?;
    let announced = wait_for("the announced version", Duration::from_secs(60), || {
        let version = metric(&lacks, "pool_upcoming_consensus_version")?;
        Ok((version > 0.0).then_some(version))
    })?;
    ensure!(announced as usize == binary.latest(), "version {announced} is announced");
    ensure!(chain_health(&lacks)?.0 == "newer_announced", "{:?}", chain_health(&lacks)?);

    // The activation, seen from the node that knows the version.
    let start = Instant::now();
    while knows.rest.height()? < u64::from(BEGINS) {
        ensure!(start.elapsed() < ACTIVATION_PATIENCE, "the network does not get to {BEGINS}");
        for miner in [&mut upgraded, &mut outdated] {
            ensure!(miner.submit()?.is_none(), "a share was refused before the activation");
        }
        sleep(Duration::from_millis(300));
    }
    let activation = Instant::now();
    ensure!(outdated.accepted > 0 && upgraded.accepted > 0, "no share was accepted before the activation");

    // No share is accepted any more, at the latest after 90 seconds; the reason is the true one.
    let refused = loop {
        ensure!(upgraded.submit()?.is_none(), "the upgraded pool refused a share");
        if let Some(reason) = outdated.submit()? {
            break reason;
        }
        ensure!(activation.elapsed() < PATIENCE, "shares are still accepted after {PATIENCE:?}");
        sleep(Duration::from_millis(500));
    };
    ensure!(refused == "no credit: node needs an update", "the reason is '{refused}'");
    let before = outdated.accepted;
    for _ in 0..20 {
        ensure!(outdated.submit()?.is_some() || outdated.accepted == before, "a share was accepted again");
    }
    let (reason, text) = chain_health(&lacks)?;
    ensure!(
        reason == "outdated" && text.contains(&version) && text.contains("upgrade now"),
        "{reason}: {text}"
    );
    ensure!(metric(&lacks, "pool_newer_consensus_version")? as usize == binary.latest(), "no alert fires");
    let status = world.snarkos(&["pool", "status", "--data", &lacks.data.display().to_string()])?;
    let status = String::from_utf8_lossy(&status.stdout).into_owned();
    ensure!(status.contains(&format!("the network runs {version}")), "`pool status` says:\n{status}");

    // Then connections are closed with a reason, and new ones are refused.
    wait_for("the closed connection", Duration::from_secs(90), || {
        Ok(outdated.submit().is_err().then_some(()))
    })?;
    let turned_away = Stratum::login(lacks.stratum, "down.rig");
    ensure!(turned_away.is_err(), "a new connection was served");

    // A restart in between changes nothing.
    ensure!(lacks.process.stop()?.success(), "the node did not end in peace");
    lacks.restart()?;
    let until = Instant::now() + Duration::from_secs(20);
    while Instant::now() < until {
        if let Ok(stratum) = Stratum::login(lacks.stratum, "down.rig").and_then(Stratum::with_work) {
            bail!("an outdated node gave work after a restart: {:?}", stratum.job);
        }
        sleep(Duration::from_millis(500));
    }
    wait_for("the cause after a restart", Duration::from_secs(60), || {
        Ok(chain_health(&lacks).ok().filter(|(reason, _)| reason == "outdated"))
    })?;

    // The upgrade: the same data, a release that knows the version.
    ensure!(lacks.process.stop()?.success(), "the node did not end in peace");
    lacks.set_variables(heights_variable(&newer));
    lacks.restart()?;
    let mut back = Miner::new(lacks.wait_for_work("down.rig")?, 3 << 32);
    wait_for("a share of the upgraded node", Duration::from_secs(60), || {
        ensure!(back.submit()?.is_none(), "a share was refused after the upgrade");
        Ok((back.accepted > 0).then_some(()))
    })?;
    wait_for("the end of the alarm", Duration::from_secs(30), || {
        Ok((metric(&lacks, "pool_newer_consensus_version")? == 0.0).then_some(()))
    })?;
    ensure!(upgraded.submit()?.is_none(), "the pool that knew the version refused a share");
    Ok(())
}

fn wait_for<T>(what: &str, patience: Duration, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        ensure!(Instant::now() < deadline, "{what} did not come within {patience:?}");
        sleep(Duration::from_millis(500));
    }
}
