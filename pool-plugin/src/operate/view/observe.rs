//! From the parts of the pool to a [`Snapshot`], once a second.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use pool_core::{
    accounting::luck::effort_permille,
    chain::{
        Activation, ChainState, Protocol, SyncState, following::NewerVersion, health::synced_validators,
    },
    evaluator::EvaluatorStats,
    health::Part,
    reject::RejectCode,
    types::{BLOCKS_PER_EPOCH, unix_seconds},
};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{
    AccountView, ActivationView, BansView, BudgetView, ChainView, DiskView, EvaluatorView, FeeView, LuckView,
    NewerVersionView, OpenRoundView, PoolView, PortView, SessionsView, SharesView, Snapshot, SolutionCounts,
    Sources, VerificationView, View, WebhooksView, WorkerShares, WorkerView, decimal::effort, health,
    metrics, rewards::RewardBook, round::OpenRound,
};
use crate::{
    ledger::{
        ReadError,
        records::{Round, SolutionRecord, SolutionState},
    },
    operate::webhooks,
    release::budget::Budget,
    stratum::{guard::gate::BanCounts, wire::dialects::Dialect, workers::Overview},
    verify::verifier,
};

const INTERVAL: Duration = Duration::from_secs(1);
/// The interval for what costs more: budgets, bans, payments.
const SLOWLY: Duration = Duration::from_secs(5);
/// The totals of all workers ever are read so rarely that it takes a hundredth of the time.
const TOTALS_PAUSE: u32 = 100;
/// The most solutions that are kept, the last found ones.
const MOST_SOLUTIONS: usize = 50_000;

/// Keeps `view` current until `stop`.
pub(crate) async fn run(view: View, stop: CancellationToken) {
    let mut looks = interval(INTERVAL);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut observer = Observer::default();
    while stop.run_until_cancelled(looks.tick()).await.is_some() {
        let view = view.clone();
        let looked = tokio::task::spawn_blocking(move || {
            observer.look(&view);
            observer
        });
        let Ok(kept) = looked.await else { return };
        observer = kept;
    }
}

/// What is kept between observations.
#[derive(Default)]
struct Observer {
    verified: Option<(Instant, u64)>,
    slowly: Option<Instant>,
    budgets: Vec<BudgetView>,
    bans: BansView,
    disk: DiskView,
    totals_due: Option<Instant>,
    totals: HashMap<String, Total>,
    round: OpenRound,
    last_round: Option<Round>,
    solutions: Solutions,
}

/// The work of an account since the database was created.
#[derive(Clone, Copy, Debug, Default)]
struct Total {
    shares: u64,
    credit: u128,
}

impl Observer {
    fn look(&mut self, view: &View) {
        let Some(parts) = view.0.parts.get() else { return };
        // The ledger reports its own failures; what could not be read stays as it was.
        let read = self.read(view);
        if let Err(error) = read {
            tracing::debug!(%error, "could not read the ledger");
        }
        if is_due(&mut self.slowly, SLOWLY) {
            self.look_slowly(view, parts);
        }
        let overview = parts.server.workers.overview(unix_seconds());
        let workers: Vec<WorkerView> = overview.workers.iter().map(WorkerView::from).collect();
        let snapshot = Snapshot {
            pool: self.pool(view, parts, &overview),
            budgets: self.budgets.clone(),
            accounts: self.accounts(view, &overview, &workers),
            workers,
            solutions: self.solutions.records.clone(),
        };
        metrics::publish(&snapshot, &view.health());
        view.0.latest.send_replace(Arc::new(snapshot));
    }

