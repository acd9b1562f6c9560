//! SIGHUP as a wish to reload.
//!
//! Upstream's node takes SIGHUP for a wish to stop, with a handler of its own. A signal that every thread has
//! blocked reaches no handler: it waits until somebody takes it, and that are we.

use std::io;

use nix::sys::signal::{SigSet, Signal};
use tracing::{error, warn};

/// The signal, kept from the handlers of the process.
#[derive(Debug)]
pub struct Hangup(SigSet);

/// Keeps SIGHUP from this thread and those it starts. To be called before there are others.
pub fn hold() -> io::Result<Hangup> {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGHUP);
    signals.thread_block()?;
    Ok(Hangup(signals))
}

impl Hangup {
    /// Calls `reload` at each SIGHUP, on a thread that lives as long as the process.
    pub fn each(self, reload: impl Fn() + Send + 'static) {
        let waiting = move || loop {
            match self.0.wait() {
                Ok(_) => reload(),
                Err(reason) => {
                    error!(%reason, "the pool does not hear SIGHUP any more: reload it as its admin");
                    return;
                }
            }
        };
        if let Err(reason) = std::thread::Builder::new().name("pool-hangup".into()).spawn(waiting) {
            warn!(%reason, "the pool does not hear SIGHUP: reload it as its admin");
        }
    }
}
