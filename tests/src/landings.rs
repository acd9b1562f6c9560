//! The path of each solution from its find into a block. Pure: logs and JSON in, times in seconds since 1970
//! out.
//!
//! Found and released are the pool's. Then a validator puts the solution into a batch, one a round; other validators
//! sign it, which makes it a certificate; and when the leader of an even round is agreed on, its certificate and all
//! that it builds on become a block.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::{
    blocks::{self, Times},
    log_time,
};

/// A solution that landed, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Landing {
    /// The block.
    pub height: u64,
    pub found: f64,
    /// Sent to the first peer.
    pub released: f64,
    /// First in a validator's batch; missing if no log has that batch.
    pub batched: Option<f64>,
    /// First in a certificate.
    pub certified: Option<f64>,
    /// The block was in the first validator's ledger.
    pub landed: f64,
    /// Heights from the network's at the release to the block's: 1 is the next block.
    pub blocks: u64,
}

/// A batch of transmissions: its round, and how many there are. The logs say no more; validators that have as
/// many in the same round propose them within a moment of each other.
type Batch = (u64, u64);

/// The batches in the validators' logs.
#[derive(Debug, Default)]
pub struct Batches {
    proposed: HashMap<Batch, f64>,
    certified: HashMap<Batch, f64>,
}

impl Batches {
    pub fn of(logs: &[String]) -> Self {
        let mut batches = Self::default();
        for line in logs.iter().flat_map(|log| log.lines()) {
            // `Proposing a batch with 2 transmissions for round 10...`
            note(&mut batches.proposed, line, "Proposing a batch with ");
            // `Our batch with 2 transmissions for round 10 was certified!`
            note(&mut batches.certified, line, "Our batch with ");
        }
        batches
    }
}

fn note(batches: &mut HashMap<Batch, f64>, line: &str, mark: &str) {
    let parsed = || {
        let (head, tail) = line.split_once(mark)?;
        let mut words = tail.split(' ');
        let count = words.next()?.parse().ok()?;
        let round = words.find(|word| *word == "round").and(words.next())?;
        Some(((round.trim_end_matches('.').parse().ok()?, count), log_time::of(head)?))
    };
    let Some((batch, time)) = parsed() else { return };
    let first = batches.entry(batch).or_insert(time);
    *first = time.min(*first);
}

/// When the pool released each solution, by id, from its node's log.
pub fn releases(log: &str) -> HashMap<String, f64> {
    let mut releases = HashMap::new();
    for line in log.lines() {
        let parsed = || {
            let (head, fields) = line.split_once("solution released ")?;
            let id = fields.split(' ').find_map(|field| field.strip_prefix("id="))?;
            Some((id.to_owned(), log_time::of(head)?))
        };
        if let Some((id, time)) = parsed() {
            releases.entry(id).or_insert(time);
        }
    }
    releases
}

/// The batches of a block, as the node's REST server shows it, that hold a solution.
fn batches_with(block: &Value, id: &str) -> HashSet<Batch> {
    let mut found = HashSet::new();
    let rounds = block.pointer("/authority/subdag/subdag").and_then(Value::as_object);
    for certificate in rounds.into_iter().flatten().filter_map(|(_, list)| list.as_array()).flatten() {
        let header = &certificate["batch_header"];
        let (Some(round), Some(ids)) = (number(&header["round"]), header["transmission_ids"].as_array())
        else {
            continue;
        };
        // `solution1….<checksum>`
        let holds = |one: &Value| one.as_str().and_then(|one| one.split('.').next()) == Some(id);
        if ids.iter().any(holds) {
            found.insert((round, ids.len() as u64));
        }
    }
    found
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

impl Landing {
    /// For a solution in the form of the pool's API; `None` if it has not landed in this run.
    pub fn of(
        solution: &Value,
        block: &Value,
        releases: &HashMap<String, f64>,
        batches: &Batches,
        network: &Times,
    ) -> Option<Self> {
        let id = solution["id"].as_str()?;
        let height = solution["height"].as_u64()?;
        let (released, landed) = (*releases.get(id)?, *network.get(&height)?);
        let holding = batches_with(block, id);
        let first = |times: &HashMap<Batch, f64>| {
            holding.iter().filter_map(|batch| times.get(batch)).copied().reduce(f64::min)
        };
        Some(Self {
            height,
            found: solution["found_ms"].as_u64()? as f64 / 1e3,
            released,
            batched: first(&batches.proposed),
            certified: first(&batches.certified),
            landed,
            blocks: height.checked_sub(blocks::tip_at(network, released)?)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn second(second: u64, text: &str) -> String {
        format!("1970-01-01T00:00:{second:02}.000000Z  INFO {text}")
    }

    #[test]
    fn a_solution_is_followed_from_its_find_into_a_block() {
        let pool = second(2, "solution released id=solution1a target=9 peers=4");
        let logs = [
            [
                second(1, "Proposing a batch with 2 transmissions for round 7..."),
                second(4, "Proposing a batch with 1 transmissions for round 9..."),
            ]
            .join("\n"),
            [
                second(3, "Proposing a batch with 1 transmissions for round 9..."),
                second(5, "Our batch with 1 transmissions for round 9 was certified!"),
            ]
            .join("\n"),
        ];
        let certificate = |round: u64, ids: &[&str]| json!({"batch_header": {"round": round.to_string(), "transmission_ids": ids}});
        let block = json!({"authority": {"subdag": {"subdag": {
            "7": [certificate(7, &["solution1b.2field", "solution1c.3field"])],
            "9": [certificate(9, &["solution1a.1field"])],
        }}}});
        let solution = json!({"id": "solution1a", "height": 12, "found_ms": 1_500});
        let network = Times::from([(10, 1.0), (11, 6.0), (12, 8.0)]);
        let landing =
            Landing::of(&solution, &block, &releases(&pool), &Batches::of(&logs), &network).unwrap();
        let expected = Landing {
            height: 12,
            found: 1.5,
            released: 2.0,
            batched: Some(3.0),
            certified: Some(5.0),
            landed: 8.0,
            blocks: 2,
        };
        assert_eq!(landing, expected);
    }

    #[test]
    fn what_has_not_landed_is_left_out() {
        let open = json!({"id": "solution1a", "height": null, "found_ms": 1});
        let releases = HashMap::from([("solution1a".to_owned(), 2.0)]);
        assert_eq!(Landing::of(&open, &json!({}), &releases, &Batches::default(), &Times::new()), None);
    }
}
