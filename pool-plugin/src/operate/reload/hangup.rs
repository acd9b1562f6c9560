//! SIGHUP as the request to reload.
//!
//! Upstream's node takes SIGHUP as a request to stop, with its own handler. A signal that every thread has
//! blocked reaches no handler: it stays pending until somebody takes it, and that is us.

use std::io;

use nix::sys::signal::{SigSet, Signal};
use tracing::{error, warn};

/// The signal, kept from the handlers of the process.
#[derive(Debug)]
pub struct Hangup(SigSet);

/// Blocks SIGHUP in this thread and those it starts. To be called before other threads exist.
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
                    error!(%reason, "no longer watching SIGHUP: use `snarkos pool admin reload`");
                    return;
                }
            }
        };
        if let Err(reason) = std::thread::Builder::new().name("pool-hangup".into()).spawn(waiting) {
            warn!(%reason, "cannot watch SIGHUP: use `snarkos pool admin reload`");
        }
    }
}
