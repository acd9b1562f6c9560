//! Why a miner's message is refused: one enum holds the code and the text of every refusal.
//!
//! An answer to a share never has a message of more than [`SHARE_MESSAGE_LIMIT`] bytes: the JSON-RPC library
//! of the only open client treats longer messages, and members it does not know, as a broken connection. The
//! numbers inside are shortened to fit; the log has them in full.

use std::fmt;

use crate::all_of;

/// The longest message of an answer to `mining.submit`, in bytes.
pub const SHARE_MESSAGE_LIMIT: usize = 31;

/// The refusal codes of the stratum family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RejectCode {
    Other,
    Stale,
    Duplicate,
    LowDifficulty,
    Unauthorized,
    NotSubscribed,
}

/// Why a message is refused. The miner sees this text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reject {
    // Answers to a share.
    #[error("not subscribed, subscribe first")]
    NotSubscribed,
    #[error("not authorized, authorize first")]
    NotAuthorized,
    /// This session never got a job: the node has not been synced since it connected.
    #[error("no job yet: node is not synced")]
    NoJob,
    #[error("job not found")]
    JobNotFound,
    #[error("stale share: its epoch is over")]
    Stale,
    /// Found for the epoch that ended a moment ago: nobody's fault, and counted separately.
    #[error("stale share: epoch just ended")]
    EpochEnded,
    #[error("duplicate share")]
    Duplicate,
    #[error("low difficulty: {} of {}", Short(*reached), Short(*assigned))]
    LowDifficulty { reached: u64, assigned: u64 },
    /// The epoch's program has no output for this counter: there is no target to judge.
    #[error("no answer for this counter")]
    NoAnswer,
    #[error("submit needs worker,job,counter")]
    BadSubmit,
    #[error("bad counter: decimal or hex u64")]
    BadCounter,
    #[error("solution has {0} bytes, not 80")]
    BadSolution(usize),
    #[error("pool is busy: send it again")]
    Busy,
    #[error("pool could not check this share")]
    NotChecked,
    #[error("share not stored: send it again")]
    NotStored,
    /// The pool's node does not follow the network: work earns nothing.
    #[error("{}", .0.text())]
    NoNetwork(NoNetwork),

    // Answers to everything else.
    #[error("bad login: {0}")]
    BadLogin(String),
    /// As short as the answer to a share: an older version of the open client reads it.
    #[error("version not supported: use 3.0")]
    UnsupportedVersion,
    #[error("bad params: {0}")]
    BadParams(&'static str),
    #[error(
        "unknown method '{0}': this pool knows mining.subscribe, authorize, submit, configure, suggest_target, suggest_difficulty and extranonce.subscribe"
    )]
    UnknownMethod(String),
    #[error("not a request: {0}")]
    NotARequest(&'static str),
    #[error("line too long: send one request of at most {0} bytes a line")]
    LineTooLong(usize),
    #[error("too much garbage: closing the connection, this port speaks {0}")]
    TooMuchGarbage(&'static str),
    #[error("too slow: closing the connection, send {0} sooner")]
    HandshakeTimeout(&'static str),
    /// The pool's node has not followed the network for long: the miner should use its next pool.
    #[error("{}: closing the connection, use your next pool until it is back", .0.reason())]
    NoService(NoNetwork),
    #[error("the pool is full: closing the connection, try again later")]
    PoolFull,
    #[error(
        "{0} connections from your address, the most allowed: send shares over them, or ask the pool for more"
    )]
    TooManyConnections(usize),
    /// For this many minutes; `None`: until the operator lifts it.
    #[error("your address is banned{}: fix your miner, or ask the pool", ForMinutes(*.0))]
    Banned(Option<u64>),
    #[error("this worker sent nothing but bad shares and is banned{}: fix it", ForMinutes(Some(*.0)))]
    WorkerBanned(u64),
    #[error("closing the connection: it sent nothing but bad shares")]
    BadConduct,
    #[error("closing the connection: the pool's operator asked for it")]
    Kicked,
    #[error("wrong user or password: check them, or ask the pool for an account")]
    WrongPassword,
    #[error("not over this connection: use TLS, or connect from the pool's own machine")]
    NotPrivate,
    #[error("too many wrong passwords: try again in a minute")]
    TooManyTries,
    #[error("not the admin: mining.authorize_admin first")]
    NotAdmin,
    #[error("{0}")]
    NotDone(String),
}

