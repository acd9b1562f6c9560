//! How each part of the pool fares, in one word and one sentence that says what to do.
//!
//! The judgements are functions of values; [`HealthBoard`] keeps the latest, publishes it, and logs each
//! change once. [`run`] looks after the parts that do not report themselves: the chain, its peers and the
//! share ledger.

pub mod disk;
pub mod shares;
pub mod syncing;

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use tokio::{
    sync::watch,
    time::{Duration, Instant, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use self::syncing::{Progress, Syncing};
use crate::{
    accounting::withholding::{Finds, is_alarming},
    audit::report::percent,
    chain::{ChainHandle, ChainState, Peer},
    evaluator::EvaluatorStats,
    ledger::LedgerHealth,
    release::queue::{Status, Wait},
};

/// A part of the pool that reports. Each has one reporter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Whether the node follows the chain.
    Chain,
    /// Whether solutions would get through.
    Peers,
    /// Whether shares reach the disk.
    Ledger,
    /// Whether found solutions are on their way.
    Release,
    /// Whether blocks are accounted and dumped.
    Rounds,
    /// Whether shares are checked in time.
    Verification,
    /// Whether the copy of the books in Redis is complete.
    Redis,
    /// Whether the copy of the books in PostgreSQL is complete.
    Postgres,
    /// Whether shares are checked rightly: the sample that snarkVM checks again.
    Puzzle,
    /// Whether the sums of the share ledger are those of its shares.
    Books,
    /// Whether the accounts find what their work makes likely.
    Finds,
    /// Whether miners' shares come in.
    Shares,
    /// Whether there is room on the disk.
    Disk,
    /// Whether those who are to be told take the messages.
    Webhooks,
}

#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    #[default]
    Green,
    /// Works, but something is lost or soon will be.
    Amber,
    /// Unhealthy: does not do its work.
    Red,
}

/// What a part says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub level: Level,
    /// One word for machines; a change of level or reason is logged, a change of the text alone is not.
    pub reason: &'static str,
    /// For people: what is the matter, and what to do.
    pub text: String,
}

/// The latest report of each part that has reported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health(pub BTreeMap<Part, Report>);

/// Where the parts report and the API reads. Clones share one board.
#[derive(Clone, Debug, Default)]
pub struct HealthBoard(Arc<watch::Sender<Health>>);

/// Validators in step with us that the pool wants among its peers: one may fail, or lie.
pub const MIN_SYNCED_VALIDATORS: usize = 2;

/// How many blocks a peer's claimed height may differ from ours: claims come a moment later than blocks.
pub const HEIGHT_TOLERANCE: u32 = 2;

/// Accounts that a report on finds names at most.
const MAX_SUSPECTS: usize = 5;

/// A shortage of validators is reported when it has lasted this many looks, a second apart.
const PATIENCE: u32 = 5;

/// How often the log tells how the node catches up.
const SYNC_INTERVAL: Duration = Duration::from_secs(10);

impl Health {
    /// The worst level; green if nobody has reported.
    pub fn level(&self) -> Level {
        self.0.values().map(|report| report.level).max().unwrap_or(Level::Green)
    }
}

impl HealthBoard {
    /// Records what a part says of itself, and logs it if it is news.
    pub fn report(&self, part: Part, report: Report) {
        self.0.send_if_modified(|health| {
            let last = health.0.get(&part);
            if last == Some(&report) {
                return false;
            }
            if last.is_none_or(|last| (last.level, last.reason) != (report.level, report.reason)) {
                log(part, &report);
            }
            health.0.insert(part, report);
            true
        });
    }

    pub fn subscribe(&self) -> watch::Receiver<Health> {
        self.0.subscribe()
    }

    pub fn latest(&self) -> Health {
        self.0.borrow().clone()
    }
}

