//! The heights at which a devnet begins the consensus versions, for devnets with a different schedule than
//! upstream's.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::process::snarkos_binary;

/// The variable from which test builds of upstream read the heights, one for each version that they know.
pub const VARIABLE: &str = "CONSENSUS_VERSION_HEIGHTS";

/// No height: the version never begins.
const NEVER: u32 = u32::MAX;

/// A schedule: whatever versions the release knows, they follow each other in the first blocks, as by
/// default.
#[derive(Clone, Debug)]
pub struct Heights(Vec<u32>);

impl Heights {
    /// The binary's own.
    pub fn of_binary() -> Result<Self> {
        let output = Command::new(snarkos_binary()?)
            .args(["pool", "heights", "--network", "1", "--json"])
            .env_remove(VARIABLE)
            .output()?;
        ensure!(
            output.status.success(),
            "`pool heights` failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let rows: Value = serde_json::from_slice(&output.stdout)?;
        let rows = rows.as_array().context("`pool heights` lists nothing")?;
        let height = |row: &Value| row["height"].as_u64().map_or(NEVER, |height| height as u32);
        Ok(Self(rows.iter().map(height).collect()))
    }

    /// The newest version's number.
    pub fn latest(&self) -> usize {
        self.0.len()
    }

    /// The same, but the newest version begins at `height`; `None`: the release does not know it.
    pub fn with_latest(&self, height: Option<u32>) -> Self {
        let mut heights = self.0.clone();
        if let Some(last) = heights.last_mut() {
            *last = height.unwrap_or(NEVER);
        }
        Self(heights)
    }

    /// In upstream's notation.
    pub fn value(&self) -> String {
        self.0.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
    }
}
