//! The process's signals.

use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::operate::reload::{Reloader, hangup::Hangup};

/// Stops on the signals that stop the node, so that the pool settles while the node still runs. SIGHUP is not
/// among them: it means a reload.
pub(super) fn stop_on_signal(stop: CancellationToken) {
    for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::quit()] {
        match signal(kind) {
            Ok(mut stream) => {
                let stop = stop.clone();
                tokio::spawn(async move {
                    if stop.run_until_cancelled(stream.recv()).await.is_some() {
                        stop.cancel();
                    }
                });
            }
            Err(error) => warn!(%error, ?kind, "cannot watch this signal: the pool stops with the node"),
        }
    }
}

/// Reads the configuration again at each SIGHUP.
pub(super) fn reload_on_hangup(hangup: Hangup, reloader: Arc<Reloader>) {
    let runtime = tokio::runtime::Handle::current();
    hangup.each(move || {
        let _runtime = runtime.enter();
        // The log has the mistakes.
        let _ = reloader.reload();
    });
}
