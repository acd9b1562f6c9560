//! A block as any node's REST port shows it: anyone can compare the pool's books with it.

use std::{thread::sleep, time::Duration};

use serde::Deserialize;

use crate::{reward, types::Network};

const PATIENCE: Duration = Duration::from_secs(30);

/// A node answers ten requests per second and address, unless configured otherwise.
const PACE: Duration = Duration::from_millis(110);
const TRIES: u32 = 4;

/// A block with all its transactions, as JSON, is far smaller.
const MAX_BODY_BYTES: u64 = 256 << 20;

/// How much of a refusal is quoted, in characters.
const MOST_SAID: usize = 200;

/// A node's REST port.
#[derive(Clone, Debug)]
pub struct RestNode {
    agent: ureq::Agent,
    base: String,
}

/// The relevant parts of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestBlock {
    pub hash: String,
    /// Unix seconds.
    pub timestamp: i64,
    pub proof_target: u64,
    /// Of every prover, in the block's order.
    pub solutions: Vec<RestSolution>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestSolution {
    pub id: String,
    pub address: String,
    pub counter: u64,
    pub target: u64,
    /// Microcredits: its part of the block's puzzle reward.
    pub reward: u64,
}

impl RestNode {
    /// `base`: where the port is, e.g. `http://127.0.0.1:3030`.
    pub fn new(base: &str) -> Self {
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            .build()
            .into();
        Self { agent, base: base.trim_end_matches('/').to_owned() }
    }

    pub fn block(&self, network: Network, height: u32) -> Result<RestBlock, String> {
        let url = format!("{}/{}/block/{height}", self.base, network.name());
        let (status, text) = self.get(&url).map_err(|error| format!("{url} gave no answer: {error}"))?;
        if status != 200 {
            // In the first version of a node's routes every refusal is a 500: only the text has the reason.
            let said: String = text.chars().filter(|one| !one.is_control()).take(MOST_SAID).collect();
            return Err(format!("{url} answered {status}: {said}"));
        }
        parse(&text).map_err(|error| format!("{url} gave no block: {error}"))
    }
}

impl RestNode {
    /// Status and body. Paced, and retried while the node is busy.
    fn get(&self, url: &str) -> Result<(u16, String), ureq::Error> {
        let mut tries = 1;
        loop {
            sleep(PACE);
            let mut response = self.agent.get(url).call()?;
            let status = response.status().as_u16();
            // A node over its limit answers 429, or 500 where an older route translates it.
            if !matches!(status, 429 | 500 | 503) || tries == TRIES {
                let limited = response.body_mut().with_config().limit(MAX_BODY_BYTES);
                return Ok((status, limited.read_to_string()?));
            }
            sleep(tries * 8 * PACE);
            tries += 1;
        }
    }
}

#[derive(Deserialize)]
struct BlockJson {
    block_hash: String,
    header: HeaderJson,
    ratifications: Vec<RatifyJson>,
    solutions: Option<SolutionsJson>,
}

#[derive(Deserialize)]
struct HeaderJson {
    metadata: MetadataJson,
}

#[derive(Deserialize)]
struct MetadataJson {
    timestamp: i64,
    proof_target: u64,
}

#[derive(Deserialize)]
struct RatifyJson {
    r#type: String,
    amount: Option<u64>,
}

#[derive(Deserialize)]
struct SolutionsJson {
    solutions: Option<SolutionListJson>,
}

#[derive(Deserialize)]
struct SolutionListJson {
    solutions: Vec<SolutionJson>,
}

#[derive(Deserialize)]
struct SolutionJson {
    partial_solution: PartialSolutionJson,
    target: u64,
}

#[derive(Deserialize)]
struct PartialSolutionJson {
    solution_id: String,
    address: String,
    counter: u64,
}

