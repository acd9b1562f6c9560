//! The parts of the pool's API that tests and benches use.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use serde_json::Value;

pub struct Api {
    base: String,
}

impl Api {
    pub fn new(address: SocketAddr) -> Self {
        Self { base: format!("http://{address}/api/v1") }
    }

    fn get(&self, path: &str) -> Result<Value> {
        let url = format!("{}/{path}", self.base);
        let text =
            ureq::get(&url).call().with_context(|| format!("GET {url}"))?.body_mut().read_to_string()?;
        serde_json::from_str(&text).with_context(|| format!("GET {url}: not JSON: {text}"))
    }

    /// The level of a part of the pool's health: green, amber or red.
    pub fn level(&self, part: &str) -> Result<Option<String>> {
        let health = self.get("health")?;
        let parts = health["parts"].as_array().context("health has no parts")?;
        let found = parts.iter().find(|one| one["part"] == part);
        Ok(found.and_then(|one| one["level"].as_str()).map(str::to_owned))
    }

    /// All solutions, the last found one first.
    pub fn solutions(&self) -> Result<Vec<Value>> {
        let mut all = vec![];
        let mut path = String::from("solutions?limit=500");
        loop {
            let page = self.get(&path)?;
            all.extend_from_slice(page["items"].as_array().context("a page has no items")?);
            let Some(next) = page["next"].as_str() else { return Ok(all) };
            path = format!("solutions?limit=500&cursor={next}");
        }
    }
}
