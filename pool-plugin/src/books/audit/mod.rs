//! Checks the books while the pool runs: whether the ledger's sums match its shares, and whether an account
//! submits shares but no solutions.
//!
//! # Layout
//! - [`books`]: Σ accounts = Σ shares = rounds.
//! - [`history`]: the work and the finds of each account.
//! - `health`: what both mean for the operator.
//! - [`report`]: the same as a text for people, from a database.
//!
//! Everything here reads the disk: call it from a blocking thread.

pub mod books;
mod health;
pub mod history;
pub mod report;
#[cfg(test)]
mod tests;

use pool_core::{
    chain::ChainState,
    health::{HealthBoard, Part, Report},
};
use tokio::{
    sync::watch,
    time::{Duration, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use self::{books::Books, history::AuditHistory};
use crate::ledger::{ReadError, ShareLedger};

const INTERVAL: Duration = Duration::from_secs(30);

/// Checks the books every half minute, until `stop`.
pub async fn run(
    ledger: ShareLedger,
    state: watch::Receiver<ChainState>,
    board: HealthBoard,
    stop: CancellationToken,
) {
    let mut looks = interval(INTERVAL);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut auditor = Auditor::default();
    while stop.run_until_cancelled(looks.tick()).await.is_some() {
        let Some(puzzle) = state.borrow().puzzle else { continue };
        let ledger = ledger.clone();
        let looked = tokio::task::spawn_blocking(move || {
            let looked = auditor.look(&ledger, puzzle.proof_target);
            (auditor, looked)
        });
        let Ok((kept, looked)) = looked.await else { return };
        auditor = kept;
        match looked {
            Ok((books, finds)) => {
                board.report(Part::Books, books);
                board.report(Part::Finds, finds);
            }
            // The ledger reports its own failures.
            Err(error) => tracing::debug!(%error, "could not check the books"),
        }
    }
}

/// What is kept from one check to the next.
#[derive(Default)]
struct Auditor {
    /// `None` before the first check.
    books: Option<Books>,
    /// What was found wrong; it is not cleared.
    wrong: Option<String>,
    history: AuditHistory,
}

impl Auditor {
    fn look(&mut self, ledger: &ShareLedger, proof_target: u64) -> Result<(Report, Report), ReadError> {
        let rounds = ledger.rounds()?;
        let sums = match &mut self.books {
            None => {
                self.books = Some(Books::begin(ledger)?);
                Ok(())
            }
            Some(books) => books.go_on(ledger)?,
        };
        let checked = sums.and(books::check_rounds(&rounds, ledger.last_seq()?));
        self.wrong = self.wrong.take().or(checked.err());
        self.history.go_on(ledger, &rounds, proof_target)?;
        let finds = self.history.finds(ledger)?;
        let effort = self.history.open_effort_permille(proof_target);
        Ok((health::books(self.wrong.as_deref()), health::finds(&finds, effort)))
    }
}