/// Why the pool's node does not follow the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoNetwork {
    /// The network runs a consensus version that the node does not know.
    Outdated,
    /// The network continues without the node.
    Stuck,
    /// No peer answers the node.
    Isolated,
    /// The node is catching up, and the network is in a later epoch already.
    Behind,
}

impl NoNetwork {
    const fn reason(self) -> &'static str {
        match self {
            Self::Outdated => "the pool's node needs an update",
            Self::Stuck => "the pool's node is stuck",
            Self::Isolated => "the pool's node has lost the network",
            Self::Behind => "the pool's node is behind the network",
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Outdated => "no credit: node needs an update",
            Self::Stuck => "no credit: pool node is stuck",
            Self::Isolated => "no credit: pool node is offline",
            Self::Behind => "no credit: pool node is behind",
        }
    }
}

impl RejectCode {
    pub const ALL: [Self; 6] =
        all_of!(RejectCode: Other, Stale, Duplicate, LowDifficulty, Unauthorized, NotSubscribed);

    /// The code on the wire.
    pub const fn number(self) -> u16 {
        20 + self.index() as u16
    }

    /// A name for log lines and metric labels.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Other => "other",
            Self::Stale => "stale",
            Self::Duplicate => "duplicate",
            Self::LowDifficulty => "low_difficulty",
            Self::Unauthorized => "unauthorized",
            Self::NotSubscribed => "not_subscribed",
        }
    }

    /// The code's place in [`Self::ALL`].
    pub const fn index(self) -> usize {
        match self {
            Self::Other => 0,
            Self::Stale => 1,
            Self::Duplicate => 2,
            Self::LowDifficulty => 3,
            Self::Unauthorized => 4,
            Self::NotSubscribed => 5,
        }
    }
}

impl Reject {
    pub const fn code(&self) -> RejectCode {
        match self {
            Self::NotSubscribed => RejectCode::NotSubscribed,
            Self::NotAuthorized
            | Self::BadLogin(_)
            | Self::WorkerBanned(_)
            | Self::WrongPassword
            | Self::NotPrivate
            | Self::TooManyTries
            | Self::NotAdmin => RejectCode::Unauthorized,
            Self::NoJob | Self::JobNotFound | Self::Stale | Self::EpochEnded => RejectCode::Stale,
            Self::Duplicate => RejectCode::Duplicate,
            Self::LowDifficulty { .. } | Self::NoAnswer => RejectCode::LowDifficulty,
            Self::BadSubmit
            | Self::BadCounter
            | Self::BadSolution(_)
            | Self::Busy
            | Self::NotChecked
            | Self::NotStored
            | Self::NoNetwork(_)
            | Self::UnsupportedVersion
            | Self::BadParams(_)
            | Self::UnknownMethod(_)
            | Self::NotARequest(_)
            | Self::LineTooLong(_)
            | Self::TooMuchGarbage(_)
            | Self::HandshakeTimeout(_)
            | Self::PoolFull
            | Self::NoService(_)
            | Self::TooManyConnections(_)
            | Self::Banned(_)
            | Self::BadConduct
            | Self::Kicked
            | Self::NotDone(_) => RejectCode::Other,
        }
    }
}

struct ForMinutes(Option<u64>);

impl fmt::Display for ForMinutes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(1) => write!(f, " for a minute"),
            Some(minutes) => write!(f, " for {minutes} minutes"),
            None => Ok(()),
        }
    }
}

