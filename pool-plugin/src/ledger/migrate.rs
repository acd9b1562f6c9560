//! From an older schema to this program's.
//!
//! Each step leads from one schema to the next and is one batch that also holds the new number: a crash
//! leaves the database before or after it, and the next start continues from there. Missing column families
//! are created when the database is opened, before any step.
//!
//! A record with a new version needs no step, because the old version stays readable (see `codec`). A step
//! too large for one batch may write several, if it can start over at any point, with the number last.

use crate::ledger::{
    changes::meta_change,
    errors::{OpenError, ReadError, damaged},
    schema::{Change, Meta, SCHEMA_VERSION},
    store::Store,
};

/// What a step adds to the batch with the new number.
type Step = fn(&Store) -> Result<Vec<Change>, ReadError>;

/// The step at index `n` leads from schema `n + 1`.
const STEPS: [Step; (SCHEMA_VERSION - 1) as usize] = [to_2];

/// Brings a database of schema `found` up to [`SCHEMA_VERSION`].
pub(super) fn migrate(store: &Store, found: u64) -> Result<(), OpenError> {
    let dir = store.dir();
    for (from, step) in (1..).zip(STEPS).skip_while(|(from, _)| *from < found) {
        let mut changes = step(store).map_err(|error| damaged(dir, error))?;
        changes.push(meta_change(Meta::Schema, from + 1));
        store.write(&changes).map_err(|reason| OpenError::Unwritable { dir: dir.to_owned(), reason })?;
        tracing::info!(dir = %dir.display(), from, to = from + 1, "upgraded the share database's schema");
    }
    Ok(())
}

/// Shares may be retired: until now the first one was always number 1.
fn to_2(_: &Store) -> Result<Vec<Change>, ReadError> {
    Ok(vec![meta_change(Meta::SharesFrom, 1u64)])
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::SeqCst;

    use pool_core::types::Network;

    use super::*;
    use crate::ledger::database::open_database;

    fn store_of_schema_1(dir: &std::path::Path) -> Store {
        let store = Store::new(dir, open_database(dir).unwrap(), None);
        let network = meta_change(Meta::Network, Network::Testnet.id());
        store.write(&[meta_change(Meta::Schema, 1u64), network]).unwrap();
        store
    }

    #[test]
    fn an_interrupted_step_changes_nothing_and_is_taken_again() {
        let dir = tempfile::tempdir().unwrap();
        let store = store_of_schema_1(dir.path());
        store.faults.fail_writes.store(true, SeqCst);
        let error = migrate(&store, 1).unwrap_err();
        assert!(matches!(error, OpenError::Unwritable { .. }), "{error}");
        assert_eq!((store.meta(Meta::Schema), store.meta(Meta::SharesFrom)), (Ok(Some(1)), Ok(None)));
        store.faults.fail_writes.store(false, SeqCst);
        migrate(&store, 1).unwrap();
        assert_eq!(store.meta(Meta::Schema), Ok(Some(SCHEMA_VERSION)));
        assert_eq!(store.meta(Meta::SharesFrom), Ok(Some(1)));
    }

    #[test]
    fn a_database_of_today_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let store = store_of_schema_1(dir.path());
        let writes = store.faults.writes.load(SeqCst);
        migrate(&store, SCHEMA_VERSION).unwrap();
        assert_eq!(store.faults.writes.load(SeqCst), writes);
    }
}
