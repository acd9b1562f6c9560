//! The node's REST server answers every route that we use as recorded. If a release of upstream answers
//! differently, this names the route and the difference: docs/node-rest.md.

use std::{path::Path, thread, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use pool_tests::{
    fixtures::Fixtures,
    plain_node::{PACE, PlainNode},
    rest::{Answer, Request, ask},
    transfers::{Account, Signer},
};
use serde_json::Value;

use crate::{
    fates::{Fates, broadcast},
    mining::wait_for_dump,
    world::{Net, World},
};

/// From here on the devnet follows the newest rules of the chain.
const NEWEST_RULES: u64 = 26;

/// One of the clients that the validators know; the others are pools.
const CLIENT: usize = 2;

const PATIENCE: Duration = Duration::from_secs(300);

/// Valid ids that no chain has.
const NO_TRANSACTION: &str = "at1qyqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq7fymfh";
const NO_BLOCK: &str = "ab1qyqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqjw98qd";

/// The node serves the same routes below both; the second distinguishes errors by their status.
const VERSIONS: [(&str, &str); 2] = [("", "/testnet"), ("v2-", "/v2/testnet")];

/// More requests at once than the node answers in a second.
const BURST: usize = 60;

pub fn every_route_answers_as_recorded(world: &mut World) -> Result<()> {
    let folder = world.folder.path().join("node-rest");
    let Net { pool, devnet, .. } = world.net()?;
    let mut node = PlainNode::start(devnet, CLIENT)?;
    node.wait_for_height(NEWEST_RULES, PATIENCE)?;
    let (_, dump) = wait_for_dump(pool, |_| true)?;
    let mined = dump["height"].as_u64().context("a dump has a height")?;
    node.wait_for_height(mined, PATIENCE)?;
    let signer = Signer::new(&folder, node.rest.origin())?;
    let fates = Fates::make(&mut node, &signer)?;

    let here = std::env::var("CARGO_MANIFEST_DIR")?;
    let record = std::env::var_os("POOL_RECORD_REST").is_some();
    let mut fixtures = Fixtures::open(&Path::new(&here).join("fixtures/rest"), record)?;
    fixtures.check("broadcast", &fates.first.0, &fates.first.1)?;
    let mut questions = chain(&mut node, mined, &fates)?;
    questions.extend(transactions(&fates));
    questions.extend(refusals());
    for (name, request) in questions {
        thread::sleep(PACE);
        let mut answer = ask(node.rest.origin(), &request)?;
        if name.starts_with("block-with-") && !name.ends_with("solution") {
            answer.body = without_solutions(&answer.body)?;
        }
        fixtures.check(&name, &request, &answer)?;
    }
    for (version, network) in VERSIONS {
        let request = Request::get(format!("{network}/block/height/latest"));
        fixtures.check(&format!("{version}over-the-limit"), &request, &over_the_limit(&node, &request)?)?;
    }
    ensure!(node.process.stop()?.success(), "the node did not end in peace");
    fixtures.finish()
}

/// A block that has a certain transaction may have solutions too, or not: other questions are about these.
fn without_solutions(block: &str) -> Result<String> {
    let mut block: Value = serde_json::from_str(block).context("the block is not JSON")?;
    block["solutions"] = Value::Null;
    Ok(block.to_string())
}

/// Blocks, heights and balances.
fn chain(node: &mut PlainNode, mined: u64, fates: &Fates) -> Result<Vec<(String, Request)>> {
    let quiet = node.until("a block without solutions", PATIENCE, |rest| {
        let latest = rest.height()?;
        Ok(rest.block(latest)?["solutions"]["solutions"].is_null().then_some(latest))
    })?;
    let balance = "/testnet/program/credits.aleo/mapping/account";
    let mut questions = vec![
        ("height-latest".to_owned(), Request::get("/testnet/block/height/latest")),
        ("state-root-latest".into(), Request::get("/testnet/stateRoot/latest")),
        ("block-with-solution".into(), Request::get(format!("/testnet/block/{mined}"))),
        ("block-without-solution".into(), Request::get(format!("/testnet/block/{quiet}"))),
        ("balance".into(), Request::get(format!("{balance}/{}", fates.payer))),
        ("balance-none".into(), Request::get(format!("{balance}/{}", Account::new()?.address))),
    ];
    let all = [("accepted", &fates.accepted), ("rejected", &fates.rejected), ("aborted", &fates.aborted)];
    for (fate, transfer) in all {
        thread::sleep(PACE);
        let block = node.rest.block_of(&transfer.id)?.context("its block was there before")?;
        questions.push((format!("block-with-{fate}"), Request::get(format!("/testnet/block/{block}"))));
    }
    Ok(questions)
}

/// What each route of a transaction answers for each result.
fn transactions(fates: &Fates) -> Vec<(String, Request)> {
    let ids = [
        ("accepted", fates.accepted.id.as_str()),
        ("rejected", &fates.rejected.id),
        ("fee-of-rejected", &fates.fee_of_rejected),
        ("aborted", &fates.aborted.id),
        ("unknown", NO_TRANSACTION),
        ("malformed", "at1nonsense"),
    ];
    let routes = [
        ("find-block-hash", "find/blockHash/", ""),
        ("transaction", "transaction/", ""),
        ("confirmed", "transaction/confirmed/", ""),
        ("unconfirmed", "transaction/unconfirmed/", ""),
        ("rejection-reason", "transaction/rejected/", "/reason"),
    ];
    let mut questions = vec![("broadcast-again".to_owned(), broadcast(&fates.accepted))];
    for (version, network) in VERSIONS {
        for (route, before, behind) in routes {
            for (fate, id) in ids {
                let request = Request::get(format!("{network}/{before}{id}{behind}"));
                questions.push((format!("{version}{route}-{fate}"), request));
            }
        }
    }
    questions
}

/// Requests that cannot be answered.
fn refusals() -> Vec<(String, Request)> {
    let mut questions = vec![];
    for (version, network) in VERSIONS {
        let broadcast = format!("{network}/transaction/broadcast");
        let get = |path: &str| Request::get(format!("{network}/{path}"));
        let named = |name: &str, request| (format!("{version}{name}"), request);
        questions.extend([
            named("block-not-yet", get("block/4294967295")),
            named("block-unknown", get(&format!("block/{NO_BLOCK}"))),
            named("block-malformed", get("block/nonsense")),
            named("balance-malformed", get("program/credits.aleo/mapping/account/aleo1nonsense")),
            named("no-such-route", get("nonsense")),
            named("broadcast-no-json", Request::post(&broadcast, "application/json", "nonsense")),
            named("broadcast-no-transaction", Request::post(&broadcast, "application/json", "{}")),
            named("broadcast-as-text", Request::post(&broadcast, "text/plain", "{}")),
        ]);
    }
    questions.push(("other-network".into(), Request::get("/mainnet/block/height/latest")));
    questions
}

/// The answer to one request too many.
fn over_the_limit(node: &PlainNode, request: &Request) -> Result<Answer> {
    let origin = node.rest.origin();
    let burst = |_| {
        thread::scope(|scope| {
            let asking: Vec<_> = (0..BURST).map(|_| scope.spawn(|| ask(origin, request))).collect();
            let answers =
                asking.into_iter().map(|one| one.join().map_err(|_| anyhow::anyhow!("asking panicked"))?);
            answers.collect::<Result<Vec<_>>>()
        })
    };
    for answers in (0..3).map(burst) {
        if let Some(refused) = answers?.into_iter().find(|answer| answer.status != 200) {
            return Ok(refused);
        }
    }
    bail!("the node answered {BURST} requests at once, three times over: it has no limit, or is slow")
}
