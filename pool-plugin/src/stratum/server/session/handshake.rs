//! A session until work begins: the subscription, the logins, the suggested targets.

use pool_core::{
    login,
    reject::Reject,
    types::{Worker, unix_seconds},
};
use tokio::time::Instant;
use tracing::{debug, info};

use super::{Flow, Session};
use crate::stratum::{
    server::{capture::Spoken, password_options},
    vardiff::{Aim, steps::Steps},
    wire::{
        extranonce::Extranonce,
        message::{Authorize, Connect, Id, Message, Reply, Subscribe, Suggest},
    },
};

/// Wrong passwords after which the connection is closed.
const MAX_WRONG_PASSWORDS: u32 = 5;
/// The most workers that may be logged in on one connection; beyond that the first is forgotten.
const MAX_LOGINS: usize = 64;

impl Session {
    pub(super) async fn subscribe(&mut self, id: Id, subscribe: &Subscribe) -> Flow {
        self.note_subscription(subscribe);
        self.reply(id, self.subscribed()).await?;
        self.tell_prefix().await
    }

    /// The miner wants its counter prefix outside of the subscription, too.
    pub(super) async fn subscribe_to_prefix(&mut self, id: Id) -> Flow {
        self.wants_prefix = true;
        self.reply(id, Reply::Done).await?;
        self.tell_prefix().await
    }

    /// Once is enough: a session keeps its prefix.
    async fn tell_prefix(&mut self) -> Flow {
        let prefix = self.extranonce.as_ref().and_then(Extranonce::prefix);
        match prefix.filter(|_| std::mem::take(&mut self.wants_prefix)) {
            Some(prefix) => self.send(Spoken::Unasked, &self.dialect.encode(&Message::Prefix(prefix))).await,
            None => Flow::Continue(()),
        }
    }

    fn note_subscription(&mut self, subscribe: &Subscribe) {
        if !self.subscribed {
            self.subscribed = true;
            self.deadline = Instant::now() + self.server.config.handshake_timeout;
        }
        if self.extranonce.is_none() {
            let extranonces = &self.server.extranonces;
            let resumed = subscribe.session.as_deref().and_then(|session| extranonces.resume(session));
            let mut state = self.job_channel.state();
            if let Some(target) = resumed.as_ref().and_then(Extranonce::last_target) {
                state.jobs.vardiff().recall(target);
            }
            let extranonce = resumed.unwrap_or_else(|| extranonces.take());
            if let Some(tap) = &self.tap {
                tap.session(&extranonce.session());
            }
            self.counters.begin_with(extranonce.prefix());
            self.extranonce = Some(extranonce);
            let weight = state.jobs.vardiff().target();
            state.assignment.take(weight, self.dialect.learns_address());
        }
        let prefix = self.extranonce.as_ref().and_then(Extranonce::prefix).map(tracing::field::display);
        debug!(peer = %self.peer, session = self.id, agent = subscribe.agent, prefix, "a miner subscribed");
    }

    fn subscribed(&self) -> Reply {
        Reply::Subscribed {
            session: self.extranonce.as_ref().map(Extranonce::session).unwrap_or_default(),
            prefix: self.extranonce.as_ref().and_then(Extranonce::prefix),
            address: self.job_channel.state().assignment.address(),
        }
    }

    pub(super) async fn connect(&mut self, id: Id, connect: &Connect) -> Flow {
        self.note_subscription(&connect.subscribe);
        let granted = self.subscribed();
        self.grant(id, &connect.authorize, granted).await
    }

    /// What a miner says of itself proves nothing: it is kept separately from its shares.
    pub(super) async fn speed(&self, id: Id, speed: f64) -> Flow {
        debug!(peer = %self.peer, session = self.id, speed, "a miner reported its speed");
        if let Some(login) = self.logins.last() {
            self.server.workers.claim(login, speed, unix_seconds());
        }
        self.reply(id, Reply::Done).await
    }

