//! The node's REST server: the state of the chain, from a source other than the pool.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, Result};
use serde_json::Value;
use ureq::http::Response;

/// How long an answer may take on a machine that is busy with four validators.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone)]
pub struct Rest {
    base: String,
}

/// A request to a node, below its origin.
#[derive(Clone, Debug)]
pub struct Request {
    pub path: String,
    /// The body of a POST, and its content type; without it this is a GET.
    pub post: Option<(&'static str, String)>,
}

/// An answer as it came, whatever its status.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub content_type: Option<String>,
    pub retry_after: Option<String>,
    pub body: String,
}

impl Request {
    pub fn get(path: impl Into<String>) -> Self {
        Self { path: path.into(), post: None }
    }

    pub fn post(path: impl Into<String>, content_type: &'static str, body: impl Into<String>) -> Self {
        Self { path: path.into(), post: Some((content_type, body.into())) }
    }
}

/// Asks the node at `origin`. Only a missing answer is an error, a refusal is not.
pub fn ask(origin: &str, request: &Request) -> Result<Answer> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(PATIENCE))
        .build()
        .into();
    let url = format!("{origin}{}", request.path);
    let answer = match &request.post {
        None => agent.get(&url).call(),
        Some((content_type, body)) => agent.post(&url).header("content-type", *content_type).send(body),
    };
    let mut answer = answer.with_context(|| format!("{url} gave no answer"))?;
    Ok(Answer {
        status: answer.status().as_u16(),
        content_type: header(&answer, "content-type"),
        retry_after: header(&answer, "retry-after"),
        body: answer.body_mut().read_to_string().with_context(|| format!("{url} broke off"))?,
    })
}

fn header(answer: &Response<ureq::Body>, name: &str) -> Option<String> {
    Some(answer.headers().get(name)?.to_str().ok()?.to_owned())
}

impl Rest {
    pub fn new(address: SocketAddr) -> Self {
        Self { base: format!("http://{address}/testnet") }
    }

    /// The node's address, without the network.
    pub fn origin(&self) -> &str {
        self.base.trim_end_matches("/testnet")
    }

    pub fn get(&self, path: &str) -> Result<Value> {
        let url = format!("{}/{path}", self.base);
        let mut response = ureq::get(&url).call().with_context(|| format!("GET {url}"))?;
        let text = response.body_mut().read_to_string()?;
        serde_json::from_str(&text).with_context(|| format!("GET {url}: not JSON: {text}"))
    }

    pub fn height(&self) -> Result<u64> {
        self.get("block/height/latest")?.as_u64().context("the height is not a number")
    }

    pub fn block(&self, height: u64) -> Result<Value> {
        self.get(&format!("block/{height}"))
    }

    /// The hash of the block that has a transaction, whatever its result there.
    pub fn block_of(&self, transaction_id: &str) -> Result<Option<String>> {
        Ok(self.get(&format!("find/blockHash/{transaction_id}"))?.as_str().map(str::to_owned))
    }

    /// The public balance of an account, in microcredits.
    pub fn balance(&self, address: &str) -> Result<u64> {
        let value = self.get(&format!("program/credits.aleo/mapping/account/{address}"))?;
        match value.as_str() {
            None => Ok(0),
            Some(text) => {
                text.trim_end_matches("u64").parse().with_context(|| format!("'{text}' is not a balance"))
            }
        }
    }
}
