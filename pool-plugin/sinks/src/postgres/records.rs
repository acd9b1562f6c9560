//! From blocks and dumps to rows. Pure.

use super::text::Text;
use crate::{
    books::{Block, Reward, Solution},
    names::{puid, worker_id},
};

/// The block version of snarkVM; there is only one.
const BLOCK_VERSION: u32 = 1;

/// The columns of `blocks_records` that are filled, except the two whose names depend on the table.
pub(super) const BLOCK_COLUMNS: [&str; 17] = [
    "puid",
    "worker_id",
    "worker_name",
    "job_id",
    "height",
    "chain",
    "nonce",
    "is_orphaned",
    "hash",
    "rewards",
    "fees",
    "size",
    "prev_hash",
    "bits",
    "version",
    "timestamp",
    "location",
];

/// A row of `blocks_records`: the values of [`BLOCK_COLUMNS`], the solution's id and its counter.
pub(super) fn block_row(block: &Block, landed: &Solution, chain: &str, location: &str) -> Vec<Text> {
    let finder = landed.finder.clone().unwrap_or_default();
    vec![
        Text::of(puid(&finder.account)),
        Text::of(worker_id(&finder.name)),
        Text::of(&finder.name),
        Text::of(&block.job_id),
        Text::of(block.height),
        Text::of(chain),
        Text::of(landed.counter),
        // Blocks are final.
        Text::of(false),
        Text::of(&block.hash),
        Text::of(landed.reward),
        // A prover gets no part of the transactions' fees.
        Text::of(0),
        Text::of(block.size),
        Text::of(&block.previous_hash),
        Text::of(block.proof_target),
        Text::of(BLOCK_VERSION),
        Text::of(block.timestamp),
        Text::of(location),
        Text::of(&landed.id),
        Text::of(landed.counter),
    ]
}

/// A row of `miners_balance`: id, miner_id, wallet, and the addition to the balance.
pub(super) fn balance_row(reward: &Reward) -> [Text; 4] {
    let (miner, wallet) = (puid(&reward.account), reward.account.as_str());
    [Text::of(format!("{miner}_{wallet}")), Text::of(miner), Text::of(wallet), Text::of(reward.amount)]
}

/// A row of `wallet_total`: address, and the addition to the total.
pub(super) fn total_row(reward: &Reward) -> [Text; 2] {
    [Text::of(&reward.account), Text::of(reward.amount)]
}
