//! Reads every block once and in order, has the ledger apply it, and writes the dump of a closed round.
//!
//! Nothing is skipped: a block that cannot be read or applied is retried until it is, and later ones wait for
//! it; a dump that cannot be written is retried while blocks go on. The next start does what a stop
//! interrupted.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::PathBuf,
};

use pool_core::{
    accounting::terms::Rules,
    chain::{Block, ChainHandle, Puzzle},
    health::{HealthBoard, Part},
    types::{Address, Settled, SolutionId, epoch_of_block},
};
use tokio::{
    sync::{mpsc, watch},
    time::{Duration, sleep},
};
use tokio_util::sync::CancellationToken;

use super::{
    health,
    outcome::{Clues, outcome},
};
use crate::{
    books::dump,
    ledger::{
        ReadError, ShareLedger,
        records::{BlockOutcome, DumpMark, Round, SolutionRecord},
    },
};

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// While catching up, the height is written once in so many blocks without anything of ours: reading one
/// twice after a restart costs less than a synced write for each.
const SAVE_EVERY: u32 = 1000;

/// Why a step was not finished; the text is that of the cause.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct TrackerFailure(String);

/// The settings of the accounting.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The prover addresses that are ours.
    pub addresses: HashSet<Address>,
    /// The folder of the dumps.
    pub shares_dir: PathBuf,
    /// The rules for future shares.
    pub rules: Rules,
}

/// Accounts blocks until `stop`. `settled` reports finished solutions to the release queue.
pub async fn run(
    chain: ChainHandle,
    setup: Setup,
    ledger: ShareLedger,
    settled: mpsc::UnboundedSender<Settled>,
    health: HealthBoard,
    stop: CancellationToken,
) {
    let mut blocks = chain.subscribe_blocks();
    let mut tracker = Tracker {
        chain,
        setup,
        ledger,
        settled,
        stop: stop.clone(),
        progress: None,
        settled_to: None,
        dumps_checked: false,
        undumped: BTreeMap::new(),
    };
    let mut pause = FIRST_PAUSE;
    let mut trouble_before = None;
    loop {
        blocks.mark_unchanged();
        let trouble = tracker.step().await.err().map(|trouble| trouble.0);
        if trouble.is_some() {
            tracker.tell_queue_ahead();
        }
        if trouble.is_some() && trouble != trouble_before {
            tracing::error!(error = trouble, "could not account blocks; retrying");
        }
        tracker.report(&health, *blocks.borrow(), trouble.as_deref());
        let wake = async {
            if trouble.is_some() {
                return sleep(pause).await;
            }
            wait_for_block(&mut blocks).await;
        };
        if stop.run_until_cancelled(wake).await.is_none() {
            return;
        }
        pause = if trouble.is_some() { (2 * pause).min(LONGEST_PAUSE) } else { FIRST_PAUSE };
        trouble_before = trouble;
    }
}

async fn wait_for_block(blocks: &mut watch::Receiver<u32>) {
    if blocks.changed().await.is_err() {
        // The node is gone, and no block will come.
        std::future::pending::<()>().await;
    }
}

struct Tracker {
    chain: ChainHandle,
    setup: Setup,
    ledger: ShareLedger,
    settled: mpsc::UnboundedSender<Settled>,
    stop: CancellationToken,
    /// `None` until read from the ledger.
    progress: Option<Progress>,
    /// The release queue knows the blocks up to here, though they are not accounted.
    settled_to: Option<u32>,
    /// Whether the dumps of earlier runs' rounds exist.
    dumps_checked: bool,
    /// Closed rounds without a dump, by height.
    undumped: BTreeMap<u32, Round>,
}

#[derive(Clone, Copy, Debug)]
struct Progress {
    scanned: u32,
    /// The height in the ledger: at most `scanned`.
    saved: u32,
    /// Solutions of epochs before this have been expired.
    open_epoch: Option<u32>,
    /// The latest block whose proof target is known: the next block requires it.
    tip: Option<(u32, u64)>,
}

impl Tracker {
    /// Does everything that can be done now.
    async fn step(&mut self) -> Result<(), TrackerFailure> {
        let scanned = self.scan().await;
        let dumped = self.dump_all().await;
        scanned.and(dumped)
    }