/// A number in at most five characters: in full below 100,000, else three digits, rounded down, and a decimal
/// suffix.
struct Short(u64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 100_000 {
            return write!(f, "{}", self.0);
        }
        let mut scaled = u128::from(self.0) * 100;
        let mut suffixes = ["k", "M", "G", "T", "P", "E"].iter();
        let mut suffix = "";
        while scaled >= 100_000 {
            scaled /= 1000;
            suffix = suffixes.next().unwrap_or(&"");
        }
        let (whole, hundredths) = (scaled / 100, scaled % 100);
        match whole {
            0..10 => write!(f, "{whole}.{hundredths:02}{suffix}"),
            10..100 => write!(f, "{whole}.{}{suffix}", hundredths / 10),
            _ => write!(f, "{whole}{suffix}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn low(reached: u64, assigned: u64) -> String {
        Reject::LowDifficulty { reached, assigned }.to_string()
    }

    /// Every answer to a share, and one to a subscription that an old client reads like those.
    fn short_answers() -> [Reject; 20] {
        [
            Reject::NotSubscribed,
            Reject::NotAuthorized,
            Reject::NoJob,
            Reject::JobNotFound,
            Reject::Stale,
            Reject::EpochEnded,
            Reject::Duplicate,
            Reject::LowDifficulty { reached: u64::MAX, assigned: u64::MAX },
            Reject::NoAnswer,
            Reject::BadSubmit,
            Reject::BadCounter,
            // More than any line holds that a miner may send: 4,096 bytes.
            Reject::BadSolution(9_999),
            Reject::Busy,
            Reject::NotChecked,
            Reject::NotStored,
            Reject::NoNetwork(NoNetwork::Outdated),
            Reject::NoNetwork(NoNetwork::Stuck),
            Reject::NoNetwork(NoNetwork::Isolated),
            Reject::NoNetwork(NoNetwork::Behind),
            Reject::UnsupportedVersion,
        ]
    }

    #[test]
    fn every_answer_to_a_share_fits_the_open_client() {
        for answer in short_answers() {
            assert!(answer.to_string().len() <= SHARE_MESSAGE_LIMIT, "'{answer}' is too long");
        }
    }

    #[test]
    fn the_documentation_has_every_code_with_its_messages() {
        let text = include_str!("../../../docs/stratum.md");
        let rows = text.lines().skip_while(|line| !line.starts_with("| code | meaning |")).skip(2);
        let rows: Vec<Vec<&str>> = rows
            .take_while(|line| line.starts_with('|'))
            .map(|line| line.split(['|', '`']).collect())
            .collect();
        let codes: Vec<String> = rows.iter().map(|row| row[1].trim().to_owned()).collect();
        assert_eq!(codes, RejectCode::ALL.map(|code| code.number().to_string()));
        let documented: BTreeSet<(usize, String)> = (0..)
            .zip(&rows)
            .flat_map(|(place, row)| {
                row[4..].iter().step_by(2).map(move |message| (place, (*message).to_owned()))
            })
            .filter(|(_, message)| !message.trim().is_empty())
            .collect();
        let answers = short_answers().map(|answer| match answer {
            // With the figures of the example.
            Reject::LowDifficulty { .. } => Reject::LowDifficulty { reached: 12, assigned: 100 },
            Reject::BadSolution(_) => Reject::BadSolution(137),
            other => other,
        });
        let answers = answers.iter().filter(|answer| **answer != Reject::UnsupportedVersion);
        assert_eq!(
            answers.map(|answer| (answer.code().index(), answer.to_string())).collect::<BTreeSet<_>>(),
            documented
        );
    }

    #[test]
    fn codes_are_those_of_the_stratum_family() {
        let numbers: Vec<u16> = RejectCode::ALL.iter().map(|code| code.number()).collect();
        assert_eq!(numbers, [20, 21, 22, 23, 24, 25]);
        for (index, code) in RejectCode::ALL.iter().enumerate() {
            assert_eq!(code.index(), index);
        }
        assert_eq!(Reject::Stale.code().number(), 21);
        assert_eq!(Reject::Duplicate.code().number(), 22);
        assert_eq!(Reject::NoAnswer.code().number(), 23);
        assert_eq!(Reject::NotAuthorized.code().number(), 24);
        assert_eq!(Reject::NotSubscribed.code().number(), 25);
        assert_eq!(Reject::BadCounter.code().number(), 20);
    }

    #[test]
    fn a_low_share_says_what_it_reached_and_what_was_asked() {
        assert_eq!(low(12, 100), "low difficulty: 12 of 100");
        assert_eq!(low(99_999, 100_000), "low difficulty: 99999 of 100k");
        assert_eq!(low(1_239_999, 2_000_000_000), "low difficulty: 1.23M of 2.00G");
        assert_eq!(low(0, u64::MAX), "low difficulty: 0 of 18.4E");
    }

    proptest! {
        #[test]
        fn a_shortened_number_is_short_and_never_more_than_the_number(number: u64, shift in 0u32..64) {
            let value = number >> shift;
            let text = Short(value).to_string();
            prop_assert!(text.len() <= 5);
            let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
            let exponent = match &text[digits.len()..] {
                "" => 0, "k" => 3, "M" => 6, "G" => 9, "T" => 12, "P" => 15, "E" => 18,
                other => panic!("unknown suffix {other}"),
            };
            let decimals = digits.split_once('.').map_or(0, |(_, after)| after.len() as u32);
            let mantissa: u128 = digits.replace('.', "").parse().unwrap();
            let shown = mantissa * 10u128.pow(exponent) / 10u128.pow(decimals);
            prop_assert!(shown <= u128::from(value));
            prop_assert!(shown * 100 >= u128::from(value) * 99);
        }
    }
}
