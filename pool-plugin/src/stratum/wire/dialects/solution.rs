//! Solutions as bytes: some dialects submit them instead of a counter.

use pool_core::{reject::Reject, types::EpochHash};

use crate::stratum::wire::counter::RawCounter;

/// The length of a solution: epoch hash 32, address 32, counter 8, target 8, numbers little endian.
pub const LENGTH: usize = 80;

/// The counter of a solution. The rest is the job's, or a claim: the pool computes the target itself.
pub fn counter(solution: &[u8]) -> Result<RawCounter, Reject> {
    let wrong = Reject::BadSolution(solution.len());
    if solution.len() != LENGTH {
        return Err(wrong);
    }
    let bytes: [u8; 8] = solution.get(64..72).and_then(|bytes| bytes.try_into().ok()).ok_or(wrong)?;
    Ok(RawCounter::Number(u64::from_le_bytes(bytes)))
}

/// The hash of the epoch that a solution claims: shows which epoch to try.
pub fn epoch_hash(solution: &[u8]) -> Option<EpochHash> {
    solution.first_chunk().copied().map(EpochHash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_stands_behind_the_address() {
        let solution: Vec<u8> = (0..80).collect();
        let counter = u64::from_le_bytes([64, 65, 66, 67, 68, 69, 70, 71]);
        assert_eq!(super::counter(&solution), Ok(RawCounter::Number(counter)));
        for length in [0, 72, 79, 81, 137] {
            assert_eq!(super::counter(&vec![0; length]), Err(Reject::BadSolution(length)));
        }
    }
}