    async fn scan(&mut self) -> Result<(), TrackerFailure> {
        let mut progress = match self.progress {
            Some(progress) => progress,
            None => self.begin().await?,
        };
        let result = self.scan_from(&mut progress).await;
        self.progress = Some(progress);
        result
    }

    /// Where to continue. The first start begins at the tip: nothing before it can be ours.
    async fn begin(&mut self) -> Result<Progress, TrackerFailure> {
        // An address that is no longer configured may still land what it had released.
        let open = self.ledger.open_solutions().map_err(trouble)?;
        self.setup.addresses.extend(open.iter().map(|record| record.solution.address));
        let terms = self.ledger.set_rules(self.setup.rules.clone()).await.map_err(trouble)?;
        tracing::info!(rules = %terms.rules, since_seq = terms.since_seq, "payout scheme");
        let scanned = match self.ledger.scanned_height().map_err(trouble)? {
            Some(scanned) => scanned,
            None => {
                let tip = self.chain.puzzle().map_err(trouble)?.height;
                self.ledger.set_scanned_height(tip).await.map_err(trouble)?;
                tracing::info!(height = tip, "first start: accounting blocks from here on");
                tip
            }
        };
        Ok(Progress { scanned, saved: scanned, open_epoch: None, tip: None })
    }

    async fn scan_from(&mut self, progress: &mut Progress) -> Result<(), TrackerFailure> {
        while let Some(block) = self.chain.block(progress.scanned + 1).map_err(trouble)? {
            if self.stop.is_cancelled() {
                break;
            }
            let puzzle = self.chain.puzzle().map_err(trouble)?;
            self.apply(&block, &puzzle, progress).await?;
            progress.tip = (puzzle.height == block.height).then_some((puzzle.height, puzzle.proof_target));
        }
        self.save(progress).await
    }

    async fn apply(
        &mut self,
        block: &Block,
        puzzle: &Puzzle,
        progress: &mut Progress,
    ) -> Result<(), TrackerFailure> {
        self.tell_queue(block);
        let known = self.known_aborted(block).map_err(trouble)?;
        let outcome = outcome(block, &self.setup.addresses, &known, &self.clues(block, puzzle, progress));
        if !means_something(&outcome, progress) {
            progress.scanned = block.height;
            if progress.scanned - progress.saved >= SAVE_EVERY {
                self.save(progress).await?;
            }
            return Ok(());
        }
        for (id, inferred) in &outcome.aborted {
            tracing::warn!(%id, height = block.height, inferred, "solution aborted");
        }
        let open_epoch = outcome.open_epoch;
        let round = self.ledger.apply_block(outcome).await.map_err(trouble)?;
        progress.scanned = block.height;
        progress.saved = block.height;
        progress.open_epoch = Some(open_epoch);
        if let Some(round) = round {
            self.undumped.insert(round.height, round);
            // A failing dump must not delay the blocks: it is retried after them.
            let _ = self.dump_all().await;
        }
        Ok(())
    }

    /// Done whether or not the ledger can be written: the chain has decided.
    fn tell_queue(&self, block: &Block) {
        let ours = block.solutions.iter().filter(|one| self.setup.addresses.contains(&one.solution.address));
        let landed = ours.map(|one| one.solution.id());
        let epoch = epoch_of_block(block.height);
        for id in landed.chain(block.aborted.iter().copied()) {
            // No receiver: the queue has stopped, or never ran.
            let _ = self.settled.send(Settled { id, epoch });
        }
    }

    /// The blocks after one that cannot be accounted: what they settle holds no place in the stake limit any
    /// more.
    fn tell_queue_ahead(&mut self) {
        let start = match (self.settled_to, self.progress) {
            (settled_to, Some(progress)) => settled_to.unwrap_or(0).max(progress.scanned),
            (Some(settled_to), None) => settled_to,
            // A new reader gets earlier landings from the chain.
            (None, None) => match self.chain.puzzle() {
                Ok(puzzle) => puzzle.height,
                Err(_) => return,
            },
        };
        let mut settled_to = start;
        while let Ok(Some(block)) = self.chain.block(settled_to.saturating_add(1)) {
            self.tell_queue(&block);
            settled_to = block.height;
        }
        self.settled_to = Some(settled_to);
    }

