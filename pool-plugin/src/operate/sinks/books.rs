//! The ledger, the dumps and the chain as the sinks read them.

use std::path::PathBuf;

use pool_core::chain::ChainHandle;
use pool_sinks::books::{Block, Books, BooksError, Dump, Life, Reward, Share, Solution};

use crate::{
    books::dump::{AccountReward, SummaryError, read_summary},
    ledger::{
        ShareLedger,
        records::{self, Round, RoundSolution},
    },
    stratum::wire::dialects::shared::job_id,
};

/// What the sinks read.
pub struct LedgerBooks {
    ledger: ShareLedger,
    chain: ChainHandle,
    shares_dir: PathBuf,
}

impl LedgerBooks {
    /// `shares_dir`: the folder of the dumps.
    pub fn new(ledger: ShareLedger, chain: ChainHandle, shares_dir: PathBuf) -> Self {
        Self { ledger, chain, shares_dir }
    }

    fn block(&self, round: &Round) -> Result<Block, BooksError> {
        let height = round.height;
        let facts = self.chain.block_facts(height).map_err(failed)?;
        let facts = facts.ok_or_else(|| {
            BooksError(format!("the node does not have block {height} yet: wait until it is synced"))
        })?;
        Ok(Block {
            height,
            hash: round.hash.to_string(),
            previous_hash: facts.previous_hash.to_string(),
            timestamp: round.timestamp,
            proof_target: facts.proof_target,
            size: facts.size,
            // Which of the epoch's jobs it was is not stored: all have the same puzzle.
            job_id: job_id(round.epoch, 0),
            solutions: round.solutions.iter().map(solution).collect(),
        })
    }

    /// `None`: the dump is not written yet.
    fn dump(&self, round: &Round) -> Result<Option<Dump>, BooksError> {
        let summary = match read_summary(&self.shares_dir, round) {
            Ok(summary) => summary,
            Err(SummaryError::Missing { .. }) => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        // Dumps from before schemes existed have no rewards.
        let rewards = summary.accounts.into_iter().filter_map(|paid| {
            let AccountReward { account, reward } = paid;
            Some(Reward { account, amount: reward? })
        });
        Ok(Some(Dump { height: round.height, hash: round.hash.to_string(), rewards: rewards.collect() }))
    }
}

impl Books for LedgerBooks {
    fn life(&self) -> Result<Life, BooksError> {
        let number = self.ledger.restores().map_err(failed)?;
        Ok(Life { number, goes_on_after: self.ledger.restored_seq().map_err(failed)? })
    }

    fn stored(&self) -> Result<Option<(u64, u64)>, BooksError> {
        let first = self.ledger.shares_from().map_err(failed)?;
        let last = self.ledger.last_seq().map_err(failed)?;
        Ok((last > 0).then_some((first, last)))
    }

    fn shares(&self, first: u64, limit: usize) -> Result<Vec<Share>, BooksError> {
        let rows = self.ledger.shares(first, u64::MAX).take(limit);
        rows.map(|row| row.map(|(seq, stored)| share(seq, &stored)).map_err(failed)).collect()
    }

    fn blocks(&self, height: u32, limit: usize) -> Result<Vec<Block>, BooksError> {
        let rounds = self.ledger.rounds_above(height, limit).map_err(failed)?;
        rounds.iter().map(|round| self.block(round)).collect()
    }

    fn block_hash(&self, height: u32) -> Result<Option<String>, BooksError> {
        let round = self.ledger.round(height).map_err(failed)?;
        Ok(round.map(|round| round.hash.to_string()))
    }

    fn dumps(&self, height: u32, limit: usize) -> Result<Vec<Dump>, BooksError> {
        let rounds = self.ledger.rounds_above(height, limit).map_err(failed)?;
        let mut dumps = vec![];
        for round in &rounds {
            match self.dump(round) {
                Ok(Some(dump)) => dumps.push(dump),
                Ok(None) => break,
                Err(error) if dumps.is_empty() => return Err(error),
                // Those before it do not wait for it; the next call begins with it.
                Err(_) => break,
            }
        }
        Ok(dumps)
    }
}

fn share(seq: u64, stored: &records::Share) -> Share {
    let key = &stored.key;
    Share {
        seq,
        worker: stored.worker.clone(),
        target: stored.target,
        time_ms: stored.time_ms,
        mark: format!("{}:{}:{}", key.epoch, key.counter, stored.time_ms),
    }
}

fn solution(landed: &RoundSolution) -> Solution {
    Solution {
        id: landed.solution.id().to_string(),
        counter: landed.solution.counter,
        target: landed.solution.target,
        reward: landed.reward,
        finder: landed.finder.clone(),
    }
}

fn failed(error: impl std::fmt::Display) -> BooksError {
    BooksError(error.to_string())
}
