//! A connection's behaviour. A machine that sends nothing but bad shares is helped first: the job is sent
//! again, then it is asked to reconnect; only then is it dropped. Pure.

use pool_core::reject::Reject;

/// How much a good share makes up for: a connection with more bad shares than this per good one is dropped.
const MAKES_UP: u32 = 4;
/// The scores at which the job is sent again, the miner is asked to reconnect, and the connection is dropped.
const STEPS: [(u32, Penalty); 3] =
    [(16, Penalty::ResendWork), (64, Penalty::AskReconnect), (256, Penalty::Drop)];

/// What to do about a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Penalty {
    /// It may have missed its job or target.
    ResendWork,
    /// A restart of the connection may help.
    AskReconnect,
    Drop,
}

/// What an answer says about the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Good,
    Bad,
    /// Nobody's fault, or ours: shares of the epoch that just ended, a full disk, a busy pool.
    Neutral,
}

/// Bad shares of a connection, offset by good ones.
#[derive(Clone, Debug, Default)]
pub struct Misbehavior {
    score: u32,
    proven: bool,
}

impl Verdict {
    /// What a refused share says about the sender.
    pub fn of(reject: &Reject) -> Self {
        match reject {
            Reject::LowDifficulty { .. }
            | Reject::NoAnswer
            | Reject::Duplicate
            | Reject::BadSubmit
            | Reject::BadCounter
            | Reject::JobNotFound => Self::Bad,
            Reject::NoJob
            | Reject::Stale
            | Reject::EpochEnded
            | Reject::BadSolution(_)
            | Reject::Busy
            | Reject::NotChecked
            | Reject::NotStored
            | Reject::NoNetwork(_) => Self::Neutral,
            // Not about a share: the login, the request or the connection has limits of its own.
            Reject::NotSubscribed
            | Reject::NotAuthorized
            | Reject::BadLogin(_)
            | Reject::UnsupportedVersion
            | Reject::BadParams(_)
            | Reject::UnknownMethod(_)
            | Reject::NotARequest(_)
            | Reject::LineTooLong(_)
            | Reject::TooMuchGarbage(_)
            | Reject::HandshakeTimeout(_)
            | Reject::NoService(_)
            | Reject::PoolFull
            | Reject::TooManyConnections(_)
            | Reject::Banned(_)
            | Reject::WorkerBanned(_)
            | Reject::BadConduct
            | Reject::Kicked
            | Reject::WrongPassword
            | Reject::NotPrivate
            | Reject::TooManyTries
            | Reject::NotAdmin
            | Reject::NotDone(_) => Self::Neutral,
        }
    }
}

impl Misbehavior {
    /// Notes an answer to a share; returns the step that is due now, if any.
    pub fn note(&mut self, verdict: Verdict) -> Option<Penalty> {
        match verdict {
            Verdict::Good => {
                self.proven = true;
                self.score = self.score.saturating_sub(MAKES_UP);
                None
            }
            Verdict::Bad => {
                self.score = self.score.saturating_add(1);
                STEPS.iter().find(|(at, _)| *at == self.score).map(|(_, step)| *step)
            }
            Verdict::Neutral => None,
        }
    }

    /// Whether its shares are checked before those of sessions that have not had a good one.
    pub fn is_proven(&self) -> bool {
        self.proven && self.score < STEPS[0].0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(misbehavior: &mut Misbehavior, verdict: Verdict, times: usize) -> Vec<Penalty> {
        (0..times).filter_map(|_| misbehavior.note(verdict)).collect()
    }

    #[test]
    fn nothing_but_bad_shares_is_helped_twice_and_then_dropped() {
        let mut misbehavior = Misbehavior::default();
        let all = [Penalty::ResendWork, Penalty::AskReconnect, Penalty::Drop];
        assert_eq!(steps(&mut misbehavior, Verdict::Bad, 1000), all);
    }

    #[test]
    fn a_good_share_makes_up_for_four_bad_ones() {
        let mut misbehavior = Misbehavior::default();
        for _ in 0..1000 {
            assert_eq!(steps(&mut misbehavior, Verdict::Bad, 4), []);
            assert_eq!(misbehavior.note(Verdict::Good), None);
        }
        for _ in 0..300 {
            steps(&mut misbehavior, Verdict::Bad, 5);
            misbehavior.note(Verdict::Good);
        }
        assert!(misbehavior.score >= 256, "one in six is not enough: {}", misbehavior.score);
    }

    #[test]
    fn what_is_not_its_fault_is_never_held_against_a_miner() {
        let mut misbehavior = Misbehavior::default();
        for reject in [Reject::Stale, Reject::NoJob, Reject::Busy, Reject::NotStored, Reject::NotChecked] {
            assert_eq!(Verdict::of(&reject), Verdict::Neutral, "{reject}");
            assert_eq!(steps(&mut misbehavior, Verdict::of(&reject), 10_000), []);
        }
        assert_eq!(Verdict::of(&Reject::Duplicate), Verdict::Bad);
    }

    #[test]
    fn who_is_proven_stays_so_while_it_behaves() {
        let mut misbehavior = Misbehavior::default();
        assert!(!misbehavior.is_proven());
        misbehavior.note(Verdict::Good);
        assert!(misbehavior.is_proven());
        steps(&mut misbehavior, Verdict::Bad, 16);
        assert!(!misbehavior.is_proven());
        misbehavior.note(Verdict::Good);
        assert!(misbehavior.is_proven());
    }
}
