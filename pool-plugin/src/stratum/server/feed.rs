//! What a miner has to work on. Whichever learns of a change first sends it: the session itself, or the
//! pusher, which goes through all sessions and wakes none.

use std::{collections::VecDeque, sync::Arc};

use parking_lot::{Mutex, MutexGuard};
use pool_core::{
    chain::addresses::{Look, Seat},
    meters::meters,
    reject::Reject,
};
use tokio::sync::Notify;

use super::{
    capture::{Spoken, Tap},
    jobs::{JobBook, Moment},
    outbox::{Broken, Outbox},
    port::Port,
};
use crate::stratum::wire::{
    dialects::Dialect,
    message::{News, Work},
};

/// One session's work.
pub(super) struct Feed {
    out: Outbox,
    tap: Option<Arc<Tap>>,
    line: Mutex<Line>,
    /// Wakes the session when it has something to do.
    call: Notify,
}

/// The state under the lock: no code waits while holding it.
pub(super) struct Line {
    pub(super) jobs: JobBook,
    /// The address of the jobs.
    pub(super) seat: Seat,
    /// The miner's dialect, once a login has succeeded.
    audience: Option<Dialect>,
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
pub(super) enum Call {
    /// There is work that the connection had no room for.
    Late,
    /// The miner has to reconnect: for another address, or because sending failed.
    Reconnect,
    /// The pool serves nobody for now.
    Close(Reject),
}

impl Feed {
    pub(super) fn new(out: Outbox, tap: Option<Arc<Tap>>, jobs: JobBook, seat: Seat) -> Self {
        let line = Line {
            jobs,
            seat,
            audience: None,
            work: None,
            late: VecDeque::new(),
            must_reconnect: false,
            closing: None,
        };
        Self { out, tap, line: Mutex::new(line), call: Notify::new() }
    }

    pub(super) fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock()
    }

    /// A login has succeeded, or the dialect has changed.
    pub(super) fn speak(&self, dialect: Dialect) {
        self.line.lock().audience = Some(dialect);
    }

    /// Sends the miner what the chain's state means for it.
    pub(super) fn follow(&self, port: &Port) {
        // The state is read under the lock: a login in the meantime comes either before the pusher, or after
        // the state.
        let mut line = self.line.lock();
        let Some(dialect) = line.audience else { return };
        let state = port.bell.state();
        if let Some(closing) = state.sync.closing() {
            line.closing = Some(closing);
            return self.call.notify_one();
        }
        if let Some(puzzle) = &state.puzzle {
            let weight = line.jobs.vardiff().target();
            if line.seat.look(puzzle.mined_epoch().number, weight, dialect.learns_address())
                == Look::Reconnect
            {
                line.must_reconnect = true;
                return self.call.notify_one();
            }
        }
        if let Some(tap) = &self.tap {
            tap.chain(&state);
        }
        let moment = Moment { state, ..line.moment(port) };
        let was_working = line.work.is_some();
        let Some(work) = line.jobs.follow(&moment) else { return };
        self.tell(port, &mut line, dialect, work);
        if was_working && work.news == (News::Job { clean: true }) {
            let known = port.common.epochs.known_since(work.job.epoch, moment.now);
            meters().push.record(port.common.now().saturating_sub(known));
        }
    }

    /// Whether the last news arrived is unknown: the miner has to reconnect rather than work on an old job.
    pub(super) fn give_up(&self) {
        self.line.lock().must_reconnect = true;
        self.call.notify_one();
    }

    /// Changes the jobs or the target, and sends the result to the miner.
    pub(super) fn change(&self, port: &Port, change: impl FnOnce(&mut JobBook, &Moment) -> Option<Work>) {
        let mut line = self.line.lock();
        let moment = line.moment(port);
        let news = change(&mut line.jobs, &moment);
        if let (Some(dialect), Some(work)) = (line.audience, news) {
            self.tell(port, &mut line, dialect, work);
        }
    }

    /// Sends the miner its work once more.
    pub(super) fn resend(&self, port: &Port) {
        let mut line = self.line.lock();
        if let (Some(dialect), Some(work)) = (line.audience, line.work) {
            self.tell(port, &mut line, dialect, Work { news: News::Job { clean: true }, ..work });
        }
    }

    fn tell(&self, port: &Port, line: &mut Line, dialect: Dialect, work: Work) {
        line.work = Some(work);
        port.bell.note_target(work.target);
        let bytes = port.phrases.work(dialect, work);
        if let Some(tap) = &self.tap {
            tap.said(Spoken::Unasked, &bytes);
        }
        // The session itself notices a broken connection.
        if !line.late.is_empty() || self.out.try_send(&bytes).is_none() {
            line.late.push_back(work);
            self.call.notify_one();
        }
    }

    /// Waits until the session has something to do.
    pub(super) async fn called(&self) -> Call {
        loop {
            self.call.notified().await;
            let line = self.line.lock();
            if let Some(closing) = &line.closing {
                return Call::Close(closing.clone());
            }
            if line.must_reconnect {
                return Call::Reconnect;
            }
            if !line.late.is_empty() {
                return Call::Late;
            }
        }
    }

    /// Sends what there was no room for; returns once it has found some.
    pub(super) async fn catch_up(&self, port: &Port) -> Result<(), Broken> {
        loop {
            let (dialect, work) = {
                let line = self.line.lock();
                match (line.audience, line.late.front()) {
                    (Some(dialect), Some(work)) => (dialect, *work),
                    _ => return Ok(()),
                }
            };
            self.out.send(&port.phrases.work(dialect, work)).await?;
            // Only now: later work must come after it.
            self.line.lock().late.pop_front();
        }
    }
}

impl Line {
    /// The last target that was sent to the miner.
    pub(super) fn told(&self) -> Option<u64> {
        self.work.map(|work| work.target)
    }

    fn moment(&self, port: &Port) -> Moment {
        let common = &port.common;
        let address = self.seat.address();
        Moment { now: common.now(), state: port.bell.state(), brake: common.brake(), address }
    }
}
