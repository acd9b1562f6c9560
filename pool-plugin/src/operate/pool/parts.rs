//! What the parts share.

use std::{net::TcpListener, sync::Arc};

use anyhow::{Context, Result};
use pool_core::{
    chain::{ChainState, addresses::Addresses},
    evaluator::Evaluator,
    hashrate,
    health::HealthBoard,
    supervise::Restarts,
    types::{Network, Settled, unix_seconds},
};
use pool_sinks::activity::Activity;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::Pool;
use crate::{
    books::backup::BackupHandle,
    ledger::ShareLedger,
    operate::{
        admin::{Admin, AdminHandle, Logger},
        config::{Config, Live},
        reload::Reloader,
        view::View,
        webhooks,
    },
    release::{Inbox, SharedInbox, Waits},
    stratum::{
        guard::descriptors,
        intake::Intake,
        server::{PortSettings, Server, ServerParts, Stats, StratumConfig},
    },
    verify::verifier::Verifier,
};

/// What the parts share.
pub(super) struct Parts {
    /// As it was at the start; what may change since is read from `live`.
    pub(super) config: Config,
    pub(super) addresses: Arc<Addresses>,
    pub(super) live: Live,
    pub(super) network: Network,
    pub(super) reloader: Arc<Reloader>,
    pub(super) evaluator: Arc<dyn Evaluator>,
    pub(super) ledger: ShareLedger,
    pub(super) listeners: Arc<Vec<(TcpListener, PortSettings)>>,
    pub(super) intake: Arc<Intake>,
    pub(super) server: Arc<Server>,
    pub(super) backup: BackupHandle,
    pub(super) admin_handle: AdminHandle,
    pub(super) activity: Activity,
    pub(super) state: watch::Sender<ChainState>,
    pub(super) inbox: SharedInbox,
    /// Finds that are not on their way.
    pub(super) waits: watch::Receiver<Waits>,
    pub(super) settled: mpsc::UnboundedSender<Settled>,
    pub(super) board: HealthBoard,
    pub(super) logger: Option<Logger>,
    pub(super) view: View,
    pub(super) restarts: Restarts,
    pub(super) webhooks: Arc<webhooks::Counters>,
}

impl Parts {
    pub(super) fn new(pool: Pool) -> Result<Self> {
        let Pool {
            config,
            network,
            evaluator,
            ledger,
            workers,
            extranonces,
            accept,
            listeners,
            board,
            backup,
            admin,
            logger,
            source,
            view,
            ..
        } = pool;
        let state = watch::Sender::new(ChainState::default());
        let (find_sender, finds) = mpsc::unbounded_channel();
        let (settled_sender, settled) = mpsc::unbounded_channel();
        let verifier = Verifier::start(evaluator.clone(), config.verify_threads)
            .context("cannot start the threads that verify shares")?;
        let intake = Intake::new(ledger.clone(), verifier, find_sender, state.subscribe());
        let activity = Activity::default();
        let inbox = Inbox::new(finds, settled);
        // Nobody else needs it.
        let recipient = config.sinks.redis.is_some().then(|| activity.clone());
        let addresses = Addresses::new(config.addresses.clone());
        let server = {
            let stats = Arc::new(Stats::telling(recipient));
            let parts = ServerParts { accept, intake: intake.clone(), workers, stats, extranonces };
            let settings = stratum_config(&config, addresses.clone());
            Arc::new(Server::new(settings, parts, CancellationToken::new()))
        };
        let live = Live::new(config.clone());
        let reloader = Arc::new(Reloader::new(source, live.clone(), server.clone(), ledger.clone()));
        Ok(Self {
            addresses,
            config,
            live,
            network,
            reloader,
            evaluator,
            ledger,
            listeners: Arc::new(listeners),
            intake,
            activity,
            server,
            backup,
            admin_handle: admin,
            state,
            waits: inbox.waits.subscribe(),
            inbox: inbox.shared(),
            settled: settled_sender,
            board,
            logger,
            view,
            restarts: Restarts::default(),
            webhooks: Arc::default(),
        })
    }

    pub(super) fn admin(&self) -> Admin {
        let (server, board) = (self.server.clone(), self.board.clone());
        let (books, logger, reloader) = (self.backup.clone(), self.logger.clone(), self.reloader.clone());
        Admin { server, board, books, reloader, logger }
    }

    /// One line for `systemctl status`: the worst known problem, and the number of miners.
    pub(super) fn status(&self) -> String {
        let health = self.board.latest();
        let level = health.level();
        let worst = health.0.iter().find(|(_, report)| report.level == level);
        let health = worst.map_or_else(
            || "the node is starting".to_owned(),
            |(part, report)| format!("{level}: {part}: {}", report.text),
        );
        format!("{health}; {}", self.summary())
    }

    pub(super) fn brake(&self, doublings: u32) {
        if doublings != self.server.brake() {
            let waiting = self.intake.verifier().queued();
            info!(doublings, waiting, "the brake changed all share targets");
            self.server.set_brake(doublings);
        }
    }

    pub(super) fn summary(&self) -> String {
        use pool_core::types::{counted, grouped};
        let now = self.server.stats.snapshot();
        let refused: u64 = now.rejected.iter().sum();
        let rate = hashrate::text(self.server.workers.pool_rates(unix_seconds()).ten_minutes);
        format!(
            "{} connected, {rate} over 10 minutes, {} accepted, {} refused, {} too late for their epoch",
            counted(now.connections, "miner"),
            counted(now.accepted, "share"),
            grouped(refused),
            grouped(now.epoch_ended)
        )
    }
}

fn stratum_config(config: &Config, addresses: Arc<Addresses>) -> StratumConfig {
    let mut settings = StratumConfig::new(addresses, config.targets());
    settings.max_connections = descriptors::budget(config.max_connections);
    settings.capture = config.capture.clone();
    settings
}
