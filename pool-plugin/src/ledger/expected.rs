//! Finds on their way into the database, for the block that comes before them.
//!
//! While the disk fails, a find waits for its record and may land meanwhile. Once the disk is well again, find and block
//! are both tried at moments of their own. The round that the block cuts must know its finder whichever comes first:
//! SOLO pays him, and a round never changes.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use crate::{core::types::SolutionId, ledger::records::SolutionRecord};

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
