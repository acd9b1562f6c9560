//! The node's REST server: what the chain says, from a source other than the pool.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use serde_json::Value;

#[derive(Clone)]
pub struct Rest {
    base: String,
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
        self.get("block/height/latest")?.as_u64().context("the height is no number")
    }

    pub fn block(&self, height: u64) -> Result<Value> {
        self.get(&format!("block/{height}"))
    }

    /// The public balance of an account, in microcredits.
    pub fn balance(&self, address: &str) -> Result<u64> {
        let value = self.get(&format!("program/credits.aleo/mapping/account/{address}"))?;
        match value.as_str() {
            None => Ok(0),
            Some(text) => {
                text.trim_end_matches("u64").parse().with_context(|| format!("'{text}' is no balance"))
            }
        }
    }
}
