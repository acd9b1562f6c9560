//! The parts that run whether or not there is a chain, each a future that ends some time after `stop`.

use std::{future::Future, net::TcpListener};

use pool_core::{supervise::supervise, types::Address};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::parts::Parts;
use crate::{
    operate::{
        admin,
        view::{self, Sources},
        webhooks,
    },
    stratum::{
        guard::descriptors,
        server::{self, Door, Pinned, StratumConfig},
        workers,
    },
};

impl Parts {
    /// From now on there is something to look at and to act on.
    pub(super) fn show(&self, serving: CancellationToken) {
        self.admin_handle.attach(self.admin(serving.clone()));
        self.view.attach(Sources {
            common: self.common.clone(),
            stats: self.stats.clone(),
            serving,
            live: self.live.clone(),
            intake: self.intake.clone(),
            evaluator: self.evaluator.clone(),
            state: self.state.subscribe(),
            restarts: self.restarts.clone(),
            waits: self.waits.clone(),
            webhooks: self.webhooks.clone(),
        });
    }

    /// Keeps the view current, until `stop`.
    pub(super) fn observe(&self, stop: CancellationToken) -> impl Future<Output = ()> + Send + 'static {
        let (view, stop_looking) = (self.view.clone(), stop.clone());
        supervise("view", stop, self.restarts.clone(), move || view::run(view.clone(), stop_looking.clone()))
    }

    /// The admin socket, until `stop`. An admin may close the ports.
    pub(super) fn hear_admins(
        &self,
        serving: CancellationToken,
        stop: CancellationToken,
    ) -> impl Future<Output = ()> + Send + 'static {
        let (admin, view) = (self.admin(serving), self.view.clone());
        let socket = self.config.data.join(admin::SOCKET);
        async move { admin::socket::serve(&socket, admin, view, stop).await }
    }

    /// The ports, until `stop`.
    pub(super) fn serve(&self, stop: CancellationToken) -> impl Future<Output = ()> + Send + 'static {
        let mut config = StratumConfig::new(self.addresses.clone(), self.config.targets());
        config.max_connections = descriptors::budget(self.config.max_connections);
        config.capture = self.config.capture.clone();
        let (listeners, intake, stats) = (self.listeners.clone(), self.intake.clone(), self.stats.clone());
        let common = self.common.clone();
        let (state, stop_sessions) = (self.state.subscribe(), stop.clone());
        supervise("stratum", stop, self.restarts.clone(), move || {
            let doors = open_doors(&listeners);
            let (config, intake, stats) = (config.clone(), intake.clone(), stats.clone());
            let (common, state, stop) = (common.clone(), state.clone(), stop_sessions.clone());
            async move {
                match doors {
                    Ok(doors) => server::serve(doors, config, intake, stats, common, state, stop).await,
                    Err(error) => error!(%error, "cannot serve the ports"),
                }
            }
        })
    }

    /// Saves what is known of the workers across runs, until `stop`; starts with what the last run saved.
    pub(super) fn remember(&self, stop: CancellationToken) -> impl Future<Output = ()> + Send + 'static {
        let (workers, ledger) = (self.common.workers.clone(), self.ledger.clone());
        let (replayed, read, stop_replay) = (workers.clone(), ledger.clone(), stop.clone());
        let last = ledger.last_seq();
        let reading = tokio::task::spawn_blocking(move || {
            let outcome = last.and_then(|last| workers::replay(&replayed, &read, last, &stop_replay));
            if let Err(reason) = outcome {
                warn!(%reason, "could not rebuild hash rates from stored shares");
            }
        });
        let stop_keeping = stop.clone();
        let keeping = supervise("workers", stop, self.restarts.clone(), move || {
            workers::keep(workers.clone(), ledger.clone(), stop_keeping.clone())
        });
        async move {
            keeping.await;
            let _ = reading.await;
        }
    }

    /// Notifies the webhooks of events, until `stop`.
    pub(super) fn tell_webhooks(&self, stop: CancellationToken) -> impl Future<Output = ()> + Send + 'static {
        let (live, ledger, board) = (self.live.clone(), self.ledger.clone(), self.board.clone());
        let addresses = self.config.addresses.iter().map(Address::to_string).collect();
        let sender = webhooks::Sender { network: self.network, addresses };
        let (counters, stop_telling) = (self.webhooks.clone(), stop.clone());
        supervise("webhooks", stop, self.restarts.clone(), move || {
            let (sender, counters) = (sender.clone(), counters.clone());
            let live = live.clone();
            let wanted = move || live.now().webhooks.clone();
            webhooks::run(wanted, sender, ledger.clone(), board.clone(), counters, stop_telling.clone())
        })
    }
}

/// The listeners for one run of the sessions; if it fails, the next run opens them again.
fn open_doors(listeners: &[(TcpListener, Pinned)]) -> std::io::Result<Vec<Door>> {
    let open = |(listener, pinned): &(TcpListener, Pinned)| {
        let listener = tokio::net::TcpListener::from_std(listener.try_clone()?)?;
        Ok(Door { listener, pinned: *pinned })
    };
    listeners.iter().map(open).collect()
}
