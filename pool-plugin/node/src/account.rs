//! Addresses from private keys, and the check that an address is one.

use std::str::FromStr;

use anyhow::{Context, Result};
use pool_core::types::{Address, Network};
use rand::SeedableRng;
use rand_chacha::ChaChaRng;
use snarkos_utilities::DEVELOPMENT_MODE_RNG_SEED;
use snarkvm::console::{
    account::{Address as VmAddress, PrivateKey},
    network::{CanaryV0, MainnetV0, Network as VmNetwork, TestnetV0},
};

use crate::convert;

/// The address that belongs to a private key (`APrivateKey1…`).
pub fn address_of_private_key(network: Network, private_key: &str) -> Result<Address> {
    fn derive<N: VmNetwork>(private_key: &str) -> Result<Address> {
        let key = PrivateKey::<N>::from_str(private_key.trim()).context("not a private key")?;
        convert::address(&VmAddress::try_from(&key)?)
    }
    match network {
        Network::Mainnet => derive::<MainnetV0>(private_key),
        Network::Testnet => derive::<TestnetV0>(private_key),
        Network::Canary => derive::<CanaryV0>(private_key),
    }
}

/// The address of upstream's development account `index` (`--dev`).
pub fn development_address(network: Network, index: u16) -> Result<Address> {
    fn derive<N: VmNetwork>(index: u16) -> Result<Address> {
        let mut rng = ChaChaRng::seed_from_u64(DEVELOPMENT_MODE_RNG_SEED);
        let mut key = PrivateKey::<N>::new(&mut rng)?;
        for _ in 0..index {
            key = PrivateKey::<N>::new(&mut rng)?;
        }
        convert::address(&VmAddress::try_from(&key)?)
    }
    match network {
        Network::Mainnet => derive::<MainnetV0>(index),
        Network::Testnet => derive::<TestnetV0>(index),
        Network::Canary => derive::<CanaryV0>(index),
    }
}

/// Checks that the bytes of an address are a point on the curve: rewards to anything else are lost.
pub fn check_address(network: Network, address: &Address) -> Result<()> {
    match network {
        Network::Mainnet => convert::vm_address::<MainnetV0>(address).map(drop),
        Network::Testnet => convert::vm_address::<TestnetV0>(address).map(drop),
        Network::Canary => convert::vm_address::<CanaryV0>(address).map(drop),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_off_the_curve_are_refused() {
        let key = "APrivateKey1zkp8CZNn3yeCseEtxuVPbDCwSyhGW6yZKUYKfgXmcpoGPWH";
        let good = address_of_private_key(Network::Testnet, key).unwrap();
        check_address(Network::Testnet, &good).unwrap();
        let refused = (1..=16u8).filter(|i| check_address(Network::Mainnet, &Address([*i; 32])).is_err());
        assert!(refused.count() >= 4, "about half of all x-coordinates have no point");
    }
}
