//! A new configuration without a restart: on SIGHUP, and when an admin asks.
//!
//! Flags and file are checked whole, as at the start; if anything is wrong with them nothing changes. What a
//! running pool can take up it takes up ([`crate::operate::config::change`] knows what that is), the rest is named and
//! waits for a restart. `users.json`, `access.json` and the TLS certificate are read again too.
//!
//! - [`hangup`]: the signal.

pub mod hangup;

use std::sync::Arc;

use parking_lot::Mutex;
use pool_core::json_lines::BrokenLine;
use serde::Serialize;
use tracing::{error, info, warn};

use crate::{
    ledger::ShareLedger,
    operate::config::{
        Config, Live, Source,
        change::{Change, changes},
    },
    stratum::{guard::descriptors, server::Server},
};

/// Reloads a running pool.
pub struct Reloader {
    /// `None`: the pool was not started from flags, and has no file to read.
    source: Option<Source>,
    live: Live,
    server: Arc<Server>,
    ledger: ShareLedger,
    /// One reload at a time.
    turn: Mutex<()>,
}

/// What a reload has changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reloaded {
    pub changes: Vec<Change>,
    pub users_changed: bool,
    /// Invalid lines of users.json and access.json, which were skipped.
    pub broken_lines: Vec<InvalidLine>,
    pub access_changed: bool,
    pub certificate_changed: bool,
}

/// A line that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InvalidLine {
    pub line: usize,
    pub reason: String,
}

impl Reloader {
    pub fn new(source: Option<Source>, live: Live, server: Arc<Server>, ledger: ShareLedger) -> Self {
        Self { source, live, server, ledger, turn: Mutex::new(()) }
    }

    /// Reads everything again, and logs the result. Blocks: not for async threads, though there must be a
    /// runtime.
    pub fn reload(&self) -> Result<Reloaded, String> {
        let _turn = self.turn.lock();
        let reloaded = self.try_reload();
        match &reloaded {
            Ok(Reloaded { changes, .. }) => {
                for change in changes {
                    match change.needs_restart {
                        false => info!("{change}"),
                        true => warn!("{change}"),
                    }
                }
                info!(changes = changes.len(), "reloaded the configuration");
            }
            Err(error) => error!(error, "could not reload: nothing was changed"),
        }
        reloaded
    }

    fn try_reload(&self) -> Result<Reloaded, String> {
        let running = self.live.now();
        let loaded = self.source.as_ref().map(Source::load).transpose().map_err(|error| error.to_string())?;
        let accept = &self.server.accept;
        let users = accept.users.reload().map_err(|error| format!("users.json cannot be read: {error}"))?;
        let access = accept.gate.reload().map_err(|error| format!("access.json cannot be read: {error}"))?;
        let certificate_changed = match &accept.tls {
            Some(tls) => {
                tls.reload().map_err(|error| format!("the certificate was not renewed: {error:#}"))?
            }
            None => false,
        };
        let changes = match loaded {
            Some(new) => self.take_up(&running, &new)?,
            None => vec![],
        };
        Ok(Reloaded {
            changes,
            users_changed: users.is_some(),
            access_changed: access.is_some(),
            broken_lines: users.into_iter().chain(access).flatten().map(InvalidLine::from).collect(),
            certificate_changed,
        })
    }

    /// First what can fail.
    fn take_up(&self, running: &Config, new: &Config) -> Result<Vec<Change>, String> {
        let changes = changes(running, new);
        let config = running.taking_up(new);
        if config.rules != running.rules {
            let setting = self.ledger.set_rules(config.rules.clone());
            let terms = tokio::runtime::Handle::current()
                .block_on(setting)
                .map_err(|error| format!("the new scheme and fees cannot be recorded: {error}"))?;
            info!(rules = %terms.rules, since_seq = terms.since_seq, "payout scheme changed");
        }
        let accept = &self.server.accept;
        accept.gate.set_per_address(config.accept.max_per_address);
        accept.users.set_mode(config.accept.users);
        accept.proxies.write().clone_from(&config.accept.proxies);
        if config.targets() != running.targets() {
            self.server.set_targets(config.targets());
        }
        if config.max_connections != running.max_connections {
            self.server.set_max_connections(descriptors::budget(config.max_connections));
        }
        if config != *running {
            self.live.replace(config);
        }
        Ok(changes)
    }
}

impl From<BrokenLine> for InvalidLine {
    fn from(BrokenLine { number, reason }: BrokenLine) -> Self {
        Self { line: number, reason }
    }
}
