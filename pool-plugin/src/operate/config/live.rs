//! The configuration in force, which a reload changes.

use std::sync::Arc;

use tokio::sync::watch;

use super::Config;

/// Clones share it.
#[derive(Clone, Debug)]
pub struct Live(Arc<watch::Sender<Arc<Config>>>);

impl Live {
    pub fn new(config: Config) -> Self {
        Self(Arc::new(watch::Sender::new(Arc::new(config))))
    }

    /// The current configuration.
    pub fn now(&self) -> Arc<Config> {
        self.0.borrow().clone()
    }

    /// Signals each change.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Config>> {
        self.0.subscribe()
    }

    pub(crate) fn replace(&self, config: Config) {
        self.0.send_replace(Arc::new(config));
    }
}
