//! The parts put together: start, supervision, shutdown.
//!
//! [`Pool::open`] does all that can fail before the node starts. [`Pool::run`] serves the port at once, waits
//! for the node, then starts the parts that need a chain. Stopping goes the other way round: first the
//! sessions settle what is in flight, then the finds are recorded, then the database is closed.

use std::{
    future::Future,
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use tokio::{
    sync::{Mutex, mpsc, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    chain::{self, ChainHandle, ChainState, Network},
    config::Config,
    evaluator::Evaluator,
    health::{self, HealthBoard},
    intake::Intake,
    ledger::ShareLedger,
    release::{self, Found},
    rounds,
    stratum::{self, Stats, StratumConfig},
    supervise::{Restarts, supervise},
    verify::Verifier,
};

/// Threads of the pool's own runtime. Sessions are cheap; what costs has threads of its own.
const ASYNC_THREADS: usize = 2;

/// How long the sessions may take to settle what is in flight when the pool stops.
const SETTLE_PATIENCE: Duration = Duration::from_secs(20);

/// How often the log tells how the pool fares.
const SUMMARY_INTERVAL: Duration = Duration::from_secs(60);

/// A pool whose folder, database and port are open.
pub struct Pool {
    config: Config,
    network: Network,
    evaluator: Arc<dyn Evaluator>,
    ledger: ShareLedger,
    listener: TcpListener,
    stop: CancellationToken,
}

/// Stops a pool from any thread.
#[derive(Clone)]
pub struct StopHandle(CancellationToken);

impl StopHandle {
    /// Returns at once; `Pool::run` returns when everything is settled.
    pub fn stop(&self) {
        self.0.cancel();
    }
}

impl Pool {
    /// Opens the data folder, the database and the port.
    pub fn open(config: Config, network: Network, evaluator: Arc<dyn Evaluator>) -> Result<Self> {
        let folder = config.data.display();
        std::fs::create_dir_all(&config.data)
            .with_context(|| format!("cannot make the pool's folder {folder}; choose another with --pool-data"))?;
        let ledger = ShareLedger::open(&config.data.join("db"), network)?;
        let listener = TcpListener::bind(config.listen).with_context(|| {
            format!("cannot listen on {}; stop what uses it or choose another --pool-listen", config.listen)
        })?;
        listener.set_nonblocking(true).context("cannot use the port")?;
        Ok(Self { config, network, evaluator, ledger, listener, stop: CancellationToken::new() })
    }

    /// Says in one line what was opened.
    pub fn summary(&self) -> String {
        let Config { listen, address, data, share_target, .. } = &self.config;
        let listen = self.listener.local_addr().unwrap_or(*listen);
        let (network, data) = (self.network.name(), data.display());
        format!(
            "pool: miners connect to {listen}, rewards go to {address} on {network}, \
             a share is {share_target} attempts, data is kept in {data}"
        )
    }

    pub fn stop_handle(&self) -> StopHandle {
        StopHandle(self.stop.clone())
    }

    /// Runs until stopped, by [`StopHandle::stop`] or by a signal to the process. `node` gives the chain once
    /// the node is up, or `None` if it never will be.
    pub fn run<F>(self, node: F) -> Result<()>
    where
        F: Future<Output = Option<Result<ChainHandle>>> + Send,
    {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(ASYNC_THREADS)
            .thread_name("pool-async")
            .enable_all()
            .build()
            .context("cannot start the pool's runtime")?
            .block_on(self.run_parts(node))
    }

    async fn run_parts<F>(self, node: F) -> Result<()>
    where
        F: Future<Output = Option<Result<ChainHandle>>> + Send,
    {
        let Self { config, evaluator, ledger, listener, stop, .. } = self;
        stop_on_signal(stop.clone());
        let restarts = Restarts::default();
        let board = HealthBoard::default();
        let (state_sender, state) = watch::channel(ChainState::default());
        let (find_sender, finds) = mpsc::unbounded_channel::<Found>();

        let verifier = Verifier::start(evaluator.clone(), config.verify_threads)?;
        let intake = Arc::new(Intake::new(ledger.clone(), verifier, find_sender, state.clone()));
        let stats = Arc::new(Stats::default());

        // Sessions live on their own token: they settle before anything they rely on stops.
        let serving = CancellationToken::new();
        let stratum_config = StratumConfig::new(config.address, config.share_target, config.max_connections);
        let sessions = tokio::spawn(supervise("stratum", serving.clone(), restarts.clone(), {
            let (serving, intake, stats, state) = (serving.clone(), intake.clone(), stats.clone(), state.clone());
            let listener = Arc::new(listener);
            move || {
                let (intake, stats, state) = (intake.clone(), stats.clone(), state.clone());
                stratum::serve(listener.clone(), stratum_config.clone(), intake, state, stats, serving.clone())
            }
        }));

        let parts_stop = CancellationToken::new();
        let mut parts = JoinSet::new();
        let chain = tokio::select! {
            chain = node => chain,
            () = stop.cancelled() => None,
        };
        match chain {
            None => info!("the node did not come up; the pool stops"),
            Some(Err(error)) => {
                warn!(error = format!("{error:#}"), "the pool cannot use this node and stops");
            }
            Some(Ok(chain)) => {
                info!("the node is up; the pool follows its chain");
                let context = Parts {
                    chain,
                    state,
                    state_sender,
                    ledger: ledger.clone(),
                    evaluator,
                    finds: Arc::new(Mutex::new(finds)),
                    board,
                    config,
                    stats: stats.clone(),
                    restarts,
                    stop: parts_stop.clone(),
                };
                context.spawn(&mut parts);
                stop.cancelled().await;
            }
        }

        info!("the pool stops: no more connections, shares in flight are settled");
        serving.cancel();
        if tokio::time::timeout(SETTLE_PATIENCE, sessions).await.is_err() {
            warn!("some sessions did not settle in time");
        }
        parts_stop.cancel();
        while parts.join_next().await.is_some() {}
        drop(intake);
        ledger.close().await;
        println!("pool stopped: {}", stats.summary());
        Ok(())
    }
}
