//! Tests of the ledger as a whole.

mod write_faults;
