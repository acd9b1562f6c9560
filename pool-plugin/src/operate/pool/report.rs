//! What is checked each second: verification, the puzzle, incoming shares, disk space; and the log line of
//! each minute.

use std::time::Duration;

use pool_core::health::Part;
use tokio::time::Instant;
use tracing::{info, warn};

use super::chain_services::ChainServices;
use crate::{
    ledger::disk::Space,
    release::budget::Budget,
    stratum::{health::Silence, vardiff::Brake},
    verify::{health, verifier},
};

/// How often the log line is written.
const SUMMARY_INTERVAL: Duration = Duration::from_secs(60);

impl ChainServices {
    /// Reports on the verification threads and the puzzle each second, and logs the pool's figures each
    /// minute.
    pub(super) async fn report(self) {
        let verifier = self.parts.intake.verifier();
        let mut looks = tokio::time::interval(Duration::from_secs(1));
        let mut last_summary = Instant::now();
        let (mut brake, mut verified, mut silence) =
            (Brake::default(), verifier.verified(), Silence::default());
        while self.stop.run_until_cancelled(looks.tick()).await.is_some() {
            let verification = health::verification(verifier.queued(), verifier::CAPACITY);
            self.parts.board.report(Part::Verification, verification);
            self.look_around(&mut silence);
            let before = std::mem::replace(&mut verified, verifier.verified());
            let doublings = brake.look(self.parts.server.now(), verifier.queued(), verified - before);
            self.parts.brake(doublings);
            let puzzle = self.parts.evaluator.stats();
            self.parts.board.report(Part::Puzzle, health::puzzle(&puzzle));
            if last_summary.elapsed() >= SUMMARY_INTERVAL {
                last_summary = Instant::now();
                info!(
                    verified = verifier.verified(),
                    checked_by_snarkvm = nonzero(puzzle.checked),
                    wrong = nonzero(puzzle.wrong),
                    fallback_epochs = nonzero(puzzle.fallback_epochs),
                    "{}",
                    self.parts.summary()
                );
                self.tell_budget();
            }
        }
    }

    /// Reports on incoming shares, and on disk space.
    fn look_around(&self, silence: &mut Silence) {
        let (now, board) = (self.parts.server.stats.snapshot(), &self.parts.board);
        board.report(Part::Shares, silence.look(now.accepted, now.connections, self.parts.server.now()));
        if let Ok(space) = Space::of(&self.parts.config.data) {
            board.report(Part::Disk, space.judge());
        }
    }

    fn tell_budget(&self) {
        for address in self.parts.addresses.all() {
            match Budget::read(&*self.chain, address) {
                Ok(budget) => info!(%address, "{budget}"),
                Err(error) => warn!(%address, %error, "cannot read the stake"),
            }
        }
    }
}

/// For the log, which omits `None`.
fn nonzero(count: u64) -> Option<u64> {
    (count > 0).then_some(count)
}
