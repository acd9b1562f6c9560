//! What is owed, for others to pay: rounds, their dumps, and the care that neither is lost.
//!
//! # Layout
//! - [`rounds`]: from a block to what our solutions in it earn; which shares may leave.
//! - [`dump`]: a JSON file per block of ours, from which payouts are made.
//! - [`audit`]: watches the sums of the books, and who finds too little.
//! - [`backup`]: copies of the books, and their return; [`restored_epoch_gate`]: when shares are credited again after it.

pub mod audit;
pub mod backup;
pub mod dump;
pub mod restored_epoch_gate;
pub mod rounds;
