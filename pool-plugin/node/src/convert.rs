//! Plain values to snarkVM's and back.

use anyhow::{Context, Result, anyhow};
use pool_core::types::{Address, BlockHash, EpochHash, Solution, SolutionId};
use snarkvm::{
    console::{account::Address as VmAddress, network::Network},
    ledger::puzzle::{PartialSolution, Solution as VmSolution, SolutionID},
    prelude::{FromBytes, ToBytes},
};

/// The 32 little-endian bytes of a hash or an address.
fn bytes32(value: &impl ToBytes) -> Result<[u8; 32]> {
    let bytes = value.to_bytes_le()?;
    let length = bytes.len();
    bytes.try_into().map_err(|_| anyhow!("expected 32 bytes, found {length}"))
}

pub fn address<N: Network>(address: &VmAddress<N>) -> Result<Address> {
    bytes32(address).map(Address)
}

/// Fails if the bytes are not a point on the curve.
pub fn vm_address<N: Network>(address: &Address) -> Result<VmAddress<N>> {
    VmAddress::from_bytes_le(&address.0)
        .with_context(|| format!("{address} is not an account on this network"))
}

pub fn epoch_hash<N: Network>(hash: &N::BlockHash) -> Result<EpochHash> {
    bytes32(hash).map(EpochHash)
}

pub fn block_hash<N: Network>(hash: &N::BlockHash) -> Result<BlockHash> {
    bytes32(hash).map(BlockHash)
}

pub fn vm_hash<N: Network>(hash: &EpochHash) -> Result<N::BlockHash> {
    N::BlockHash::from_bytes_le(&hash.0).with_context(|| format!("{hash} is not a block hash"))
}

pub fn solution_id<N: Network>(id: &SolutionID<N>) -> SolutionId {
    SolutionId(**id)
}

pub fn solution<N: Network>(solution: &VmSolution<N>) -> Result<Solution> {
    Ok(Solution {
        epoch_hash: epoch_hash::<N>(&solution.epoch_hash())?,
        address: address(&solution.address())?,
        counter: solution.counter(),
        target: solution.target(),
    })
}

pub fn vm_partial_solution<N: Network>(
    hash: &EpochHash,
    address: &Address,
    counter: u64,
) -> Result<PartialSolution<N>> {
    PartialSolution::new(vm_hash::<N>(hash)?, vm_address(address)?, counter)
}

pub fn vm_solution<N: Network>(solution: &Solution) -> Result<VmSolution<N>> {
    let partial = vm_partial_solution(&solution.epoch_hash, &solution.address, solution.counter)?;
    Ok(VmSolution::new(partial, solution.target))
}

#[cfg(test)]
mod tests {
    use super::*;
    use snarkvm::{
        console::{account::PrivateKey, network::MainnetV0 as N, types::Field},
        prelude::TestRng,
    };

    #[test]
    fn the_pools_own_spelling_of_ids_and_addresses_is_upstreams() {
        let mut rng = TestRng::default();
        for i in 0..50u64 {
            let key = PrivateKey::<N>::new(&mut rng).unwrap();
            let prover = VmAddress::try_from(&key).unwrap();
            let hash: <N as Network>::BlockHash = Field::<N>::from_u64(1 + i * 7_919).into();
            let counter = u64::MAX / (i + 1);
            let upstream =
                VmSolution::new(PartialSolution::<N>::new(hash, prover, counter).unwrap(), 100 + i);

            let ours = solution(&upstream).unwrap();
            assert_eq!(ours.address.to_string(), prover.to_string());
            assert_eq!(ours.id().to_string(), upstream.id().to_string());
            assert_eq!(block_hash::<N>(&hash).unwrap().to_string(), hash.to_string());
            assert_eq!(vm_solution::<N>(&ours).unwrap(), upstream);
            assert_eq!(prover.to_string().parse::<Address>().unwrap(), ours.address);
        }
    }
}
