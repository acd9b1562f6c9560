//! The parts that need a chain.

use std::{future::Future, sync::Arc};

use pool_core::{
    chain::{self, ChainHandle, newer_version_file::NewerVersionFile},
    supervise::supervise,
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::parts::Parts;
use crate::{
    books::{audit, dump, restored_epoch_gate, rounds},
    operate::{
        config::SinksConfig,
        sinks::{self, LedgerBooks},
        watch,
    },
    release::{self, replay_finds},
    verify::puzzle_warmup::keep_prepared,
};

/// The parts that need a chain, each a future that runs until `stop`.
#[derive(Clone)]
pub(super) struct ChainServices {
    pub(super) parts: Arc<Parts>,
    pub(super) chain: ChainHandle,
    pub(super) stop: CancellationToken,
}

impl ChainServices {
    pub(super) fn start(&self) -> JoinSet<()> {
        let mut running = JoinSet::new();
        self.start_one(&mut running, "chain", Self::watch_chain);
        self.start_one(&mut running, "release", Self::release);
        self.start_one(&mut running, "rounds", Self::account);
        self.start_one(&mut running, "recover", Self::replay_finds);
        self.start_one(&mut running, "resume", Self::restored_epoch_gate);
        self.start_one(&mut running, "retention", Self::retain);
        self.start_one(&mut running, "health", Self::judge);
        self.start_one(&mut running, "audit", Self::audit);
        self.start_one(&mut running, "prepare", Self::prepare);
        self.start_one(&mut running, "report", Self::report);
        if self.parts.config.sinks != SinksConfig::default() {
            self.start_one(&mut running, "sinks", Self::feed_sinks);
        }
        running
    }

    fn start_one<P, F>(&self, running: &mut JoinSet<()>, name: &'static str, part: P)
    where
        P: Fn(Self) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let this = self.clone();
        let lives = move || part(this.clone());
        running.spawn(supervise(name, self.stop.clone(), self.parts.restarts.clone(), lives));
    }

    async fn watch_chain(self) {
        let (addresses, state) = (self.parts.addresses.clone(), self.parts.state.clone());
        let patience = self.parts.config.patience;
        let newer = NewerVersionFile::open(&self.parts.config.data);
        let setup = chain::watch::Setup { addresses, patience, newer };
        chain::watch::run(self.chain, setup, state, self.stop).await;
    }

    async fn release(self) {
        let (state, ledger) = (self.parts.state.subscribe(), self.parts.ledger.clone());
        let (inbox, board) = (self.parts.inbox.clone(), self.parts.board.clone());
        let (policy, addresses) = (self.parts.config.release, self.parts.addresses.clone());
        release::run(
            self.chain,
            release::Setup { policy, addresses },
            state,
            ledger,
            inbox,
            board,
            self.stop,
        )
        .await;
    }

    async fn account(self) {
        let config = &self.parts.config;
        let setup = rounds::Setup {
            addresses: config.addresses.iter().copied().collect(),
            shares_dir: config.data.join(dump::FOLDER),
            rules: self.parts.live.now().rules.clone(),
        };
        let ledger = self.parts.ledger.clone();
        let (settled, board) = (self.parts.settled.clone(), self.parts.board.clone());
        rounds::run(self.chain, setup, ledger, settled, board, self.stop).await;
    }

    /// After any restart.
    async fn replay_finds(self) {
        let (ledger, state) = (self.parts.ledger.clone(), self.parts.state.subscribe());
        replay_finds::run(ledger, |missed| self.parts.intake.remember(missed), state, self.stop.clone())
            .await;
    }

    /// After a restored backup.
    async fn restored_epoch_gate(self) {
        restored_epoch_gate::run(self.parts.ledger.clone(), self.parts.state.subscribe(), self.stop).await;
    }

    async fn retain(self) {
        let live = self.parts.live.clone();
        let keep_shares = move || live.now().keep_shares;
        rounds::retention::run(self.parts.ledger.clone(), keep_shares, self.stop).await;
    }

    async fn judge(self) {
        let (state, disk) = (self.parts.state.subscribe(), self.parts.ledger.healthy());
        watch::run(self.chain, state, disk, self.parts.board.clone(), self.stop).await;
    }

    async fn feed_sinks(self) {
        let shares = self.parts.config.data.join(dump::FOLDER);
        let books = Arc::new(LedgerBooks::new(self.parts.ledger.clone(), self.chain, shares));
        let (config, board) = (self.parts.config.sinks.clone(), self.parts.board.clone());
        sinks::run(config, books, self.parts.activity.clone(), board, self.stop).await;
    }

    async fn audit(self) {
        let (state, ledger) = (self.parts.state.subscribe(), self.parts.ledger.clone());
        audit::run(ledger, state, self.parts.board.clone(), self.stop).await;
    }

    async fn prepare(self) {
        let prepared = keep_prepared(self.parts.evaluator.clone(), self.parts.state.subscribe());
        self.stop.run_until_cancelled(prepared).await;
    }
}
