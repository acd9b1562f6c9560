//! The bytes of work, encoded once for all sessions that get the same.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;

use crate::stratum::wire::{
    dialects::Dialect,
    message::{Message, Work},
};

/// Encoded works that are kept: more than a pool has different share targets at a time.
const CAPACITY: usize = 1024;

type Cache = HashMap<(Dialect, Work), Arc<[u8]>>;

/// Work in the encoding of each dialect.
#[derive(Default)]
pub(super) struct EncodedJobs(Mutex<Cache>);

impl EncodedJobs {
    pub(super) fn work(&self, dialect: Dialect, work: Work) -> Arc<[u8]> {
        let mut known = self.0.lock();
        let is_old = |known: &Work| known.job.epoch_hash != work.job.epoch_hash;
        if known.len() >= CAPACITY || known.keys().next().is_some_and(|(_, known)| is_old(known)) {
            known.clear();
        }
        let bytes =
            known.entry((dialect, work)).or_insert_with(|| dialect.encode(&Message::Work(work)).into());
        Arc::clone(bytes)
    }
}

#[cfg(test)]
mod tests {
    use pool_core::types::{Address, EpochHash};

    use super::*;
    use crate::stratum::wire::message::{Job, News};

    fn work(epoch: u32, target: u64) -> Work {
        let epoch_hash = EpochHash([epoch as u8; 32]);
        let job = Job { epoch, serial: 0, epoch_hash, address: Address([7; 32]) };
        Work { job, target, news: News::Job { clean: true } }
    }

    #[test]
    fn the_same_work_is_the_same_bytes_and_other_work_is_not() {
        let encoded_jobs = EncodedJobs::default();
        let say = |work| encoded_jobs.work(Dialect::AleoStratum, work);
        let first = say(work(1, 100));
        assert_eq!(first.to_vec(), Dialect::AleoStratum.encode(&Message::Work(work(1, 100))));
        assert!(Arc::ptr_eq(&first, &say(work(1, 100))));
        for other in [work(1, 200), work(2, 100), Work { news: News::Target, ..work(1, 100) }] {
            assert_eq!(say(other).to_vec(), Dialect::AleoStratum.encode(&Message::Work(other)));
        }
    }

    #[test]
    fn neither_old_jobs_nor_ever_new_targets_pile_up() {
        let encoded_jobs = EncodedJobs::default();
        for target in 1..5_000 {
            encoded_jobs.work(Dialect::AleoStratum, work(1, target));
            assert!(encoded_jobs.0.lock().len() <= CAPACITY);
        }
        encoded_jobs.work(Dialect::AleoStratum, work(2, 1));
        assert_eq!(encoded_jobs.0.lock().len(), 1);
    }
}
