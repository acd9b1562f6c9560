//! The port of the API and its thread.
//!
//! One thread with its own runtime, and two more for blocking work (reading dumps, compressing), all of low
//! priority: while miners need the processor, readers wait.

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};

use anyhow::{Context, Result};
use axum::Router;
use pool_plugin::operate::{admin::AdminHandle, view::View};
use thread_priority::{ThreadPriority, ThreadPriorityValue, set_current_thread_priority};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::{
    connection::{Bounded, Peer},
    exposition::Exposition,
    listeners::{self, Listeners},
    router,
    state::State,
};

/// From 0 to 99: a niceness of 10, like the verification threads.
const PRIORITY: u8 = 22;
/// Threads for blocking work.
const BLOCKING_THREADS: usize = 2;
/// How often the samples of the histograms are taken out, if nobody scrapes.
const DRAIN: Duration = Duration::from_secs(5);
/// How long answers in progress may take when the API stops.
const FAREWELL: Duration = Duration::from_secs(2);

/// An API whose port is open.
pub struct Api {
    listeners: Vec<(TcpListener, Router)>,
    address: SocketAddr,
    exposition: Exposition,
    events: Arc<Listeners>,
    view: View,
}

/// A serving API. It stops when dropped.
pub struct Running {
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Api {
    /// Opens the configured port. `None`: the API is off.
    pub fn open(view: View, admin: AdminHandle, exposition: Exposition) -> Result<Option<Self>> {
        let Some(listen) = view.config().api.listen else { return Ok(None) };
        let listener = bind(listen, "--pool-api")?;
        let address = listener.local_addr().context("cannot use the API's port")?;
        let events = Arc::new(Listeners::default());
        let state = State::new(view.clone(), admin, exposition.clone(), events.clone());
        let listeners = vec![(listener, router::router(state))];
        Ok(Some(Self { listeners, address, exposition, events, view }))
    }

    /// Serves only the metrics at one more address: that of the node's `--metrics-ip`.
    pub fn also_metrics(&mut self, listen: SocketAddr) -> Result<()> {
        let listener = bind(listen, "--metrics-ip")?;
        self.listeners.push((listener, router::metrics_only(self.exposition.clone())));
        Ok(())
    }

    /// Where it listens, with the port the system chose if none was configured.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves on its own thread.
    pub fn start(self) -> Result<Running> {
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let thread = std::thread::Builder::new()
            .name("pool-api".into())
            .spawn(move || {
                yield_to_the_pool();
                if let Err(reason) = self.serve(stopped) {
                    error!(reason = format!("{reason:#}"), "cannot serve the API");
                }
            })
            .context("cannot start the API's thread")?;
        Ok(Running { stop, thread: Some(thread) })
    }

    fn serve(self, stop: CancellationToken) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .thread_name("pool-api-blocking")
            .max_blocking_threads(BLOCKING_THREADS)
            // Threads inherit the priority of the one that starts them.
            .build()
            .context("cannot start the API's runtime")?;
        runtime.block_on(async {
            info!(address = %self.address, "the API is listening");
            tokio::spawn(listeners::tell(self.events, self.view, stop.clone()));
            tokio::spawn(drain(self.exposition, stop.clone()));
            let mut serving = tokio::task::JoinSet::new();
            for (listener, router) in self.listeners {
                let listener = Bounded::new(tokio::net::TcpListener::from_std(listener)?);
                let service = router.into_make_service_with_connect_info::<Peer>();
                let stopping = stop.clone().cancelled_owned();
                serving.spawn(async move {
                    axum::serve(listener, service).with_graceful_shutdown(stopping).await
                });
            }
            stop.cancelled().await;
            let _ =
                tokio::time::timeout(FAREWELL, async { while serving.join_next().await.is_some() {} }).await;
            anyhow::Ok(())
        })?;
        runtime.shutdown_timeout(FAREWELL);
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn drain(exposition: Exposition, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(DRAIN);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        let of = exposition.clone();
        let _ = tokio::task::spawn_blocking(move || of.render()).await;
    }
}

fn bind(listen: SocketAddr, flag: &str) -> Result<TcpListener> {
    let listener = TcpListener::bind(listen)
        .with_context(|| format!("cannot listen on {listen}; stop what uses it or choose another {flag}"))?;
    listener.set_nonblocking(true).context("cannot use the port")?;
    Ok(listener)
}

fn yield_to_the_pool() {
    let priority = ThreadPriorityValue::try_from(PRIORITY).map(ThreadPriority::Crossplatform);
    if !priority.is_ok_and(|priority| set_current_thread_priority(priority).is_ok()) {
        tracing::warn!("the API runs at normal priority: many readers may slow the pool");
    }
}
