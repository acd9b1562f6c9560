//! The plain values of the pool: hashes, addresses, solutions. No snarkOS type gets past the
//! [`Chain`](crate::chain::Chain) trait, so these are all that the rest of the pool knows of Aleo.

use std::{
    fmt,
    str::FromStr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bech32::{Bech32m, Hrp, primitives::decode::CheckedHrpstring};
use sha2::{Digest, Sha256};

use crate::all_of;

/// Blocks per epoch (`Network::NUM_BLOCKS_PER_EPOCH`, the same on every network).
pub const BLOCKS_PER_EPOCH: u32 = 360;

/// The most solutions in a block (`Network::MAX_SOLUTIONS`, the same on every network).
pub const MAX_SOLUTIONS_PER_BLOCK: usize = 4;

/// The hash that defines an epoch's puzzle: 32 bytes, little endian, as in a solution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EpochHash(pub [u8; 32]);

/// A block's hash: 32 bytes, little endian. Shown as upstream does (`ab1…`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlockHash(pub [u8; 32]);

/// An Aleo address: the 32 bytes of its x-coordinate, little endian. Shown as `aleo1…`.
///
/// Parsing checks the encoding (prefix, length, checksum); the node checks at the start, for the pool's own
/// address, that the bytes are a point on the curve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address(pub [u8; 32]);

/// The chain's name for a solution, `solution1…`: the first 8 bytes of a double SHA-256 over
/// `epoch_hash[0..8] ‖ address ‖ counter`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SolutionId(pub u64);

/// A solved puzzle: what miners look for and blocks carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Solution {
    pub epoch_hash: EpochHash,
    /// The prover: the address the chain rewards. In a pool, the pool's.
    pub address: Address,
    pub counter: u64,
    /// `u64::MAX / r` for the first 64 bits `r` of the Merkle root; a counter reaches `T` with
    /// probability `1/T`.
    pub target: u64,
}

/// An Aleo network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Network {
    Mainnet,
    Testnet,
    Canary,
}

/// Who is credited.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Worker {
    /// The account that is paid: an Aleo address or a pool account name.
    pub account: String,
    /// The machine, as its owner named it; may be empty.
    pub name: String,
}

/// A solution that reached the network's proof target, as handed over by the share checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub solution: Solution,
    pub epoch: u32,
    pub finder: Worker,
    /// Unix milliseconds.
    pub found_ms: u64,
}

/// A block landed this solution or gave up on it: it needs no release, and no place in the stake limit
/// beyond what the chain itself counts. Anyone's solutions may be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    pub id: SolutionId,
    /// The epoch whose puzzle the block accepted.
    pub epoch: u32,
}

/// The epoch whose solutions the block at `height` accepts: that of the block before it.
pub const fn epoch_of_block(height: u32) -> u32 {
    height.saturating_sub(1) / BLOCKS_PER_EPOCH
}

/// The time, in milliseconds since 1970.
pub fn unix_ms() -> u64 {
    u64::try_from(since_1970().as_millis()).unwrap_or(u64::MAX)
}

/// The time, in seconds since 1970.
pub fn unix_seconds() -> u64 {
    since_1970().as_secs()
}

/// The time, in seconds since 1970, to be compared with that of a block.
pub fn unix_timestamp() -> i64 {
    i64::try_from(unix_seconds()).unwrap_or(i64::MAX)
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

impl Network {
    pub const ALL: [Self; 3] = all_of!(Network: Mainnet, Testnet, Canary);

    /// Upstream's numeric id (`--network`).
    pub const fn id(self) -> u16 {
        match self {
            Self::Mainnet => 0,
            Self::Testnet => 1,
            Self::Canary => 2,
        }
    }

    pub fn from_id(id: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|network| network.id() == id)
    }

    /// Lower-case name, as used in folder names and dumps.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mainnet => "mainnet",
            Self::Testnet => "testnet",
            Self::Canary => "canary",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|network| network.name() == name)
    }
}

impl SolutionId {
    pub fn new(epoch_hash: &EpochHash, address: &Address, counter: u64) -> Self {
        let mut preimage = [0u8; 48];
        preimage[..8].copy_from_slice(&epoch_hash.0[..8]);
        preimage[8..40].copy_from_slice(&address.0);
        preimage[40..].copy_from_slice(&counter.to_le_bytes());
        let digest: [u8; 32] = Sha256::digest(Sha256::digest(preimage)).into();
        let mut first = [0u8; 8];
        first.copy_from_slice(&digest[..8]);
        Self(u64::from_le_bytes(first))
    }
}

