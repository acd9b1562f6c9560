//! How many sessions there are and were, by dialect and state.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use pool_core::all_of;

use crate::stratum::wire::dialects::Dialect;

/// How far a session has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionState {
    Connected,
    Subscribed,
    Authorized,
}

/// The counts of all ports.
#[derive(Debug, Default)]
pub struct SessionCounts {
    now: [[AtomicU64; SessionState::ALL.len()]; Dialect::ALL.len()],
    total: [[AtomicU64; SessionState::ALL.len()]; Dialect::ALL.len()],
}

/// The sessions of one dialect in one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionCount {
    pub dialect: Dialect,
    pub state: SessionState,
    pub now: u64,
    /// That ever were.
    pub total: u64,
}

impl SessionState {
    pub const ALL: [Self; 3] = all_of!(SessionState: Connected, Subscribed, Authorized);

    /// A name for labels.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Subscribed => "subscribed",
            Self::Authorized => "authorized",
        }
    }
}

impl SessionCounts {
    /// Every dialect in every state, including empty ones.
    pub fn counts(&self) -> Vec<SessionCount> {
        let cell = |(dialect, state): (Dialect, SessionState)| SessionCount {
            dialect,
            state,
            now: self.now[dialect.index()][state as usize].load(Relaxed),
            total: self.total[dialect.index()][state as usize].load(Relaxed),
        };
        let states = |dialect| SessionState::ALL.into_iter().map(move |state| (dialect, state));
        Dialect::ALL.into_iter().flat_map(states).map(cell).collect()
    }

    /// A session that has just connected.
    pub(super) fn enter(self: &Arc<Self>, dialect: Dialect) -> Counted {
        let counted = Counted { session_counts: Arc::clone(self), dialect, state: SessionState::Connected };
        counted.arrive();
        counted
    }
}

/// A session in its place; leaves it when dropped.
#[derive(Debug)]
pub(super) struct Counted {
    session_counts: Arc<SessionCounts>,
    dialect: Dialect,
    state: SessionState,
}

impl Counted {
    /// The session now has this dialect and this state.
    pub(super) fn is(&mut self, dialect: Dialect, state: SessionState) {
        if self.dialect.index() != dialect.index() || self.state != state {
            self.leave();
            (self.dialect, self.state) = (dialect, state);
            self.arrive();
        }
    }

    fn arrive(&self) {
        let (dialect, state) = (self.dialect.index(), self.state as usize);
        self.session_counts.now[dialect][state].fetch_add(1, Relaxed);
        self.session_counts.total[dialect][state].fetch_add(1, Relaxed);
    }

    fn leave(&self) {
        self.session_counts.now[self.dialect.index()][self.state as usize].fetch_sub(1, Relaxed);
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_counted_once_where_it_is_and_once_wherever_it_was() {
        let session_counts = Arc::new(SessionCounts::default());
        let count = |dialect, state| {
            let counts = session_counts.counts();
            let found = counts.iter().find(|count| (count.dialect, count.state) == (dialect, state)).unwrap();
            (found.now, found.total)
        };
        let mut session = session_counts.enter(Dialect::Json);
        let _other = session_counts.enter(Dialect::Json);
        session.is(Dialect::AleoStratum, SessionState::Subscribed);
        session.is(Dialect::AleoStratum, SessionState::Subscribed);
        assert_eq!(count(Dialect::Json, SessionState::Connected), (1, 2));
        assert_eq!(count(Dialect::AleoStratum, SessionState::Subscribed), (1, 1));
        drop(session);
        assert_eq!(count(Dialect::AleoStratum, SessionState::Subscribed), (0, 1));
    }
}
