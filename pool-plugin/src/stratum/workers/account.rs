//! Whether an account sends all its shares, and what follows if not.

use crate::stratum::vardiff::selection::Selection;

/// How long an account that withheld shares is held to one target, in seconds.
const HELD: u64 = 86_400;
/// How long a target counts as one of the account's, in seconds: longer than an epoch.
const RECENT: u64 = 3_600;

/// The evidence against an account, and its penalty.
#[derive(Debug, Default)]
pub(super) struct Account {
    selection: Selection,
    /// The highest recent target, and when a share last had it.
    highest: Option<(u64, u64)>,
    /// The one target, and until when.
    held: Option<(u64, u64)>,
}

impl Account {
    /// Notes a share. `true`: it is the one that proves withholding.
    pub(super) fn note(&mut self, target: u64, reached: u64, now: u64) -> bool {
        let highest = match self.highest {
            Some((highest, time)) if highest > target && time + RECENT > now => (highest, time),
            _ => (target, now),
        };
        self.highest = Some(highest);
        let withheld = self.selection.note(target, reached);
        if withheld {
            self.held = Some((highest.0, now + HELD));
        }
        withheld
    }

    /// The target the account is held to.
    pub(super) fn least(&self, now: u64) -> Option<u64> {
        self.held.filter(|(_, until)| now < *until).map(|(least, _)| least)
    }
}