    fn read(&mut self, view: &View) -> Result<(), ReadError> {
        let ledger = &view.0.ledger;
        self.last_round = ledger.round_before(u32::MAX)?;
        self.round.follow(ledger, self.last_round.as_ref().map_or(0, |round| round.last_seq))?;
        self.solutions.follow(view, self.last_round.as_ref().map(|round| round.height))?;
        let started = Instant::now();
        if self.totals_due.is_none_or(|due| due <= started) {
            let mut totals: HashMap<String, Total> = HashMap::new();
            for total in ledger.totals()? {
                let sum = totals.entry(total.worker.account).or_default();
                sum.shares = sum.shares.saturating_add(total.shares);
                sum.credit = sum.credit.saturating_add(total.credit);
            }
            self.totals = totals;
            self.totals_due = Some(started + started.elapsed() * TOTALS_PAUSE);
        }
        let waits_for = RewardBook::follow(&view.0.rewards, ledger, &view.shares_dir())?;
        view.0.board.report(Part::Rewards, health::rewards(waits_for.as_ref()));
        Ok(())
    }

    fn look_slowly(&mut self, view: &View, parts: &Sources) {
        let BanCounts { now, addresses, workers, by_operator } = parts.server.accept.gate.ban_counts();
        self.bans = BansView { now: now as u64, addresses, workers, by_operator };
        self.disk = disk_view(view);
        view.0.payments.write().follow(&view.0.config.data.join("payments.json"));
        if let Some(chain) = view.0.chain.get() {
            // The reader of the budgets for the log reports failures.
            let read = |address| {
                Budget::read(&**chain, address).ok().map(|budget| BudgetView::new(address, &budget))
            };
            self.budgets = view.0.config.addresses.iter().filter_map(read).collect();
        }
    }

    fn pool(&mut self, view: &View, parts: &Sources, overview: &Overview) -> PoolView {
        let (config, server) = (parts.live.now(), &parts.server);
        let state = *parts.state.borrow();
        let stats = parts.server.stats.snapshot();
        let mut miners: Vec<&str> = vec![];
        let online = || overview.workers.iter().filter(|status| status.online > 0);
        miners.extend(online().map(|status| status.worker.account.as_str()));
        // They come sorted by account.
        miners.dedup();
        let refused =
            RejectCode::ALL.iter().map(|code| (code.label().to_owned(), stats.rejected_with(*code)));
        let sessions = parts.server.stats.session_counts.counts().into_iter().filter(|count| count.total > 0);
        PoolView {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            network: view.0.network.name().to_owned(),
            addresses: config.addresses.iter().map(ToString::to_string).collect(),
            time: unix_seconds(),
            uptime_seconds: server.now().as_secs(),
            level: view.0.board.latest().level(),
            draining: parts.server.stop().is_cancelled(),
            chain: chain_view(view, &state),
            rates: overview.pool,
            miners: miners.len() as u64,
            workers: online().count() as u64,
            connections: stats.connections as u64,
            sessions: sessions
                .map(|count| SessionsView {
                    dialect: count.dialect.name().to_owned(),
                    state: count.state.label().to_owned(),
                    now: count.now,
                    total: count.total,
                })
                .collect(),
            shares: SharesView {
                accepted: stats.accepted,
                refused: refused.collect(),
                epoch_ended: stats.epoch_ended,
                garbage: stats.garbage,
                turned_away: stats.turned_away,
            },
            round: self.open_round(&state),
            luck: luck_view(view),
            verification: self.verification(view, parts),
            evaluator: evaluator_view(view, parts.evaluator.stats()),
            solutions: self.solutions.counts,
            blocks: view.0.rewards.read().blocks(),
            bans: self.bans,
            disk: self.disk,
            restarts: parts
                .restarts
                .by_part()
                .into_iter()
                .map(|(part, count)| (part.to_owned(), count))
                .collect(),
            webhooks: webhooks_view(&parts.webhooks),
            scheme: config.rules.scheme.to_string(),
            fees: config
                .rules
                .fees
                .iter()
                .map(|fee| FeeView { account: fee.account.clone(), basis_points: fee.basis_points })
                .collect(),
            ports: port_views(view),
        }
    }

