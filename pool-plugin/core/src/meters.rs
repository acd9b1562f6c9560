//! Timings on the path of a share and a job: histograms, for Prometheus.
//!
//! They go through the crate `metrics`, as the node's own figures do. The handles are created once, at the
//! first use: a program that wants the figures installs a recorder before it opens the pool; without one a
//! record costs next to nothing and goes nowhere. All are in seconds.

use std::sync::OnceLock;

use metrics::{Histogram, histogram};

/// From a new epoch's work being known to a session handing it to its socket.
pub const PUSH: &str = "pool_job_push_seconds";
/// How long the evaluation of a counter took.
pub const VERIFICATION: &str = "pool_verification_seconds";
/// How long a counter waited for its evaluation.
pub const VERIFICATION_WAIT: &str = "pool_verification_wait_seconds";
/// From a submission read to its answer handed to the socket.
pub const ACK: &str = "pool_ack_seconds";
/// A group of writes of the share ledger, until the disk has them.
pub const FSYNC: &str = "pool_fsync_seconds";

/// Every histogram, with its help text.
pub const HISTOGRAMS: [(&str, &str); 5] = [
    (PUSH, "From a new epoch's work being known to it being handed to a miner's socket"),
    (VERIFICATION, "The evaluation of one counter"),
    (VERIFICATION_WAIT, "The time a counter waits for its evaluation"),
    (ACK, "From a submission read to its answer handed to the socket"),
    (FSYNC, "One group of writes of the share ledger, until the disk has them"),
];

/// The handles.
pub struct Meters {
    pub push: Histogram,
    pub verification: Histogram,
    pub verification_wait: Histogram,
    pub ack: Histogram,
    pub fsync: Histogram,
}

impl Default for Meters {
    /// Registers each histogram with the recorder.
    fn default() -> Self {
        Self {
            push: histogram!(PUSH),
            verification: histogram!(VERIFICATION),
            verification_wait: histogram!(VERIFICATION_WAIT),
            ack: histogram!(ACK),
            fsync: histogram!(FSYNC),
        }
    }
}

/// The handles of this process.
pub fn meters() -> &'static Meters {
    static METERS: OnceLock<Meters> = OnceLock::new();
    METERS.get_or_init(Meters::default)
}