fn log(part: Part, report: &Report) {
    let Report { level, reason, text } = report;
    match level {
        Level::Green => tracing::info!(%part, reason, "healthy: {text}"),
        Level::Amber => tracing::warn!(%part, reason, "{text}"),
        Level::Red => tracing::error!(%part, reason, "{text}"),
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Chain => "chain",
            Self::Peers => "peers",
            Self::Ledger => "ledger",
            Self::Release => "release",
            Self::Rounds => "rounds",
            Self::Verification => "verification",
            Self::Redis => "redis",
            Self::Postgres => "postgres",
            Self::Puzzle => "puzzle",
            Self::Books => "books",
            Self::Finds => "finds",
            Self::Shares => "shares",
            Self::Disk => "disk",
            Self::Webhooks => "webhooks",
        })
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Green => "green",
            Self::Amber => "amber",
            Self::Red => "red",
        })
    }
}

impl Report {
    pub fn green(reason: &'static str, text: impl Into<String>) -> Self {
        Self { level: Level::Green, reason, text: text.into() }
    }

    pub fn amber(reason: &'static str, text: impl Into<String>) -> Self {
        Self { level: Level::Amber, reason, text: text.into() }
    }

    pub fn red(reason: &'static str, text: impl Into<String>) -> Self {
        Self { level: Level::Red, reason, text: text.into() }
    }
}

/// Judges the node's place on the chain. `progress`: how it catches up.
pub fn chain(state: &ChainState, progress: Option<&Progress>) -> Report {
    let Some(puzzle) = state.puzzle else {
        return Report::red("no_puzzle", "the node has no puzzle yet: wait until its ledger is loaded");
    };
    match (state.sync.synced, state.sync.behind) {
        (true, _) => Report::green("synced", format!("synced at height {}", puzzle.height)),
        (false, Some(behind)) => {
            let progress = match progress {
                Some(progress) => progress.to_string(),
                None => format!("height {}, {behind} blocks behind its peers", puzzle.height),
            };
            Report::red(
                "behind",
                format!(
                    "the node syncs ({progress}), and miners get no new job: wait, and if it does not catch up, check \
                     its disk and its connection"
                ),
            )
        }
        (false, None) => Report::red(
            "alone",
            format!(
                "the node is at height {}, no peer has told its height, and miners get no new job: \
                 check the network and the trusted peers (--peers)",
                puzzle.height
            ),
        ),
    }
}

/// How many of `peers` are validators in step with our `height`. A validator that has not told its height
/// does not count.
pub fn synced_validators(peers: &[Peer], height: u32) -> usize {
    let in_step = |peer: &&Peer| {
        peer.validator && peer.height.is_some_and(|claimed| claimed.abs_diff(height) <= HEIGHT_TOLERANCE)
    };
    peers.iter().filter(in_step).count()
}

/// Judges whether a find would get through.
pub fn peers(synced_validators: usize, connected: usize) -> Report {
    if synced_validators >= MIN_SYNCED_VALIDATORS {
        let text = format!("{synced_validators} synced validators among {connected} peers");
        return Report::green("enough_validators", text);
    }
    Report::red(
        "few_validators",
        format!(
            "{synced_validators} synced validators among {connected} peers, fewer than \
             {MIN_SYNCED_VALIDATORS}: add validators as trusted peers (--peers)"
        ),
    )
}

/// Judges the release queue. `unwritten`: why found solutions cannot be recorded.
pub fn release(status: &Status, unwritten: Option<&str>) -> Report {
    let waiting = |wait: Wait| status.waiting.get(&wait).copied().unwrap_or(0);
    if let Some(why) = unwritten {
        let text = format!(
            "found solutions go to the network but cannot be recorded ({why}): free disk space or mend the \
             data folder before a restart"
        );
        return Report::red("unwritten", text);
    }
    if waiting(Wait::NoPeer) > 0 {
        let text = format!(
            "{} solutions wait because no peer can be written to: check the network and the trusted peers \
             (--peers)",
            waiting(Wait::NoPeer)
        );
        return Report::red("no_peer", text);
    }
    if waiting(Wait::UnknownLimit) > 0 {
        let text = format!(
            "{} solutions wait because the stake limit cannot be read: check the node's ledger",
            waiting(Wait::UnknownLimit)
        );
        return Report::red("unknown_limit", text);
    }
    if waiting(Wait::StakeLimit) > 0 {
        let text = format!(
            "{} solutions are held because the pool address may land no more in this epoch: bond more stake \
             to it",
            waiting(Wait::StakeLimit)
        );
        return Report::amber("stake_limit", text);
    }
    if waiting(Wait::Pace) > 0 {
        let text = format!(
            "{} solutions wait for the next minute, since peers take no more at once: add peers if this lasts",
            waiting(Wait::Pace)
        );
        return Report::amber("pace", text);
    }
    let text = format!(
        "{} solutions on their way, {} held below the proof target, {} for a better one",
        status.released,
        waiting(Wait::ProofTarget),
        waiting(Wait::Better)
    );
    Report::green("flowing", text)
}