    fn open_round(&self, state: &ChainState) -> OpenRoundView {
        let proof_target = state.puzzle.map_or(0, |puzzle| puzzle.proof_target);
        OpenRoundView {
            since_height: self.last_round.as_ref().map(|round| round.height),
            since: self.last_round.as_ref().map(|round| round.timestamp),
            shares: self.round.shares,
            work: self.round.work.into(),
            effort: effort_permille(self.round.work, proof_target, 1).map(effort),
        }
    }

    fn verification(&mut self, view: &View, parts: &Sources) -> VerificationView {
        let (verifier, now) = (parts.intake.verifier(), Instant::now());
        let verified = verifier.verified();
        let (then, before) = self.verified.replace((now, verified)).unwrap_or((now, verified));
        let seconds = now.saturating_duration_since(then).as_secs_f64();
        VerificationView {
            queued: verifier.queued() as u64,
            capacity: verifier::CAPACITY as u64,
            threads: view.0.config.verify_threads as u64,
            verified,
            per_second: if seconds > 0.0 { (verified - before) as f64 / seconds } else { 0.0 },
            panicked: verifier.panicked(),
            brake_doublings: parts.server.brake(),
        }
    }

    /// Every account with work or a connection, by name.
    fn accounts(&self, view: &View, overview: &Overview, workers: &[WorkerView]) -> Vec<AccountView> {
        let mut accounts: BTreeMap<&str, AccountView> = BTreeMap::new();
        for worker in workers {
            let account = accounts.entry(&worker.account).or_default();
            account.workers += 1;
            account.online += u64::from(worker.online > 0);
            account.last_share = account.last_share.max(worker.last_share);
            add(&mut account.shares, &worker.shares);
        }
        let rewards = view.0.rewards.read();
        for name in self.totals.keys().chain(rewards.sums().map(|(name, _)| name)) {
            accounts.entry(name).or_default();
        }
        let payments = view.0.payments.read();
        let fill = |(name, mut account): (&str, AccountView)| {
            let total = self.totals.get(name).copied().unwrap_or_default();
            account.account = name.to_owned();
            account.rates = overview.accounts.get(name).copied().unwrap_or_default();
            (account.total_shares, account.credited) = (total.shares, total.credit.into());
            account.rewards = rewards.sum(name).into();
            account.paid = payments.of(name).map(Into::into);
            account
        };
        accounts.into_iter().map(fill).collect()
    }
}

/// The solutions, read again when something has changed.
#[derive(Default)]
struct Solutions {
    mark: Option<Mark>,
    records: Arc<Vec<SolutionRecord>>,
    counts: SolutionCounts,
}

/// Changes with every change of a solution: the open ones, and our last block.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mark {
    height: Option<u32>,
    /// The number of open solutions, and of those the released ones.
    open: (usize, usize),
    /// The sum of their ids.
    ids: u64,
}

impl Solutions {
    fn follow(&mut self, view: &View, height: Option<u32>) -> Result<(), ReadError> {
        let open = view.0.ledger.open_solutions()?;
        let released = open.iter().filter(|record| record.state == SolutionState::Released).count();
        let ids = open.iter().fold(0u64, |sum, record| sum.wrapping_add(record.solution.id().0));
        let mark = Mark { height, open: (open.len(), released), ids };
        if self.mark.as_ref() == Some(&mark) {
            return Ok(());
        }
        let mut records = view.0.ledger.solutions()?;
        self.counts = count(&records);
        records.sort_unstable_by_key(|record| std::cmp::Reverse(super::pages::solution_key(record)));
        records.truncate(MOST_SOLUTIONS);
        self.records = Arc::new(records);
        self.mark = Some(mark);
        Ok(())
    }
}

fn count(records: &[SolutionRecord]) -> SolutionCounts {
    let mut counts = SolutionCounts { found: records.len() as u64, ..SolutionCounts::default() };
    for record in records {
        *match record.state {
            SolutionState::Found => &mut counts.waiting,
            SolutionState::Released => &mut counts.released,
            SolutionState::Landed { .. } => &mut counts.landed,
            SolutionState::Aborted { .. } => &mut counts.aborted,
            SolutionState::Expired => &mut counts.expired,
        } += 1;
    }
    counts
}

