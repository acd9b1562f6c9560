//! Handles to a running pool, for any thread.

use tokio_util::sync::CancellationToken;

/// Stops a pool from any thread.
#[derive(Clone)]
pub struct StopHandle(pub(super) CancellationToken);

impl StopHandle {
    /// Returns at once; `Pool::run` returns when everything is settled.
    pub fn stop(&self) {
        self.0.cancel();
    }
}
