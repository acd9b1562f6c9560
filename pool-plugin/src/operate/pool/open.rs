//! What can fail before the node starts: the folder, the database, the ports.

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
};

use anyhow::{Context, Result};
use pool_core::{
    evaluator::Evaluator,
    health::{Health, HealthBoard},
    types::{Address, Network},
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::StopHandle;
use crate::{
    books::backup::BackupHandle,
    ledger::{self, ShareLedger},
    operate::{
        admin::{AdminHandle, Logger},
        config::{Config, Source},
        reload::hangup::Hangup,
        view::View,
    },
    stratum::{
        guard::Gate,
        server::{AcceptRules, PortSettings, Tls},
        users::{AdminPassword, Users},
        wire::extranonce::Extranonces,
        workers::{self, Workers},
    },
};

/// A pool whose folder, database and port are open.
pub struct Pool {
    pub(super) config: Config,
    pub(super) network: Network,
    pub(super) evaluator: Arc<dyn Evaluator>,
    pub(super) ledger: ShareLedger,
    pub(super) accept: AcceptRules,
    pub(super) workers: Arc<Workers>,
    pub(super) extranonces: Arc<Extranonces>,
    /// The default port first.
    pub(super) listeners: Vec<(TcpListener, PortSettings)>,
    pub(super) board: HealthBoard,
    pub(super) backup: BackupHandle,
    pub(super) admin: AdminHandle,
    pub(super) logger: Option<Logger>,
    pub(super) view: View,
    pub(super) stop: CancellationToken,
    /// The source of the configuration, and the signal for a reload.
    pub(super) source: Option<Source>,
    pub(super) hangup: Option<Hangup>,
}

impl Pool {
    /// Opens the data folder, the database and the port.
    pub fn open(config: Config, network: Network, evaluator: Arc<dyn Evaluator>) -> Result<Self> {
        let folder = config.data.display();
        std::fs::create_dir_all(&config.data).with_context(|| {
            format!("cannot make the pool's folder {folder}; choose another with --pool-data")
        })?;
        let ledger = ShareLedger::open(&config.data.join(ledger::FOLDER), network)?;
        let accept = open_accept_rules(&config)?;
        if let Some(capture) = &config.capture {
            std::fs::create_dir_all(&capture.folder).with_context(|| {
                format!("cannot make {} for captures; choose another --capture", capture.folder.display())
            })?;
        }
        let workers = Arc::new(Workers::default());
        workers::load(&workers, &ledger).context("cannot read the last share targets")?;
        let key = config.data.join("sessions.key");
        let extranonces = Extranonces::open(config.node, &key)
            .with_context(|| format!("cannot use the key of the sessions, {}", key.display()))?;
        let mut listeners = vec![(listen(config.listen, "--pool-listen")?, PortSettings::default())];
        for port in &config.ports {
            let settings = PortSettings { dialect: port.dialect, fixed_target: port.fixed_share_target };
            listeners.push((listen(port.listen, "--pool-port")?, settings));
        }
        let (board, stop) = (HealthBoard::default(), CancellationToken::new());
        let backup = BackupHandle::new(ledger.clone(), config.data.clone());
        let logger = None;
        let (source, hangup) = (None, None);
        let view = View::new(config.clone(), network, ledger.clone(), board.clone());
        Ok(Self {
            config,
            network,
            evaluator,
            ledger,
            workers,
            extranonces,
            accept,
            listeners,
            board,
            backup,
            admin: AdminHandle::default(),
            logger,
            view,
            stop,
            source,
            hangup,
        })
    }

    /// Lets an admin change what the program logs.
    pub fn with_logger(self, logger: Logger) -> Self {
        Self { logger: Some(logger), ..self }
    }

    /// Where the configuration is read again when an admin asks for it, or at a SIGHUP.
    pub fn reloading(mut self, source: Source, hangup: Option<Hangup>) -> Self {
        (self.source, self.hangup) = (Some(source), hangup);
        self
    }

    /// One line on what was opened.
    pub fn summary(&self) -> String {
        let Config { addresses, data, .. } = &self.config;
        let addresses = addresses.iter().map(Address::to_string).collect::<Vec<_>>().join(", ");
        let shares = match self.config.fixed_share_target {
            Some(target) => format!("{target} attempts"),
            None => format!("one every {} s", self.config.share_interval.as_secs()),
        };
        let (listen, more) = (self.local_addr(), self.more_ports());
        let (network, data) = (self.network.name(), data.display());
        format!(
            "pool: miners connect to {listen}{more}, rewards go to {addresses} on {network}, \
             a share is {shares}, data is kept in {data}"
        )
    }

    /// Where miners connect, with the port the system chose if none was asked for.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addrs().next().map_or(self.config.listen, |(address, _)| address)
    }

    /// All ports and their settings, the default one first.
    pub fn local_addrs(&self) -> impl Iterator<Item = (SocketAddr, PortSettings)> {
        self.listeners
            .iter()
            .filter_map(|(listener, settings)| listener.local_addr().ok().map(|address| (address, *settings)))
    }

    fn more_ports(&self) -> String {
        let tell = |(address, PortSettings { dialect, fixed_target }): (SocketAddr, PortSettings)| {
            match fixed_target {
                Some(target) => format!(", {address} ({dialect}, shares of {target})"),
                None => format!(", {address} ({dialect})"),
            }
        };
        self.local_addrs().skip(1).map(tell).collect()
    }

    /// The health of the parts, by their own reports.
    pub fn health(&self) -> watch::Receiver<Health> {
        self.board.subscribe()
    }

    /// For reading the pool while it runs.
    pub fn view(&self) -> View {
        self.view.clone()
    }

    /// To act on the pool while it runs, as an admin does.
    pub fn admin_handle(&self) -> AdminHandle {
        self.admin.clone()
    }

    pub fn backup_handle(&self) -> BackupHandle {
        self.backup.clone()
    }

    pub fn stop_handle(&self) -> StopHandle {
        StopHandle(self.stop.clone())
    }
}

/// Opens a port; `flag` is where it was configured.
fn listen(address: SocketAddr, flag: &str) -> Result<TcpListener> {
    let listener = TcpListener::bind(address)
        .with_context(|| format!("cannot listen on {address}; stop what uses it or choose another {flag}"))?;
    listener.set_nonblocking(true).context("cannot use the port")?;
    Ok(listener)
}

/// What guards the port: the operator's lists, TLS, proxies.
fn open_accept_rules(config: &Config) -> Result<AcceptRules> {
    let lists = config.data.join("access.json");
    let gate = Gate::open(&lists, config.accept.max_per_address)
        .with_context(|| format!("cannot read the bans in {}", lists.display()))?;
    let tls = match &config.accept.tls {
        Some((certificate, key)) => Some(Arc::new(Tls::open(certificate, key)?)),
        None => None,
    };
    let file = config.data.join("users.json");
    let users = Users::open(&file, config.accept.users)
        .with_context(|| format!("cannot read the users in {}", file.display()))?;
    let admin_password = config.accept.admin_password_file.as_deref().map(AdminPassword::read).transpose()?;
    let proxies = config.accept.proxies.clone().into();
    Ok(AcceptRules { gate, tls, proxies, users, admin_password })
}
