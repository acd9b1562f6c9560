//! What makes a dump wrong, by itself or after the dump before it.

use serde_json::Value;

use crate::books::dump::tally::{Sum, SumTooLarge};

/// A mistake in a dump, or in the round that it is made of. Each text is a sentence about the dump.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDump {
    // What cannot be read.
    #[error("it is not a share dump: {0}")]
    NotADump(String),
    #[error("its schema version is {found}, this program knows up to {known}: get a newer one")]
    SchemaVersion { found: Value, known: u32 },
    #[error("the digest does not match the content")]
    Digest,
    #[error("it lacks members that its schema version requires")]
    MissingMembers,
    #[error("it has members that its schema version does not know")]
    UnknownMembers,
    #[error("'{text}' is not 32 bytes in hex ({reason})")]
    NotHex { text: String, reason: String },
    #[error("{0}")]
    NotJson(String),

    // Sums.
    #[error(transparent)]
    SumTooLarge(#[from] SumTooLarge),
    #[error(
        "the workers of an account have {} shares and credit {}, the account {} and {}",
        .workers.shares, .workers.credit, .account.shares, .account.credit
    )]
    WorkersSum { workers: Sum, account: Sum },
    #[error(
        "the accounts have {} shares and credit {}, the total {} and {}",
        .accounts.shares, .accounts.credit, .total.shares, .total.credit
    )]
    AccountsSum { accounts: Sum, total: Sum },
    #[error("the workers of an account are not in order, or one is repeated")]
    WorkersOrder,
    #[error("the accounts are not in order, or one is repeated")]
    AccountsOrder,

    // The window and the round.
    #[error("the window spans {count} shares from {first_seq} to {last_seq}, {counted} were counted")]
    WindowLength { count: u64, first_seq: u64, last_seq: u64, counted: u64 },
    #[error("the window of shares {first_seq} to {last_seq} ends before it begins")]
    WindowReversed { first_seq: u64, last_seq: u64 },
    #[error("the first share counts for more than all")]
    FirstCredit,
    #[error("the round does not have the length it states")]
    RoundLength,
    #[error("the window is not the round")]
    WindowNotRound,
    #[error("the window reaches too far")]
    WindowTooLong,
    #[error("the window is too short")]
    WindowTooShort,

    // The split.
    #[error("the scheme '{}' is unknown or lacks a number", .0.escape_debug())]
    Scheme(String),
    #[error("the reward does not fit")]
    TotalRewardTooLarge,
    #[error("the solutions' rewards do not add up to the total")]
    TotalReward,
    #[error("a sum of the rewards does not fit its type")]
    RewardsTooLarge,
    #[error("the fees are more than the whole")]
    FeesTooHigh,
    #[error("the fees are not as their basis points say")]
    Fees,
    #[error("there was nothing to carry in")]
    CarriedIn,
    #[error("{expected} is to be carried on")]
    CarriedOut { expected: u64 },
    #[error("the reward of '{}' should be {expected}", .account.escape_debug())]
    Reward { account: String, expected: u64 },
    #[error("{reward} for '{}' are missing", .account.escape_debug())]
    MissingReward { account: String, reward: u64 },

    // After the dump before.
    #[error("it is of another network than the dump before")]
    OtherNetwork,
    #[error("it is of an older schema than the dump before")]
    OlderSchema,
    #[error(
        "its round does not begin after share {last_seq}, where that of the dump before ends: is one missing in \
         between?"
    )]
    RoundStart { last_seq: u64 },
    #[error("it does not follow the dump before: is one missing in between?")]
    Previous,
    #[error("what the dump before carried on is missing")]
    CarriedOn,
    #[error("its terms differ from those of the dump before, but claim the same start")]
    Terms,
}
