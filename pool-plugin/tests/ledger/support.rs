//! Shared by the tests of the ledger.

use pool_core::types::{Address, BlockHash, EpochHash, Network, Solution, SolutionId, Worker};
use pool_plugin::ledger::{
    ShareLedger, WriteError,
    records::{BlockOutcome, Share, ShareKey, SolutionRecord, SolutionState},
};

/// The proof target of all blocks.
pub(crate) const PROOF_TARGET: u64 = 1000;

pub(crate) const POOL: Address = Address([5; 32]);

pub(crate) fn open(dir: &std::path::Path) -> ShareLedger {
    ShareLedger::open(dir, Network::Testnet).unwrap()
}

pub(crate) fn key(epoch: u32, counter: u64) -> ShareKey {
    ShareKey { epoch, address: POOL, counter }
}

pub(crate) fn worker(account: &str, name: &str) -> Worker {
    Worker { account: account.into(), name: name.into() }
}

/// A share of `ann.rig` with target 100.
pub(crate) async fn append(ledger: &ShareLedger, epoch: u32, counter: u64) -> Result<u64, WriteError> {
    append_for(ledger, key(epoch, counter), worker("ann", "rig"), 100).await
}

pub(crate) async fn append_for(
    ledger: &ShareLedger,
    key: ShareKey,
    worker: Worker,
    target: u64,
) -> Result<u64, WriteError> {
    let reservation = ledger.reserve(key).unwrap();
    ledger.append(reservation, worker, target, target.saturating_mul(2), 1_700_000_000_000).await
}

pub(crate) fn solution(epoch: u32, counter: u64) -> Solution {
    let mut epoch_hash = [0; 32];
    epoch_hash[..4].copy_from_slice(&epoch.to_le_bytes());
    Solution { epoch_hash: EpochHash(epoch_hash), address: POOL, counter, target: 1 << 60 }
}

pub(crate) fn id(epoch: u32, counter: u64) -> SolutionId {
    solution(epoch, counter).id()
}

pub(crate) fn found(epoch: u32, counter: u64) -> SolutionRecord {
    SolutionRecord {
        solution: solution(epoch, counter),
        epoch,
        finder: Some(worker("ann", "rig")),
        found_ms: 1_700_000_000_000,
        state: SolutionState::Found,
    }
}

/// A block in which solutions of its epoch, given by their counters, landed.
pub(crate) fn block(height: u32, landed: &[u64]) -> BlockOutcome {
    let epoch = pool_core::types::epoch_of_block(height);
    BlockOutcome {
        height,
        hash: block_hash(height),
        timestamp: 1_700_000_000 + i64::from(height),
        proof_target: PROOF_TARGET,
        landed: landed
            .iter()
            .map(|counter| (solution(epoch, *counter), 1_000_000 + counter % 1000))
            .collect(),
        aborted: Vec::new(),
        open_epoch: epoch,
    }
}

pub(crate) fn block_hash(height: u32) -> BlockHash {
    let mut hash = [0xab; 32];
    hash[..4].copy_from_slice(&height.to_le_bytes());
    BlockHash(hash)
}

pub(crate) fn all_shares(ledger: &ShareLedger) -> Vec<(u64, Share)> {
    ledger.shares(1, u64::MAX).map(|row| row.unwrap()).collect()
}