/// Judges the accounting of blocks: the height it has reached, the chain's, and what stops it.
pub fn rounds(scanned: u32, tip: u32, failure: Option<&str>) -> Report {
    if let Some(why) = failure {
        let text = format!(
            "blocks after {scanned} are not accounted yet ({why}): it is tried again; free disk space or \
             mend the data folder"
        );
        return Report::red("failing", text);
    }
    let behind = tip.saturating_sub(scanned);
    if behind > HEIGHT_TOLERANCE {
        return Report::amber("catching_up", format!("{behind} blocks left to account, at {scanned}"));
    }
    Report::green("accounted", format!("accounted up to height {scanned}"))
}

/// Judges the share ledger by its last write.
pub fn ledger(health: &LedgerHealth) -> Report {
    let LedgerHealth::Failing { reason } = health else {
        return Report::green("writing", "shares are written");
    };
    let text = format!(
        "shares cannot be written ({reason}) and are refused: free disk space or mend the data folder"
    );
    Report::red("failing", text)
}

/// Judges the sums of the ledger. `wrong`: what does not add up.
pub fn books(wrong: Option<&str>) -> Report {
    let Some(wrong) = wrong else {
        return Report::green("balanced", "accounts, shares and rounds add up");
    };
    let text =
        format!("the sums of the share ledger are wrong ({wrong}): pay nothing out and restore a backup");
    Report::red("unbalanced", text)
}

/// Judges what the accounts found. `finds`: the least likely first; `effort`: of the open round, in
/// thousandths. Nobody is punished for it: the operator looks.
pub fn finds(finds: &[Finds], effort: Option<u64>) -> Report {
    let effort = effort.map_or("unknown".to_owned(), percent);
    if !is_alarming(finds) {
        let text =
            format!("{} accounts find what is likely; effort of the open round: {effort}", finds.len());
        return Report::green("likely", text);
    }
    let named = finds.iter().filter(|finds| finds.is_suspect()).take(MAX_SUSPECTS).map(|finds| {
        let account = finds.account.escape_debug();
        format!("'{account}' found {} of {:.1} expected", finds.found, finds.expected)
    });
    let named: Vec<String> = named.collect();
    let text = format!(
        "{}: they may keep solutions back; look at these accounts (effort of the open round: {effort})",
        named.join(", ")
    );
    Report::amber("withholding", text)
}

/// Judges the verification queue by how full it is.
pub fn verification(waiting: usize, capacity: usize) -> Report {
    if waiting >= capacity {
        let text = format!("{waiting} shares wait and more are refused: raise the share target or add cores");
        return Report::red("full", text);
    }
    if waiting > capacity / 2 {
        let text = format!("{waiting} of {capacity} places taken: raise the share target or add cores");
        return Report::amber("filling", text);
    }
    Report::green("keeping_up", format!("{waiting} shares wait"))
}

/// Judges the puzzle's evaluator. A wrong answer is not forgotten before a restart: shares may have been credited
/// or refused wrongly.
pub fn puzzle(stats: &EvaluatorStats) -> Report {
    let EvaluatorStats { checked, wrong, distrusted_epochs, fallback_now, .. } = *stats;
    if wrong > 0 {
        let text = format!(
            "{wrong} of {checked} answers of the native puzzle that snarkvm checked were wrong, in \
             {distrusted_epochs} epochs, which snarkvm verifies from then on, slowly: report the values in the log \
             (\"the native puzzle was wrong\") and restart with --puzzle stock"
        );
        return Report::red("wrong", text);
    }
    if fallback_now {
        let text = "this epoch's puzzle has no native form, and snarkvm verifies its shares, a few a second: raise \
                    the share target until the next epoch, and look for a new version of the pool";
        return Report::amber("fallback", text);
    }
    Report::green("exact", format!("of {checked} answers that snarkvm checked none was wrong"))
}

