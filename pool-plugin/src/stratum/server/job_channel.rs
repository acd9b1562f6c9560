//! What a miner has to work on. Whichever learns of a change first sends it: the session itself, or the
//! broadcaster, which goes through all sessions and wakes none.

use std::{collections::VecDeque, sync::Arc};

use parking_lot::{Mutex, MutexGuard};
use pool_core::{
    chain::addresses::{Assignment, Recheck},
    meters::meters,
    reject::Reject,
};
use tokio::sync::Notify;

use super::{
    capture::{Spoken, Tap},
    jobs::{JobBook, Moment},
    outbox::{Broken, Outbox},
    shared::Server,
};
use crate::stratum::wire::{
    dialects::Dialect,
    message::{News, Work},
};

/// One session's work.
pub(super) struct JobChannel {
    out: Outbox,
    tap: Option<Arc<Tap>>,
    state: Mutex<State>,
    /// Wakes the session when it has something to do.
    wake: Notify,
}

/// The state under the lock: no code waits while holding it.
pub(super) struct State {
    pub(super) jobs: JobBook,
    /// The address of the jobs.
    pub(super) assignment: Assignment,
    /// The miner's dialect, once a login has succeeded.
    dialect: Option<Dialect>,
    /// The last work that was sent to the miner.
    work: Option<Work>,
    /// Work that the connection had no room for, the oldest first. There is little of it: a miner that does
    /// not read is disconnected.
    late: VecDeque<Work>,
    must_reconnect: bool,
    /// Why the connection has to close.
    closing: Option<Reject>,
}

/// Why a session is woken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wake {
    /// There is work that the connection had no room for.
    Late,
    /// The miner has to reconnect: for another address, or because sending failed.
    Reconnect,
    /// The pool serves nobody for now.
    Close(Reject),
}

impl JobChannel {
    pub(super) fn new(out: Outbox, tap: Option<Arc<Tap>>, jobs: JobBook, assignment: Assignment) -> Self {
        let state = State {
            jobs,
            assignment,
            dialect: None,
            work: None,
            late: VecDeque::new(),
            must_reconnect: false,
            closing: None,
        };
        Self { out, tap, state: Mutex::new(state), wake: Notify::new() }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// A login has succeeded, or the dialect has changed.
    pub(super) fn speak(&self, dialect: Dialect) {
        self.state.lock().dialect = Some(dialect);
    }

    /// Sends the miner what the chain's state means for it.
    pub(super) fn follow(&self, server: &Server) {
        // The chain's state is read under the lock: a login in the meantime comes either before the broadcaster, or after
        // the state.
        let mut state = self.state.lock();
        let Some(dialect) = state.dialect else { return };
        let chain = server.chain_news.state();
        if let Some(closing) = chain.sync.closing() {
            state.closing = Some(closing);
            return self.wake.notify_one();
        }
        if let Some(puzzle) = &chain.puzzle {
            let weight = state.jobs.vardiff().target();
            if state.assignment.recheck(puzzle.mined_epoch().number, weight, dialect.learns_address())
                == Recheck::Reconnect
            {
                state.must_reconnect = true;
                return self.wake.notify_one();
            }
        }
        if let Some(tap) = &self.tap {
            tap.chain(&chain);
        }
        let moment = Moment { state: chain, ..state.moment(server) };
        let was_working = state.work.is_some();
        let Some(work) = state.jobs.follow(&moment) else { return };
        self.tell(server, &mut state, dialect, work);
        if was_working && work.news == (News::Job { clean: true }) {
            let known = server.epochs.known_since(work.job.epoch, moment.now);
            meters().push.record(server.now().saturating_sub(known));
        }
    }

    /// Whether the last news arrived is unknown: the miner has to reconnect rather than work on an old job.
    pub(super) fn give_up(&self) {
        self.state.lock().must_reconnect = true;
        self.wake.notify_one();
    }

    /// Changes the jobs or the target, and sends the result to the miner.
    pub(super) fn change(&self, server: &Server, change: impl FnOnce(&mut JobBook, &Moment) -> Option<Work>) {
        let mut state = self.state.lock();
        let moment = state.moment(server);
        let news = change(&mut state.jobs, &moment);
        if let (Some(dialect), Some(work)) = (state.dialect, news) {
            self.tell(server, &mut state, dialect, work);
        }
    }

    /// Sends the miner its work once more.
    pub(super) fn resend(&self, server: &Server) {
        let mut state = self.state.lock();
        if let (Some(dialect), Some(work)) = (state.dialect, state.work) {
            self.tell(server, &mut state, dialect, Work { news: News::Job { clean: true }, ..work });
        }
    }

    fn tell(&self, server: &Server, state: &mut State, dialect: Dialect, work: Work) {
        state.work = Some(work);
        server.chain_news.note_target(work.target);
        let bytes = server.encoded_jobs.work(dialect, work);
        if let Some(tap) = &self.tap {
            tap.said(Spoken::Unasked, &bytes);
        }
        // The session itself notices a broken connection.
        if !state.late.is_empty() || self.out.try_send(&bytes).is_none() {
            state.late.push_back(work);
            self.wake.notify_one();
        }
    }

    /// Waits until the session has something to do.
    pub(super) async fn woken(&self) -> Wake {
        loop {
            self.wake.notified().await;
            let state = self.state.lock();
            if let Some(closing) = &state.closing {
                return Wake::Close(closing.clone());
            }
            if state.must_reconnect {
                return Wake::Reconnect;
            }
            if !state.late.is_empty() {
                return Wake::Late;
            }
        }
    }

    /// Sends what there was no room for; returns once it has found some.
    pub(super) async fn catch_up(&self, server: &Server) -> Result<(), Broken> {
        loop {
            let (dialect, work) = {
                let state = self.state.lock();
                match (state.dialect, state.late.front()) {
                    (Some(dialect), Some(work)) => (dialect, *work),
                    _ => return Ok(()),
                }
            };
            self.out.send(&server.encoded_jobs.work(dialect, work)).await?;
            // Only now: later work must come after it.
            self.state.lock().late.pop_front();
        }
    }
}

impl State {
    /// The last target that was sent to the miner.
    pub(super) fn last_target(&self) -> Option<u64> {
        self.work.map(|work| work.target)
    }

    fn moment(&self, server: &Server) -> Moment {
        let address = self.assignment.address();
        Moment { now: server.now(), state: server.chain_news.state(), brake: server.brake(), address }
    }
}
