//! The fields of a dump. `docs/share-dump.md` explains them; the two change together.
//!
//! The same structure is written and read back; `check` judges what was read.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::decimal;
use crate::books::dump::{InvalidDump, canonical, text::escape_for_display};

/// The version of the dump's fields, for rounds that were settled by terms.
pub const SCHEMA_VERSION: u32 = 2;

/// The version for rounds that closed before terms existed: no rewards, no digest.
pub(super) const FIRST_SCHEMA_VERSION: u32 = 1;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Document {
    pub(super) schema_version: u32,
    pub(super) network: String,
    pub(super) height: u32,
    pub(super) hash: String,
    pub(super) timestamp: i64,
    pub(super) epoch: u32,
    pub(super) epoch_hash: String,
    pub(super) pool_address: String,
    #[serde(with = "decimal")]
    pub(super) total_reward: u64,
    pub(super) solutions: Vec<SolutionEntry>,
    /// From version 2 on.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub(super) settlement: Option<Settlement>,
    pub(super) window: Window,
    pub(super) total_shares: u64,
    #[serde(with = "decimal")]
    pub(super) total_credit: u128,
    pub(super) accounts: Vec<AccountEntry>,
    /// From version 2 on.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub(super) link: Option<Link>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SolutionEntry {
    pub(super) id: String,
    pub(super) address: String,
    #[serde(with = "decimal")]
    pub(super) counter: u64,
    #[serde(with = "decimal")]
    pub(super) target: u64,
    #[serde(with = "decimal")]
    pub(super) reward: u64,
    pub(super) finder: Option<FinderEntry>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct FinderEntry {
    pub(super) account: String,
    pub(super) worker: String,
}

/// How the reward was shared out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Settlement {
    /// From the block's header.
    #[serde(with = "decimal")]
    pub(super) proof_target: u64,
    pub(super) scheme: SchemeEntry,
    pub(super) fees: Vec<FeeEntry>,
    #[serde(with = "decimal")]
    pub(super) carried_in: u64,
    #[serde(with = "decimal")]
    pub(super) carried_out: u64,
    /// The shares since the previous block of ours.
    pub(super) round: RoundEntry,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SchemeEntry {
    pub(super) name: String,
    /// PPLNS only: the window's length in proof targets, and the oldest share it may include.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) window: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reach_seq: Option<u64>,
    pub(super) since_seq: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FeeEntry {
    pub(super) account: String,
    pub(super) basis_points: u32,
    #[serde(with = "decimal")]
    pub(super) amount: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RoundEntry {
    pub(super) first_seq: u64,
    pub(super) last_seq: u64,
    pub(super) count: u64,
    #[serde(with = "decimal")]
    pub(super) credit: u128,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Window {
    pub(super) first_seq: u64,
    pub(super) last_seq: u64,
    pub(super) count: u64,
    /// How much of the first share counts. From version 2 on.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub(super) first_credit: Option<u64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct AccountEntry {
    pub(super) account: String,
    pub(super) shares: u64,
    #[serde(with = "decimal")]
    pub(super) credit: u128,
    /// Microcredits, with the fee if the account takes one. From version 2 on.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub(super) reward: Option<u64>,
    pub(super) workers: Vec<WorkerEntry>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct WorkerEntry {
    pub(super) worker: String,
    pub(super) shares: u64,
    #[serde(with = "decimal")]
    pub(super) credit: u128,
}

/// A dump's place in the chain of dumps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Link {
    /// The digest of the previous dump; `null` in the first one of version 2.
    pub(super) previous: Option<String>,
    /// Last, since it covers all the rest.
    pub(super) digest: String,
}

impl Document {
    /// Reads a dump of a version this program knows, and checks its digest.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, InvalidDump> {
        let not_a_dump = |error: serde_json::Error| InvalidDump::NotADump(error.to_string());
        let value: Value = serde_json::from_slice(bytes).map_err(not_a_dump)?;
        let version = value["schema_version"].as_u64();
        if !version.is_some_and(|version| (1..=u64::from(SCHEMA_VERSION)).contains(&version)) {
            return Err(InvalidDump::SchemaVersion {
                found: value["schema_version"].clone(),
                known: SCHEMA_VERSION,
            });
        }
        let digest = canonical::digest(&value);
        let document: Self = serde_json::from_value(value).map_err(not_a_dump)?;
        match &document.link {
            Some(link) if link.digest != digest => Err(InvalidDump::Digest),
            _ => Ok(document),
        }
    }

    /// Sets the digest, if this version has one.
    pub(super) fn sign(&mut self) -> Result<(), InvalidDump> {
        let value = serde_json::to_value(&*self).map_err(not_json)?;
        if let Some(link) = &mut self.link {
            link.digest = canonical::digest(&value);
        }
        Ok(())
    }

    pub(super) fn to_json(&self) -> Result<Vec<u8>, InvalidDump> {
        let json = serde_json::to_string_pretty(self).map_err(not_json)?;
        let mut text = escape_for_display(&json);
        text.push('\n');
        Ok(text.into_bytes())
    }
}

/// A hash or digest as it stands in a dump.
pub(super) fn bytes_of(text: &str) -> Result<[u8; 32], InvalidDump> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes)
        .map_err(|reason| InvalidDump::NotHex { text: text.to_owned(), reason: reason.to_string() })?;
    Ok(bytes)
}

fn not_json(error: serde_json::Error) -> InvalidDump {
    InvalidDump::NotJson(error.to_string())
}
