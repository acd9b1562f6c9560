//! The stake that the chain requires per solution and epoch. Pure.
//!
//! The table is upstream's (`stake_requirements_per_solution`), where it is private. It only serves what
//! operators are shown; what may be released comes from the ledger.

use crate::types::Network;

/// When a requirement begins (Unix seconds, and the last day before in people's notation), in microcredits on
/// mainnet. The other networks require a hundredth.
const MAINNET: [(i64, &str, u64); 9] = [
    (1_754_006_399, "2025-07-31", 100_000_000_000),
    (1_761_955_199, "2025-10-31", 250_000_000_000),
    (1_769_903_999, "2026-01-31", 500_000_000_000),
    (1_777_593_599, "2026-04-30", 750_000_000_000),
    (1_785_542_399, "2026-07-31", 1_000_000_000_000),
    (1_793_491_199, "2026-10-31", 1_250_000_000_000),
    (1_801_439_999, "2027-01-31", 1_500_000_000_000),
    (1_809_129_599, "2027-04-30", 2_000_000_000_000),
    (1_817_078_399, "2027-07-31", 2_500_000_000_000),
];

/// What a solution requires now, and what it will require.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// Microcredits; `None` while there is no limit.
    pub now: Option<u64>,
    pub next: Option<Change>,
}

/// A requirement that is not in force yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The day (UTC) in whose last second it begins.
    pub after: &'static str,
    pub microcredits: u64,
}

impl Requirement {
    /// The requirement for a block after one of this time (Unix seconds).
    pub fn at(network: Network, time: i64) -> Self {
        let scaled = |microcredits: u64| match network {
            Network::Mainnet => microcredits,
            Network::Testnet | Network::Canary => microcredits / 100,
        };
        let past = MAINNET.partition_point(|(begins, ..)| *begins <= time);
        let (begun, to_come) = MAINNET.split_at(past);
        Self {
            now: begun.last().map(|(.., microcredits)| scaled(*microcredits)),
            next: to_come
                .first()
                .map(|(_, after, microcredits)| Change { after, microcredits: scaled(*microcredits) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_begin_in_their_second() {
        let at = |time| Requirement::at(Network::Mainnet, time);
        assert_eq!(at(1_754_006_398).now, None);
        assert_eq!(at(1_754_006_399).now, Some(100_000_000_000));
        assert_eq!(at(1_801_439_998).now, Some(1_250_000_000_000));
        let next = Change { after: "2027-01-31", microcredits: 1_500_000_000_000 };
        assert_eq!(at(1_801_439_998).next, Some(next));
        assert_eq!(at(i64::MAX), Requirement { now: Some(2_500_000_000_000), next: None });
        assert_eq!(Requirement::at(Network::Testnet, 1_801_439_999).now, Some(15_000_000_000));
    }
}
