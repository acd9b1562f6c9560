//! Finds not yet in the database, for a block that comes before their record.
//!
//! While the disk fails, a find waits for its record and may land in the meantime. Once the disk works again,
//! find and block are each retried in their own time. The round that the block closes must know the finder
//! whichever comes first: SOLO pays the finder, and a round never changes.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use pool_core::types::SolutionId;

use crate::ledger::records::SolutionRecord;

#[derive(Debug, Default)]
pub(super) struct ExpectedFinds(Mutex<BTreeMap<SolutionId, SolutionRecord>>);

impl ExpectedFinds {
    pub(super) fn add(&self, record: SolutionRecord) {
        self.0.lock().insert(record.solution.id(), record);
    }

    pub(super) fn remove(&self, id: SolutionId) {
        self.0.lock().remove(&id);
    }

    pub(super) fn among(&self, ids: impl Iterator<Item = SolutionId>) -> Vec<SolutionRecord> {
        let expected = self.0.lock();
        ids.filter_map(|id| expected.get(&id).cloned()).collect()
    }
}