fn parse(text: &str) -> Result<RestBlock, serde_json::Error> {
    let block: BlockJson = serde_json::from_str(text)?;
    let solutions = block.solutions.and_then(|some| some.solutions).map_or(vec![], |list| list.solutions);
    let targets: Vec<u64> = solutions.iter().map(|solution| solution.target).collect();
    let pot = block.ratifications.iter().filter(|ratify| ratify.r#type == "puzzle_reward");
    let rewards = reward::split(pot.filter_map(|ratify| ratify.amount).sum(), &targets);
    let with_reward = |(solution, reward): (SolutionJson, u64)| RestSolution {
        id: solution.partial_solution.solution_id,
        address: solution.partial_solution.address,
        counter: solution.partial_solution.counter,
        target: solution.target,
        reward,
    };
    Ok(RestBlock {
        hash: block.block_hash,
        timestamp: block.header.metadata.timestamp,
        proof_target: block.header.metadata.proof_target,
        solutions: solutions.into_iter().zip(rewards).map(with_reward).collect(),
    })
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpListener,
        thread,
    };

    use serde_json::json;

    use super::*;

    fn block(solutions: &serde_json::Value) -> String {
        json!({
            "block_hash": "ab1x", "previous_hash": "ab1w", "authority": {},
            "header": {"metadata": {"timestamp": 7, "proof_target": 1u64 << 60, "height": 3}},
            "ratifications": [
                {"type": "block_reward", "amount": 5},
                {"type": "puzzle_reward", "amount": 1_000},
                {"type": "genesis", "committee": {}},
            ],
            "solutions": solutions,
        })
        .to_string()
    }

    #[test]
    fn the_reward_is_split_among_the_blocks_solutions() {
        let solution = |id: &str, target: u64| {
            let partial = json!({"solution_id": id, "epoch_hash": "e", "address": "a", "counter": u64::MAX});
            json!({"partial_solution": partial, "target": target})
        };
        let list =
            json!({"version": 1, "solutions": {"solutions": [solution("s1", 300), solution("s2", 100)]}});
        let parsed = parse(&block(&list)).unwrap();
        assert_eq!((parsed.hash.as_str(), parsed.timestamp, parsed.proof_target), ("ab1x", 7, 1 << 60));
        let rewards: Vec<_> = parsed.solutions.iter().map(|one| (one.id.as_str(), one.reward)).collect();
        assert_eq!(rewards, [("s1", 750), ("s2", 250)]);
        assert_eq!(parsed.solutions[0].counter, u64::MAX);
    }

    /// What a node answered: docs/node-rest.md.
    fn recorded(fixture: &str) -> (u64, String) {
        let fixture: serde_json::Value = serde_json::from_str(fixture).unwrap();
        let text = fixture["text"].as_str().map(str::to_owned);
        (fixture["status"].as_u64().unwrap(), text.unwrap_or_else(|| fixture["body"].to_string()))
    }

    #[test]
    fn recorded_blocks_are_understood() {
        let (_, text) = recorded(include_str!("../../../../tests/fixtures/rest/block-with-solution.json"));
        let block = parse(&text).unwrap();
        assert_eq!((block.hash.as_str(), block.timestamp, block.proof_target), ("<block hash>", 1, 1));
        let solution = &block.solutions[0];
        assert_eq!((solution.id.as_str(), solution.address.as_str()), ("<solution id>", "<address>"));
        assert_eq!((solution.counter, solution.target, solution.reward), (1, 1, 1));
        let (_, text) = recorded(include_str!("../../../../tests/fixtures/rest/block-without-solution.json"));
        assert_eq!(parse(&text).unwrap().solutions, []);
    }

    #[test]
    fn a_refusal_is_told_in_the_nodes_words() {
        let (status, text) = recorded(include_str!("../../../../tests/fixtures/rest/v2-block-not-yet.json"));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let node = RestNode::new(&format!("http://{}", listener.local_addr().unwrap()));
        let answering = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 1024];
            assert!(stream.read(&mut request).unwrap() > 0);
            write!(stream, "HTTP/1.1 {status} No\r\nContent-Length: {}\r\n\r\n{text}", text.len()).unwrap();
        });
        let refused = node.block(Network::Testnet, u32::MAX).unwrap_err();
        answering.join().unwrap();
        assert!(refused.contains("/testnet/block/4294967295 answered 404"), "{refused}");
        assert!(refused.contains("Missing block hash"), "{refused}");
    }

    #[test]
    fn a_block_without_solutions_is_one_too_and_other_json_is_not() {
        assert_eq!(parse(&block(&json!({"version": 1}))).unwrap().solutions, []);
        assert_eq!(parse(&block(&json!(null))).unwrap().solutions, []);
        assert!(parse("{}").is_err());
        assert!(parse("null").is_err());
    }
}