    pub(super) async fn authorize(&mut self, id: Id, authorize: &Authorize) -> Flow {
        if !self.subscribed {
            return self.refuse(id, Reject::NotSubscribed).await;
        }
        self.grant(id, authorize, Reply::Done).await
    }

    async fn grant(&mut self, id: Id, authorize: &Authorize, granted: Reply) -> Flow {
        let parsed = match &authorize.worker {
            Some(worker) => login::parse_account_and_worker(&authorize.login, worker),
            None => login::parse_login(&authorize.login),
        };
        let worker = match parsed {
            Ok(worker) => worker,
            Err(reason) => return self.refuse(id, Reject::BadLogin(reason.to_string())).await,
        };
        if let Some(left) = self.peer_state.ticket().worker_banned(&worker) {
            let _ = self.refuse(id, Reject::WorkerBanned(left.as_secs().div_ceil(60))).await;
            return Flow::Break(());
        }
        let password = authorize.password.as_deref().map(password_options::without);
        if let Err(reject) = self.server.accept.users.check(&worker.account, password).await {
            return self.refuse_login(id, reject, &worker).await;
        }
        info!(peer = %self.peer, session = self.id, account = worker.account, worker = worker.name, "a miner logged in");
        self.recall(&worker);
        self.server.sessions.log_in(&self.peer_state, &worker);
        self.log_in(worker);
        let password = authorize.password.as_deref().unwrap_or_default();
        {
            let mut state = self.job_channel.state();
            if let Some(aim) = password_options::in_password(password) {
                state.jobs.vardiff().aim_at(aim);
            }
            if password_options::powers_of_two(password) {
                state.jobs.vardiff().keep_to(Steps::PowersOfTwo);
            }
        }
        self.reply(id, granted).await?;
        // Only after the answer: the first work comes after it.
        self.job_channel.speak(self.dialect);
        self.job_channel.follow(&self.server);
        self.look()
    }

    /// Recalls what is known of the worker, for the first target of the session.
    fn recall(&mut self, worker: &Worker) {
        let workers = &self.server.workers;
        let resumed = self.extranonce.as_ref().and_then(Extranonce::last_target);
        let known = workers.last_target(worker).filter(|_| self.logins.is_empty() && resumed.is_none());
        let least = workers.least(&worker.account, unix_seconds());
        let mut state = self.job_channel.state();
        if let Some(target) = known {
            state.jobs.vardiff().recall(target);
        }
        state.jobs.vardiff().hold_at(least);
    }

    async fn refuse_login(&mut self, id: Id, reject: Reject, worker: &Worker) -> Flow {
        debug!(peer = %self.peer, session = self.id, account = worker.account, reason = %reject, "refused a login");
        if reject != Reject::WrongPassword {
            return self.refuse(id, reject).await;
        }
        self.wrong_passwords += 1;
        self.refuse(id, reject).await?;
        if self.wrong_passwords < MAX_WRONG_PASSWORDS {
            return Flow::Continue(());
        }
        self.peer_state.strike(Some(worker));
        self.close(Reject::TooManyTries).await
    }

    fn log_in(&mut self, worker: Worker) {
        self.server.stats.note_login(&worker, self.peer);
        self.logins.retain(|login| *login != worker);
        if self.logins.len() == MAX_LOGINS {
            self.logins.remove(0);
        }
        self.present.retain(|presence| self.logins.contains(presence.worker()));
        self.present.push(self.server.workers.arrive(&worker));
        self.logins.push(worker);
        self.unauthenticated.is_known();
    }

    pub(super) async fn suggest(&mut self, id: Id, suggest: Suggest) -> Flow {
        self.job_channel.state().jobs.vardiff().aim_at(Aim::Fixed(suggest.target));
        self.reply(id, Reply::Done).await?;
        self.look()
    }

    pub(super) async fn time_out(&mut self) -> Flow {
        let missing = if self.subscribed { "mining.authorize" } else { "mining.subscribe" };
        debug!(peer = %self.peer, session = self.id, missing, "a miner was too slow");
        self.close(Reject::HandshakeTimeout(missing)).await
    }
}
