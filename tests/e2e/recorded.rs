//! Which answers count as different, and which as the same.

use anyhow::{Context, Result, ensure};
use pool_tests::{
    fixtures::Fixtures,
    rest::{Answer, Request},
};
use serde_json::{Value, json};

use crate::world::World;

fn answer(status: u16, body: &Value) -> Answer {
    let content_type = Some("application/json".to_owned());
    Answer { status, content_type, retry_after: None, body: body.to_string() }
}

/// A block of a chain, as far as it matters here. `seed`: what differs between chains.
fn block(seed: u64, letter: &str) -> Value {
    let id = |prefix: &str| format!("{prefix}1{}", letter.repeat(58));
    json!({
        "block_hash": id("ab"), "height": seed, "weight": seed.to_string(), "authority": {"subdag": {seed.to_string(): [id("sign")]}},
        "ratifications": [{"type": "block_reward", "amount": seed}, {"type": "puzzle_reward", "amount": seed + 1}],
        "transactions": [{"status": "accepted", "inputs": [format!("{seed}u64"), format!("{seed}field")]}],
        "aborted_transaction_ids": [], "solutions": null,
        "note": format!("Transaction '{}' was aborted (HTTP 429)", id("at")),
    })
}

pub fn another_value_is_the_same_answer_and_another_shape_is_named(world: &mut World) -> Result<()> {
    let folder = world.folder.path().join("recorded");
    let request = Request::get("/testnet/block/7");
    let recorded = block(7, "q");
    let mut fixtures = Fixtures::open(&folder, true)?;
    fixtures.check("block", &request, &answer(200, &recorded))?;
    fixtures.finish()?;

    let compare = |status: u16, body: &Value| -> Result<String> {
        let mut fixtures = Fixtures::open(&folder, false)?;
        fixtures.check("block", &request, &answer(status, body))?;
        Ok(fixtures.finish().err().map(|error| error.to_string()).unwrap_or_default())
    };
    let same = [
        block(1_234_567, "p"),
        with(&recorded, "/ratifications", json!([{"type": "puzzle_reward", "amount": 9}]))?,
        with(&recorded, "/transactions", json!([]))?,
    ];
    for body in same {
        ensure!(compare(200, &body)?.is_empty(), "{body}: {}", compare(200, &body)?);
    }

    let others = [
        (with(&recorded, "/block_hash", json!(7))?, "body.block_hash is 1, \"<block hash>\" was recorded"),
        (with(&recorded, "/height", json!("7"))?, "body.height is \"1\", 1 was recorded"),
        (
            with(&recorded, "/solutions", json!({"version": 1}))?,
            "body.solutions is {\"version\":1}, null was",
        ),
        (
            with(&recorded, "/transactions/0/status", json!("Accepted"))?,
            "status is \"Accepted\", \"accepted\" was",
        ),
        (
            with(&recorded, "/transactions/0/inputs", json!(["7u64"]))?,
            "inputs has 1 members, 2 were recorded",
        ),
        (
            with(&recorded, "/ratifications/1/amount", json!("8"))?,
            "body.ratifications[].amount is \"1\", 1 was",
        ),
        (with(&recorded, "/note", json!("Missing"))?, "body.note is \"Missing\""),
        (json!({}), "body.block_hash is gone"),
        (json!(null), "body is null"),
    ];
    for (body, expected) in others {
        let said = compare(200, &body)?;
        ensure!(said.contains("block: /testnet/block/7: ") && said.contains(expected), "{body}: {said}");
    }
    let mut more = recorded.clone();
    more["new_member"] = json!(1);
    let said = compare(200, &more)?;
    ensure!(said.contains("body.new_member is new: 1"), "{said}");
    let said = compare(500, &recorded)?;
    ensure!(said.contains("status is 500, 200 was recorded"), "{said}");
    let mut fixtures = Fixtures::open(&folder, false)?;
    fixtures.check("block", &Request::get("/testnet/block/1234"), &answer(200, &recorded))?;
    fixtures.finish().context("the height that is asked for makes a difference")?;
    forgotten_and_unknown_files_are_named(&folder, &request)
}

fn forgotten_and_unknown_files_are_named(folder: &std::path::Path, request: &Request) -> Result<()> {
    let mut fixtures = Fixtures::open(folder, false)?;
    fixtures.check("other", request, &answer(200, &json!(null)))?;
    let said = fixtures.finish().err().context("a file was forgotten unnoticed")?.to_string();
    ensure!(said.contains("other: nothing is recorded of /testnet/block/7"), "{said}");
    ensure!(said.contains("block.json: it is recorded, and nobody asks for it"), "{said}");
    Ok(())
}

fn with(block: &Value, place: &str, value: Value) -> Result<Value> {
    let mut block = block.clone();
    *block.pointer_mut(place).context("there is such a place")? = value;
    Ok(block)
}
