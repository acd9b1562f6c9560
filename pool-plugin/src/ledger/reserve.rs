//! Share keys that are taken while their share is verified and written.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use parking_lot::Mutex;

use crate::ledger::{
    errors::{ReadError, ReserveError},
    records::ShareKey,
};

/// The keys in flight, and the epochs that are still open.
#[derive(Debug, Default)]
pub(super) struct InFlightKeys {
    in_flight: Mutex<HashSet<ShareKey>>,
    open_from: AtomicU32,
}

/// A key that belongs to its holder until dropped: no one else can reserve it. Dropping it without an
/// [`append`](crate::ledger::ShareLedger::append) frees the key.
#[derive(Debug)]
#[must_use = "the key is free again as soon as this is dropped"]
pub struct Reservation {
    key: ShareKey,
    in_flight: Arc<InFlightKeys>,
}

impl Reservation {
    pub fn key(&self) -> &ShareKey {
        &self.key
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.in_flight.in_flight.lock().remove(&self.key);
    }
}

impl InFlightKeys {
    /// Takes `key` unless it is taken or `stored` says the database has it.
    ///
    /// The key is marked before the database is asked: the writer drops a reservation only after its share is
    /// readable, so at no moment in between can a duplicate pass.
    pub(super) fn reserve(
        self: &Arc<Self>,
        key: ShareKey,
        stored: impl FnOnce() -> Result<bool, ReadError>,
    ) -> Result<Reservation, ReserveError> {
        let open_from = self.open_from();
        if key.epoch < open_from {
            return Err(ReserveError::EpochClosed { epoch: key.epoch, open_from });
        }
        if !self.in_flight.lock().insert(key) {
            return Err(ReserveError::Duplicate);
        }
        let reservation = Reservation { key, in_flight: Arc::clone(self) };
        if stored()? {
            return Err(ReserveError::Duplicate);
        }
        Ok(reservation)
    }

    /// The first epoch whose keys are kept.
    pub(super) fn open_from(&self) -> u32 {
        self.open_from.load(Ordering::Acquire)
    }

    pub(super) fn set_open_from(&self, epoch: u32) {
        self.open_from.store(epoch, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use pool_core::types::Address;

    use super::*;

    fn key(epoch: u32, counter: u64) -> ShareKey {
        ShareKey { epoch, address: Address::default(), counter }
    }

    #[test]
    fn a_key_is_taken_until_its_reservation_is_dropped() {
        let in_flight = Arc::new(InFlightKeys::default());
        let held = in_flight.reserve(key(3, 7), || Ok(false)).unwrap();
        assert_eq!(in_flight.reserve(key(3, 7), || Ok(false)).unwrap_err(), ReserveError::Duplicate);
        let _other = in_flight.reserve(key(3, 8), || Ok(false)).unwrap();
        drop(held);
        let _ = in_flight.reserve(key(3, 7), || Ok(false)).unwrap();
    }

    #[test]
    fn a_refused_attempt_does_not_free_the_holders_key() {
        let in_flight = Arc::new(InFlightKeys::default());
        let _held = in_flight.reserve(key(3, 7), || Ok(false)).unwrap();
        for _ in 0..2 {
            assert_eq!(in_flight.reserve(key(3, 7), || Ok(false)).unwrap_err(), ReserveError::Duplicate);
        }
    }

    #[test]
    fn a_stored_key_or_a_failed_look_up_leaves_nothing_behind() {
        let in_flight = Arc::new(InFlightKeys::default());
        assert_eq!(in_flight.reserve(key(3, 7), || Ok(true)).unwrap_err(), ReserveError::Duplicate);
        let closed = in_flight.reserve(key(3, 7), || Err(ReadError::Closed)).unwrap_err();
        assert_eq!(closed, ReserveError::Storage(ReadError::Closed));
        let _ = in_flight.reserve(key(3, 7), || Ok(false)).unwrap();
    }

    #[test]
    fn a_closed_epoch_is_refused() {
        let in_flight = Arc::new(InFlightKeys::default());
        in_flight.set_open_from(3);
        let error = in_flight.reserve(key(2, 7), || Ok(false)).unwrap_err();
        assert_eq!(error, ReserveError::EpochClosed { epoch: 2, open_from: 3 });
        let _ = in_flight.reserve(key(3, 7), || Ok(false)).unwrap();
    }
}