/// How the node catches up, while it does.
fn progress(syncing: &mut Syncing, state: &ChainState, now: Duration) -> Option<Progress> {
    let behind = state.sync.behind.filter(|_| !state.sync.synced);
    match (state.puzzle, behind) {
        (Some(puzzle), Some(behind)) => Some(syncing.look(puzzle.height, behind, now)),
        _ => {
            syncing.forget();
            None
        }
    }
}

/// Reports on the chain, its peers and the share ledger each second, until `stop`.
pub async fn run(
    chain_handle: ChainHandle,
    state: watch::Receiver<ChainState>,
    ledger_health: watch::Receiver<LedgerHealth>,
    board: HealthBoard,
    stop: CancellationToken,
) {
    let mut looks = interval(Duration::from_secs(1));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut syncing, started, mut looks_short, mut told) = (Syncing::default(), Instant::now(), 0, None);
    while stop.run_until_cancelled(looks.tick()).await.is_some() {
        let latest = *state.borrow();
        let progress = progress(&mut syncing, &latest, started.elapsed());
        board.report(Part::Chain, chain(&latest, progress.as_ref()));
        if let Some(progress) = progress
            && told.is_none_or(|told: Instant| told.elapsed() >= SYNC_INTERVAL)
        {
            told = Some(Instant::now());
            tracing::info!("the node syncs: {progress}");
        }
        board.report(Part::Ledger, ledger(&ledger_health.borrow()));
        if chain_handle.in_consensus() {
            let text = "the node is a validator: a find enters its own proposals";
            board.report(Part::Peers, Report::green("own_consensus", text));
            continue;
        }
        let connected = chain_handle.peers();
        let height = latest.puzzle.map_or(0, |puzzle| puzzle.height);
        let validators = synced_validators(&connected, height);
        looks_short = if validators < MIN_SYNCED_VALIDATORS { looks_short + 1 } else { 0 };
        if looks_short == 0 || looks_short >= PATIENCE {
            board.report(Part::Peers, peers(validators, connected.len()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::chain::{Chain, SyncState, sim::SimChain};

    fn validator(port: u16, height: Option<u32>) -> Peer {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        Peer { address, validator: true, trusted: true, height }
    }

    #[test]
    fn only_validators_in_step_with_us_count() {
        let client = Peer { validator: false, ..validator(1, Some(10)) };
        let all = [client, validator(2, Some(8)), validator(3, Some(12)), validator(4, Some(13))];
        assert_eq!(synced_validators(&all, 10), 2);
        assert_eq!(synced_validators(&[validator(1, Some(7)), validator(2, None)], 10), 0);
    }

    #[test]
    fn fewer_than_two_synced_validators_is_unhealthy() {
        assert_eq!(peers(2, 5).level, Level::Green);
        assert_eq!(peers(1, 5).level, Level::Red);
        assert_eq!(peers(0, 0).level, Level::Red);
    }

    #[test]
    fn a_node_that_does_not_follow_the_chain_says_why() {
        let puzzle = Some(SimChain::new().puzzle().unwrap());
        let judged = |synced, behind| chain(&ChainState { puzzle, sync: SyncState { synced, behind } }, None);
        assert_eq!(judged(true, Some(0)).level, Level::Green);
        assert_eq!(judged(false, Some(9)).reason, "behind");
        assert!(judged(false, Some(9)).text.contains("9 blocks behind"));
        assert_eq!(judged(false, None).reason, "alone");
        assert_eq!(chain(&ChainState::default(), None).reason, "no_puzzle");
    }

    #[test]
    fn the_release_queue_names_its_worst_trouble() {
        let judged = |waiting: &[(Wait, usize)], unwritten| {
            let status = Status { released: 1, waiting: waiting.iter().copied().collect() };
            release(&status, unwritten)
        };
        assert_eq!(judged(&[], None).reason, "flowing");
        assert_eq!(judged(&[(Wait::ProofTarget, 3), (Wait::Epoch, 1)], None).level, Level::Green);
        let held = judged(&[(Wait::StakeLimit, 3), (Wait::Pace, 1)], None);
        assert_eq!((held.level, held.reason), (Level::Amber, "stake_limit"));
        assert!(held.text.starts_with("3 solutions are held"));
        assert_eq!(judged(&[(Wait::StakeLimit, 1), (Wait::NoPeer, 1)], None).reason, "no_peer");
        assert_eq!(judged(&[(Wait::NoPeer, 1)], Some("disk full")).reason, "unwritten");
    }

    #[test]
    fn verification_and_rounds_are_judged_by_how_far_they_are_behind() {
        assert_eq!(verification(50, 100).level, Level::Green);
        assert_eq!(verification(51, 100).level, Level::Amber);
        assert_eq!(verification(100, 100).level, Level::Red);
        assert_eq!(rounds(8, 10, None).level, Level::Green);
        assert_eq!(rounds(7, 10, None).level, Level::Amber);
        assert_eq!(rounds(10, 10, Some("disk full")).level, Level::Red);
    }

    #[test]
    fn the_puzzle_is_red_after_a_wrong_answer_and_amber_while_it_is_slow() {
        let right = EvaluatorStats { checked: 7, fallback_epochs: 1, ..EvaluatorStats::default() };
        assert_eq!(puzzle(&right).level, Level::Green);
        let slow = EvaluatorStats { fallback_now: true, ..right };
        assert_eq!((puzzle(&slow).level, puzzle(&slow).reason), (Level::Amber, "fallback"));
        let wrong = EvaluatorStats { wrong: 1, distrusted_epochs: 1, ..slow };
        assert_eq!((puzzle(&wrong).level, puzzle(&wrong).reason), (Level::Red, "wrong"));
        assert!(puzzle(&wrong).text.starts_with("1 of 7 answers"));
    }

    #[test]
    fn the_worst_part_is_the_pools_level() {
        let board = HealthBoard::default();
        assert_eq!(board.latest().level(), Level::Green);
        board.report(Part::Ledger, ledger(&LedgerHealth::Ok));
        board.report(Part::Peers, peers(0, 0));
        board.report(Part::Verification, verification(60, 100));
        assert_eq!(board.latest().level(), Level::Red);
    }

    #[test]
    fn the_same_report_twice_is_no_change() {
        let board = HealthBoard::default();
        board.report(Part::Ledger, ledger(&LedgerHealth::Ok));
        let mut changes = board.subscribe();
        board.report(Part::Ledger, ledger(&LedgerHealth::Ok));
        assert!(!changes.has_changed().unwrap());
        let reason = "disk full".to_owned();
        board.report(Part::Ledger, ledger(&LedgerHealth::Failing { reason }));
        assert!(changes.has_changed().unwrap());
        changes.mark_unchanged();
    }

    #[tokio::test(start_paused = true)]
    async fn a_lasting_shortage_of_validators_is_reported_and_its_end_at_once() {
        let sim = SimChain::new();
        let ours = sim.connect_validator(1);
        sim.connect_validator(2);
        let state = ChainState { puzzle: Some(sim.puzzle().unwrap()), sync: sim.sync() };
        let (_sender, receiver) = watch::channel(state);
        let (_ledger, ledger_health) = watch::channel(LedgerHealth::Ok);
        let (board, stop) = (HealthBoard::default(), CancellationToken::new());
        let task = tokio::spawn(run(sim.clone(), receiver, ledger_health, board.clone(), stop.clone()));
        let level = || board.latest().0.get(&Part::Peers).map(|report| report.level);

        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(level(), Some(Level::Green));
        sim.disconnect(ours);
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(level(), Some(Level::Green));
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(level(), Some(Level::Red));
        sim.connect_validator(3);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(level(), Some(Level::Green));
        stop.cancel();
        task.await.unwrap();
    }
}