    fn known_aborted(&self, block: &Block) -> Result<HashMap<SolutionId, SolutionRecord>, ReadError> {
        let known = |id: &SolutionId| Ok(self.ledger.known_solution(*id)?.map(|record| (*id, record)));
        block.aborted.iter().filter_map(|id| known(id).transpose()).collect()
    }

    fn clues(&self, block: &Block, puzzle: &Puzzle, progress: &Progress) -> Clues {
        let before = progress.tip.filter(|(height, _)| height + 1 == block.height);
        let mut left = HashMap::new();
        // The stake limit is the current epoch's; the first block of an epoch still counts for the previous
        // one.
        if epoch_of_block(block.height) == puzzle.epoch && !block.aborted.is_empty() {
            let known = |address: &Address| Some((*address, self.chain.solutions_left(address).ok()?));
            left.extend(self.setup.addresses.iter().filter_map(known));
        }
        Clues { proof_target: before.map(|(_, proof_target)| proof_target), left }
    }

    async fn save(&self, progress: &mut Progress) -> Result<(), TrackerFailure> {
        if progress.saved < progress.scanned {
            self.ledger.set_scanned_height(progress.scanned).await.map_err(trouble)?;
            progress.saved = progress.scanned;
        }
        Ok(())
    }

    async fn dump_all(&mut self) -> Result<(), TrackerFailure> {
        if !self.dumps_checked {
            self.check_dumps().await?;
        }
        while let Some((height, round)) = self.undumped.pop_first() {
            if let Err(trouble) = self.dump(&round).await {
                self.undumped.insert(height, round);
                return Err(trouble);
            }
        }
        Ok(())
    }

    /// The dumps that an earlier run did not write.
    async fn check_dumps(&mut self) -> Result<(), TrackerFailure> {
        let (ledger, dir, network) =
            (self.ledger.clone(), self.setup.shares_dir.clone(), self.chain.network());
        let checked = blocking(move || dump::write_missing(&ledger, &dir, network)).await?;
        let repaired = checked.map_err(trouble)?;
        self.record(repaired.marks).await?;
        for path in &repaired.written {
            tracing::info!(path = %path.display(), "wrote a missing share dump");
        }
        for path in &repaired.replaced {
            tracing::warn!(path = %path.display(), "replaced a share dump: it differed from the database");
        }
        for (height, _) in &repaired.failed {
            if let Some(round) = self.ledger.round(*height).map_err(trouble)? {
                self.undumped.insert(*height, round);
            }
        }
        self.dumps_checked = true;
        Ok(())
    }

    async fn dump(&self, round: &Round) -> Result<(), TrackerFailure> {
        let (ledger, dir, network) =
            (self.ledger.clone(), self.setup.shares_dir.clone(), self.chain.network());
        let of = round.clone();
        let written = blocking(move || dump::write(&dir, &ledger, &of, network)).await?;
        let written = written.map_err(trouble)?;
        self.record(written.marks).await?;
        announce(round, &written.path);
        Ok(())
    }

    async fn record(&self, marks: Vec<(u32, DumpMark)>) -> Result<(), TrackerFailure> {
        for (height, mark) in marks {
            self.ledger.record_dump(height, mark).await.map_err(trouble)?;
        }
        Ok(())
    }

    fn report(&self, board: &HealthBoard, tip: u32, trouble: Option<&str>) {
        let scanned = self.progress.map_or(0, |progress| progress.scanned);
        board.report(Part::Rounds, health::rounds(scanned, tip, trouble));
    }
}

/// Whether the ledger needs the block: it holds a solution of ours, or an epoch may have ended.
fn means_something(outcome: &BlockOutcome, progress: &Progress) -> bool {
    let idle = outcome.landed.is_empty() && outcome.aborted.is_empty();
    !idle || progress.open_epoch != Some(outcome.open_epoch)
}

fn announce(round: &Round, path: &std::path::Path) {
    let reward: u128 = round.solutions.iter().map(|solution| u128::from(solution.reward)).sum();
    tracing::info!(
        path = %path.display(),
        height = round.height,
        reward,
        solutions = round.solutions.len(),
        shares = (round.last_seq + 1).saturating_sub(round.first_seq),
        "found a block of ours: wrote its share dump"
    );
}

fn trouble(error: impl std::fmt::Display) -> TrackerFailure {
    TrackerFailure(error.to_string())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, TrackerFailure> {
    tokio::task::spawn_blocking(work).await.map_err(trouble)
}
