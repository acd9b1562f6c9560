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
        server::{self, Listener, PortSettings},
        workers,
    },
};

impl Parts {
    /// From now on there is something to look at and to act on.
    pub(super) fn show(&self) {
        self.admin_handle.attach(self.admin());
        self.view.attach(Sources {
            server: self.server.clone(),
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
    pub(super) fn serve_admins(&self, stop: CancellationToken) -> impl Future<Output = ()> + Send + 'static {
        let (admin, view) = (self.admin(), self.view.clone());
        let socket = self.config.data.join(admin::SOCKET);
        async move { admin::socket::serve(&socket, admin, view, stop).await }
    }

    /// The ports, until the server is stopped.
    pub(super) fn serve(&self) -> impl Future<Output = ()> + Send + 'static {
        let (server, listeners, state) =
            (self.server.clone(), self.listeners.clone(), self.state.subscribe());
        supervise("stratum", server.stop().clone(), self.restarts.clone(), move || {
            let (listeners, server, state) = (open_listeners(&listeners), server.clone(), state.clone());
            async move {
                match listeners {
                    Ok(listeners) => server::serve(server, listeners, state).await,
                    Err(error) => error!(%error, "cannot serve the ports"),
                }
            }
        })
    }

    /// Saves what is known of the workers across runs, until `stop`; starts with what the last run saved.
    pub(super) fn remember(&self, stop: CancellationToken) -> impl Future<Output = ()> + Send + 'static {
        let (workers, ledger) = (self.server.workers.clone(), self.ledger.clone());
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
fn open_listeners(listeners: &[(TcpListener, PortSettings)]) -> std::io::Result<Vec<Listener>> {
    let open = |(listener, settings): &(TcpListener, PortSettings)| {
        let socket = tokio::net::TcpListener::from_std(listener.try_clone()?)?;
        Ok(Listener { socket, settings: *settings })
    };
    listeners.iter().map(open).collect()
}