impl Solution {
    pub fn id(&self) -> SolutionId {
        SolutionId::new(&self.epoch_hash, &self.address, self.counter)
    }
}

/// Why a text is not the expected bech32m value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not {expected}: {reason}")]
pub struct ParseTextError {
    expected: &'static str,
    reason: String,
}

fn parse_bech32m<const N: usize>(
    text: &str,
    prefix: &str,
    expected: &'static str,
) -> Result<[u8; N], ParseTextError> {
    let error = |reason: String| ParseTextError { expected, reason };
    let checked =
        CheckedHrpstring::new::<Bech32m>(text).map_err(|err| error(err.to_string().to_lowercase()))?;
    if checked.hrp().to_lowercase() != prefix {
        return Err(error(format!("the prefix is '{}', not '{prefix}'", checked.hrp())));
    }
    let bytes: Vec<u8> = checked.byte_iter().collect();
    let length = bytes.len();
    bytes.try_into().map_err(|_| error(format!("it holds {length} bytes, not {N}")))
}

fn write_bech32m(f: &mut fmt::Formatter<'_>, prefix: &'static str, bytes: &[u8]) -> fmt::Result {
    let text = bech32::encode::<Bech32m>(Hrp::parse_unchecked(prefix), bytes).map_err(|_| fmt::Error)?;
    f.write_str(&text)
}

impl fmt::Display for EpochHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Display for BlockHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_bech32m(f, "ab", &self.0)
    }
}

impl FromStr for BlockHash {
    type Err = ParseTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_bech32m(text, "ab", "a block hash (ab1…)").map(Self)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_bech32m(f, "aleo", &self.0)
    }
}

impl FromStr for Address {
    type Err = ParseTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_bech32m(text, "aleo", "an Aleo address (aleo1…, 63 characters)").map(Self)
    }
}

impl fmt::Display for SolutionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_bech32m(f, "solution", &self.0.to_le_bytes())
    }
}

/// A number for people: `1,234,567`.
pub fn grouped(number: impl TryInto<u128>) -> String {
    let digits = number.try_into().unwrap_or(u128::MAX).to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with its noun: `1 share`, `2,000 shares`.
pub fn counted(count: impl TryInto<u128>, noun: &str) -> String {
    let count = count.try_into().unwrap_or(u128::MAX);
    format!("{} {noun}{}", grouped(count), if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: &str = "aleo1rhgdu77hgyqd3xjj8ucu3jj9r2krwz6mnzyd80gncr5fxcwlh5rsvzp9px";

    #[test]
    fn an_address_survives_the_round_trip() {
        let address: Address = ADDRESS.parse().unwrap();
        assert_eq!(address.to_string(), ADDRESS);
    }

    #[test]
    fn a_wrong_address_says_what_is_wrong() {
        let flipped = ADDRESS.replace("aleo1r", "aleo1q");
        assert!(flipped.parse::<Address>().unwrap_err().to_string().starts_with("not an Aleo address"));
        let solution = SolutionId(7).to_string();
        assert!(solution.parse::<Address>().unwrap_err().to_string().contains("the prefix is 'solution'"));
        assert!("".parse::<Address>().is_err());
    }

    #[test]
    fn counts_are_grouped_and_in_the_singular_for_one() {
        let texts = [0u32, 1, 999, 1_000, 1_234_567].map(|count| counted(count, "share"));
        assert_eq!(texts, ["0 shares", "1 share", "999 shares", "1,000 shares", "1,234,567 shares"]);
    }

    #[test]
    fn a_network_has_an_id_and_a_name_of_its_own() {
        for network in Network::ALL {
            assert_eq!(Network::from_id(network.id()), Some(network));
            assert_eq!(Network::from_name(network.name()), Some(network));
        }
        assert_eq!((Network::from_id(3), Network::from_name("Mainnet")), (None, None));
    }

    #[test]
    fn the_first_block_of_an_epoch_still_takes_the_old_puzzle() {
        assert_eq!(epoch_of_block(1), 0);
        assert_eq!(epoch_of_block(359), 0);
        assert_eq!(epoch_of_block(360), 0);
        assert_eq!(epoch_of_block(361), 1);
    }
}