fn chain_view(view: &View, state: &ChainState) -> ChainView {
    let peers = view.peers();
    let SyncState { following, since, behind, access, newer, announced } = state.sync;
    let Protocol { release, known, consensus_version, next } = view.protocol();
    let chain = ChainView {
        synced: state.sync.synced(),
        following: following.name().to_owned(),
        following_since: since,
        behind,
        access: access.name().to_owned(),
        peers: peers.len() as u64,
        release: release.to_owned(),
        consensus_version,
        known_version: known.consensus_version,
        next_activation: next.map(|Activation { version, height, expected }| ActivationView {
            version,
            height,
            expected,
        }),
        newer_version: newer.map(|NewerVersion { version, height, since }| NewerVersionView {
            version,
            height,
            since,
        }),
        announced_version: announced,
        ..ChainView::default()
    };
    let Some(puzzle) = state.puzzle else { return chain };
    ChainView {
        height: Some(puzzle.height),
        epoch: Some(puzzle.epoch),
        epoch_hash: Some(puzzle.epoch_hash.to_string()),
        job_epoch: Some(puzzle.mined_epoch().number),
        job_epoch_hash: Some(puzzle.mined_epoch().hash.to_string()),
        blocks_left: Some(BLOCKS_PER_EPOCH - puzzle.height % BLOCKS_PER_EPOCH),
        proof_target: Some(puzzle.proof_target.into()),
        coinbase_target: Some(puzzle.coinbase_target.into()),
        synced_validators: synced_validators(&peers, puzzle.height) as u64,
        ..chain
    }
}

/// The file system that holds the pool's data.
fn disk_view(view: &View) -> DiskView {
    let read = rustix::fs::statvfs(&view.0.config.data);
    read.map_or_else(
        |_| DiskView::default(),
        |disk| DiskView {
            free_bytes: disk.f_bavail.saturating_mul(disk.f_frsize),
            size_bytes: disk.f_blocks.saturating_mul(disk.f_frsize),
        },
    )
}

fn luck_view(view: &View) -> LuckView {
    let (blocks, permille) = view.0.rewards.read().luck();
    LuckView { blocks: blocks as u64, effort: permille.map(effort) }
}

fn evaluator_view(view: &View, stats: EvaluatorStats) -> EvaluatorView {
    EvaluatorView {
        kind: view.0.config.puzzle.name().to_owned(),
        checked: stats.checked,
        wrong: stats.wrong,
        fallback_epochs: stats.fallback_epochs,
        fallback_now: stats.fallback_now,
        distrusted_epochs: stats.distrusted_epochs,
    }
}

fn webhooks_view(counters: &webhooks::Counters) -> WebhooksView {
    WebhooksView {
        delivered: counters.delivered.load(Relaxed),
        failed: counters.failed.load(Relaxed),
        dropped: counters.dropped.load(Relaxed),
    }
}

fn port_views(view: &View) -> Vec<PortView> {
    let config = &view.0.config;
    let default = (config.listen, Dialect::default());
    let ports = config.ports.iter().map(|port| (port.listen, port.dialect));
    let tls = config.accept.tls.is_some();
    let show = |(listen, dialect): (std::net::SocketAddr, Dialect)| PortView {
        listen: listen.to_string(),
        dialect: dialect.name().to_owned(),
        tls,
    };
    std::iter::once(default).chain(ports).map(show).collect()
}

fn add(sum: &mut WorkerShares, shares: &WorkerShares) {
    sum.accepted += shares.accepted;
    sum.epoch_ended += shares.epoch_ended;
    sum.best = sum.best.max(shares.best);
    for (reason, count) in &shares.refused {
        *sum.refused.entry(reason.clone()).or_default() += count;
    }
}

/// Whether this much time has passed since this last returned true.
fn is_due(last: &mut Option<Instant>, period: Duration) -> bool {
    let due = last.is_none_or(|last| last.elapsed() >= period);
    if due {
        *last = Some(Instant::now());
    }
    due
}
