//! The state of one connection: shared by its session, its submissions in flight and the admin.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use parking_lot::Mutex;
use pool_core::{reject::Reject, types::Worker};
use tokio::sync::mpsc;

use super::{
    gate::Ticket,
    misbehavior::{Misbehavior, Penalty, Verdict},
};
use crate::verify::fair_queue::Lane;

/// The most orders that wait for a session which is busy writing; further ones are dropped.
const WAITING_ORDERS: usize = 8;

/// What a session has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Send job and target once more.
    ResendWork,
    /// Ask the miner to reconnect.
    AskReconnect,
    /// Close, with this as the last message.
    Close(Reject),
    /// Use this target, as far as the chain allows it.
    SetTarget(u64),
}

/// The state of a connection.
pub struct PeerState {
    /// Unique within this process.
    number: u64,
    /// Over TLS, or from this machine: nobody else can read a password.
    private: bool,
    ticket: Ticket,
    misbehavior: Mutex<Misbehavior>,
    accepted: AtomicU64,
    refused: AtomicU64,
    orders: mpsc::Sender<Order>,
}

impl PeerState {
    /// The state of a new connection, and the orders for its session.
    pub fn new(ticket: Ticket, tls: bool) -> (Self, mpsc::Receiver<Order>) {
        static NUMBERS: AtomicU64 = AtomicU64::new(0);
        let (orders, received) = mpsc::channel(WAITING_ORDERS);
        let peer_state = Self {
            number: NUMBERS.fetch_add(1, Relaxed),
            private: tls || ticket.source().is_this_machine(),
            ticket,
            misbehavior: Mutex::default(),
            accepted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            orders,
        };
        (peer_state, received)
    }

    pub fn number(&self) -> u64 {
        self.number
    }

    pub fn is_private(&self) -> bool {
        self.private
    }

    pub fn ticket(&self) -> &Ticket {
        &self.ticket
    }

    /// Shares accepted and refused.
    pub fn shares(&self) -> (u64, u64) {
        (self.accepted.load(Relaxed), self.refused.load(Relaxed))
    }

    /// The lane in which its shares wait for verification.
    pub fn lane(&self) -> Lane {
        match self.misbehavior.lock().is_proven() {
            true => Lane::Proven(self.number),
            false => Lane::UnauthenticatedSession(self.ticket.source(), self.number),
        }
    }

    /// A share was accepted.
    pub fn accepted(&self) {
        self.accepted.fetch_add(1, Relaxed);
        self.misbehavior.lock().note(Verdict::Good);
        self.ticket.reward();
    }

    /// A share was refused.
    pub fn refused(&self, reject: &Reject) {
        self.refused.fetch_add(1, Relaxed);
        let verdict = Verdict::of(reject);
        if verdict == Verdict::Neutral || !self.ticket.is_accountable() {
            return;
        }
        let step = self.misbehavior.lock().note(verdict);
        match step {
            Some(Penalty::ResendWork) => self.order(Order::ResendWork),
            Some(Penalty::AskReconnect) => self.order(Order::AskReconnect),
            Some(Penalty::Drop) => self.order(Order::Close(Reject::BadConduct)),
            None => {}
        }
    }

    /// The connection is dropped for its behaviour.
    pub fn strike(&self, login: Option<&Worker>) {
        self.ticket.strike(login);
    }

    /// Sends an order to the session. A session that does not read its orders is about to be closed anyway.
    pub fn order(&self, order: Order) {
        let _ = self.orders.try_send(order);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stratum::guard::Gate;

    fn peer_state(gate: &std::sync::Arc<Gate>) -> (PeerState, mpsc::Receiver<Order>) {
        let Ok(ticket) = gate.enter("198.51.100.7".parse().unwrap()) else { panic!("refused") };
        PeerState::new(ticket, false)
    }

    #[test]
    fn bad_shares_lead_to_orders_one_step_after_the_other() {
        let (peer_state, mut orders) = peer_state(&Gate::settled(1));
        (0..1000).for_each(|_| peer_state.refused(&Reject::NoAnswer));
        assert_eq!(orders.try_recv(), Ok(Order::ResendWork));
        assert_eq!(orders.try_recv(), Ok(Order::AskReconnect));
        assert_eq!(orders.try_recv(), Ok(Order::Close(Reject::BadConduct)));
        assert!(orders.try_recv().is_err());
        assert_eq!(peer_state.shares(), (0, 1000));
    }

    #[test]
    fn stale_shares_and_the_time_after_our_start_lead_to_none() {
        let (stale, mut orders) = peer_state(&Gate::settled(1));
        (0..1000).for_each(|_| stale.refused(&Reject::Stale));
        assert!(orders.try_recv().is_err());
        let (early, mut orders) = peer_state(&Gate::new(1));
        (0..1000).for_each(|_| early.refused(&Reject::Duplicate));
        assert!(orders.try_recv().is_err());
    }

    #[test]
    fn a_good_share_gives_a_lane_of_its_own() {
        let (peer_state, _orders) = peer_state(&Gate::settled(1));
        assert!(matches!(peer_state.lane(), Lane::UnauthenticatedSession(..)));
        peer_state.accepted();
        assert_eq!(peer_state.lane(), Lane::Proven(peer_state.number()));
    }
}
