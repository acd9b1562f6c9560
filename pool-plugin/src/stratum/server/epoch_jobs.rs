//! The jobs that a session got in one epoch, and the target of each. Pure.

use std::{collections::VecDeque, time::Duration};

use pool_core::{chain::Epoch, types::Address};

use crate::stratum::{intake::AssignedJob, wire::message::Job};

/// How long the shares of a job keep its target after the next one was sent.
pub const OLD_TARGET: Duration = Duration::from_secs(10);
/// The most addresses of an epoch that are remembered.
const MOST_ADDRESSES: usize = 16;

/// A session's jobs of an epoch; never empty.
#[derive(Clone, Debug)]
pub(super) struct EpochJobs {
    last: Job,
    /// Earlier jobs whose targets are still valid.
    before: VecDeque<Before>,
    /// The addresses of the jobs, each with its first serial; the last job's is the last.
    addresses: Vec<(u8, Address)>,
}

/// The job that a share names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResolvedJob {
    pub job: AssignedJob,
    /// Which of the epoch's jobs.
    pub serial: u8,
}

#[derive(Clone, Copy, Debug)]
struct Before {
    serial: u8,
    target: u64,
    until: Duration,
}

impl EpochJobs {
    /// An epoch's first job for this address.
    pub(super) fn begin(epoch: Epoch, address: Address) -> Self {
        let last = Job { epoch: epoch.number, serial: 0, epoch_hash: epoch.hash, address };
        Self { last, before: VecDeque::new(), addresses: vec![(last.serial, address)] }
    }

    pub(super) fn last(&self) -> Job {
        self.last
    }

    pub(super) fn epoch(&self) -> Epoch {
        Epoch { number: self.last.epoch, hash: self.last.epoch_hash }
    }

    /// Adds a job; `target` is that of the job before it.
    pub(super) fn follow_with(&mut self, next: Job, target: u64, now: Duration) {
        while self.before.front().is_some_and(|before| before.until <= now) {
            self.before.pop_front();
        }
        self.before.push_back(Before { serial: self.last.serial, target, until: now + OLD_TARGET });
        if next.address != self.last.address {
            if self.addresses.len() == MOST_ADDRESSES {
                self.addresses.remove(0);
            }
            self.addresses.push((next.serial, next.address));
        }
        self.last = next;
    }

    /// All addresses that had jobs, the last job's last.
    pub(super) fn addresses(&self) -> impl Iterator<Item = Address> + '_ {
        self.addresses.iter().map(|(_, address)| *address)
    }

    fn address_of(&self, serial: u8) -> Option<Address> {
        let of = self.addresses.iter().rev().find(|(first, _)| *first <= serial);
        of.map(|(_, address)| *address)
    }

    /// The last job; `target` is its target, here and below.
    pub(super) fn last_found(&self, target: u64) -> ResolvedJob {
        let Job { epoch, serial, epoch_hash, address } = self.last;
        ResolvedJob { job: AssignedJob { epoch, epoch_hash, address, target }, serial }
    }

    /// The job with this serial and the target its shares are judged by: its own, or the last job's if it is
    /// long over. For a job that was never sent the last one. The address is the one the job was sent with:
    /// for any other the counter solves nothing.
    pub(super) fn find(&self, serial: Option<u8>, target: u64, now: Duration) -> ResolvedJob {
        let last = self.last_found(target);
        let sent = serial.filter(|serial| *serial <= self.last.serial);
        let Some((serial, address)) = sent.and_then(|serial| Some((serial, self.address_of(serial)?))) else {
            return last;
        };
        let mut before = self.before.iter().filter(|before| now < before.until);
        match before.find(|before| before.serial == serial) {
            Some(&Before { target, .. }) => {
                ResolvedJob { job: AssignedJob { target, address, ..last.job }, serial }
            }
            None if address == last.job.address => last,
            None => ResolvedJob { job: AssignedJob { address, ..last.job }, serial },
        }
    }
}
