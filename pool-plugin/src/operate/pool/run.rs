//! From the start of the parts to their end.

use std::{future::Future, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use pool_core::chain::ChainHandle;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::{
    Pool,
    chain_services::ChainServices,
    parts::Parts,
    signals::{reload_on_hangup, stop_on_signal},
};
use crate::operate::systemd;

/// Threads of the pool's own runtime. Sessions are cheap; expensive work has its own threads.
const ASYNC_THREADS: usize = 2;

/// How long the sessions may take to settle what is in flight when the pool stops.
const SETTLE_PATIENCE: Duration = Duration::from_secs(20);

impl Pool {
    /// Runs until stopped, by [`StopHandle::stop`](super::StopHandle::stop) or by a signal to the process.
    /// `node` returns the chain once the node is up, or `None` if it never will be.
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

    async fn run_parts<F>(mut self, node: F) -> Result<()>
    where
        F: Future<Output = Option<Result<ChainHandle>>> + Send,
    {
        let stop = self.stop.clone();
        stop_on_signal(stop.clone());
        let hangup = self.hangup.take();
        let parts = Arc::new(Parts::new(self)?);
        if let Some(hangup) = hangup {
            reload_on_hangup(hangup, parts.reloader.clone());
        }

        // Miners may connect before the node is up: they are accepted, and get work once there is some.
        let background = CancellationToken::new();
        let sessions = tokio::spawn(parts.serve());
        tokio::spawn(parts.server.accept.users.clone().follow(background.clone()));
        if let Some(tls) = parts.server.accept.tls.clone() {
            tokio::spawn(tls.follow(background.clone()));
        }
        parts.show();
        let admin = tokio::spawn(parts.serve_admins(background.clone()));
        tokio::spawn(parts.observe(background.clone()));
        systemd::ready();
        let status_of = parts.clone();
        tokio::spawn(systemd::keep_alive(move || status_of.status(), background.clone()));
        tokio::spawn(parts.tell_webhooks(background.clone()));
        let remembering = tokio::spawn(parts.remember(background.clone()));
        let mut running = JoinSet::new();
        let chain = tokio::select! {
            chain = node => chain,
            () = stop.cancelled() => None,
        };
        match chain {
            Some(Ok(chain)) => {
                info!("the node is up: the pool follows its chain");
                parts.view.attach_chain(chain.clone());
                running = ChainServices { parts: parts.clone(), chain, stop: background.clone() }.start();
                stop.cancelled().await;
            }
            Some(Err(error)) => {
                error!(error = format!("{error:#}"), "cannot use this node: sending no work");
                stop.cancelled().await;
            }
            None => {}
        }

        info!("stopping: refusing new shares and settling those in flight");
        systemd::stopping();
        parts.server.stop().cancel();
        if tokio::time::timeout(SETTLE_PATIENCE, sessions).await.is_err() {
            warn!("could not settle all shares in flight in time");
        }
        background.cancel();
        while running.join_next().await.is_some() {}
        let _ = remembering.await;
        let _ = admin.await;
        parts.ledger.clone().close().await;
        println!("pool stopped: {}", parts.summary());
        Ok(())
    }
}
