//! What the pool does when an admin asks.

use std::{
    path::Path,
    sync::{Arc, OnceLock},
    time::Duration,
};

use ipnet::IpNet;
use pool_core::{
    health::HealthBoard,
    reject::{Reject, RejectCode},
};
use serde_json::{Value, json};
use tracing::info;

use super::{Command, LogLevel, Logger, log_level};
use crate::{
    books::backup::BackupHandle,
    operate::reload::Reloader,
    stratum::{
        guard::{Order, access::parse_network},
        server::Server,
    },
};

/// The parts of the pool an admin looks at and acts on.
#[derive(Clone)]
pub struct Admin {
    pub server: Arc<Server>,
    pub board: HealthBoard,
    pub books: BackupHandle,
    pub reloader: Arc<Reloader>,
    /// `None`: the program's logger cannot be changed.
    pub logger: Option<Logger>,
}

/// Acts on a pool from any thread. Before the pool runs it says so.
#[derive(Clone, Default)]
pub struct AdminHandle(Arc<OnceLock<Admin>>);

impl AdminHandle {
    /// The pool runs: there is something to act on.
    pub(crate) fn attach(&self, admin: Admin) {
        // A pool runs once.
        let _ = self.0.set(admin);
    }

    /// Does what an admin asks, as the admin socket does. It may read and write files: not for async threads.
    pub fn act(&self, command: &Command) -> Value {
        match self.0.get() {
            Some(admin) => admin.act(command),
            None => json!({"ok": false, "error": "the pool is not running yet: try again"}),
        }
    }
}

impl Admin {
    /// Does what is asked, and answers.
    pub fn act(&self, command: &Command) -> Value {
        if !matches!(command, Command::Status | Command::Sessions | Command::Bans) {
            info!(?command, "admin command");
        }
        match self.try_act(command) {
            Ok(mut answer) => {
                if let Some(object) = answer.as_object_mut() {
                    object.insert("ok".into(), true.into());
                }
                answer
            }
            Err(error) => json!({"ok": false, "error": error}),
        }
    }

    fn try_act(&self, command: &Command) -> Result<Value, String> {
        let gate = &self.server.accept.gate;
        let unsaved = |error: std::io::Error| format!("done, but a restart will undo it: {error}");
        match command {
            Command::Status => Ok(self.status()),
            Command::Sessions => Ok(json!({"sessions": self.server.sessions.list()})),
            Command::Kick { who } => self.order(who, Order::Close(Reject::Kicked)),
            Command::SetTarget { target: 0, .. } => Err("a target is 1 or more".into()),
            Command::SetTarget { who, target } => self.order(who, Order::SetTarget(*target)),
            Command::Ban { network, minutes, reason } => {
                let network = parse_network(network)?;
                let time = minutes.map(|minutes| Duration::from_secs(minutes.saturating_mul(60)));
                gate.ban(network, time, reason).map_err(unsaved)?;
                let closed =
                    self.server.sessions.order(&network.to_string(), &Order::Close(Reject::Banned(*minutes)));
                Ok(json!({"network": network.to_string(), "sessions": closed}))
            }
            Command::Unban { network } => {
                let network = parse_network(network)?;
                listed(gate.unban(&network).map_err(unsaved)?, &network, "is not banned: see bans")
            }
            Command::Bans => {
                let allowed: Vec<_> = gate.allowed().iter().map(|entry| entry.network.to_string()).collect();
                Ok(json!({"bans": gate.bans(), "allowed": allowed}))
            }
            Command::Allow { network, reason } => {
                let network = parse_network(network)?;
                gate.allow(network, reason).map_err(unsaved)?;
                Ok(json!({"network": network.to_string()}))
            }
            Command::Disallow { network } => {
                let network = parse_network(network)?;
                listed(
                    gate.disallow(&network).map_err(unsaved)?,
                    &network,
                    "is not on the allow-list: see bans",
                )
            }
            Command::Drain => {
                self.server.stop().cancel();
                Ok(json!({"sessions": self.server.stats.snapshot().connections}))
            }
            Command::Reload => self.reload(),
            Command::Backup { dir } => self.back_up(dir),
            Command::LogLevel { level, of } => self.set_log_level(*level, of.as_deref()),
        }
    }

    fn order(&self, who: &str, order: Order) -> Result<Value, String> {
        match self.server.sessions.order(who, &order) {
            0 => Err(format!("no session matches '{who}': `sessions` lists ids, logins and addresses")),
            sessions => Ok(json!({"sessions": sessions})),
        }
    }

    fn back_up(&self, dir: &Path) -> Result<Value, String> {
        if dir.is_relative() {
            return Err(format!("{} is relative, and the pool runs in another folder", dir.display()));
        }
        let manifest = self.books.backup(dir).map_err(|error| error.to_string())?;
        info!(dir = %dir.display(), "{manifest}");
        Ok(json!({"backup": manifest, "text": manifest.to_string()}))
    }

    fn set_log_level(&self, level: LogLevel, of: Option<&str>) -> Result<Value, String> {
        let directive = log_level::directive(level, of)?;
        let set = self.logger.as_ref().ok_or("this program's log level cannot be changed while it runs")?;
        set(&directive).map_err(|error| format!("cannot use '{directive}': {error}"))?;
        Ok(json!({"directive": directive}))
    }

    fn status(&self) -> Value {
        let now = self.server.stats.snapshot();
        let refused: serde_json::Map<String, Value> = RejectCode::ALL
            .iter()
            .map(|code| (code.label().to_owned(), now.rejected_with(*code).into()))
            .collect();
        let health = self.board.latest();
        let parts: Vec<_> = health
            .0
            .iter()
            .map(|(part, report)| {
                json!({
                    "part": part.to_string(), "level": report.level.to_string(),
                    "reason": report.reason, "text": report.text,
                })
            })
            .collect();
        json!({
            "level": health.level().to_string(),
            "health": parts,
            "connections": now.connections,
            "connected": now.connected,
            "turned_away": now.turned_away,
            "accepted": now.accepted,
            "refused": refused,
            "users": self.server.accept.users.len(),
            "uptime_seconds": self.server.now().as_secs(),
            "draining": self.server.stop().is_cancelled(),
        })
    }

    fn reload(&self) -> Result<Value, String> {
        serde_json::to_value(self.reloader.reload()?).map_err(|error| error.to_string())
    }
}

fn listed(was: bool, network: &IpNet, otherwise: &str) -> Result<Value, String> {
    match was {
        true => Ok(json!({"network": network.to_string()})),
        false => Err(format!("{network} {otherwise}")),
    }
}
