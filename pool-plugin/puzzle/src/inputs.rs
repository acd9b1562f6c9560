//! From an attempt to the inputs of the epoch program: the solution's id seeds ChaCha, which draws the inputs in
//! order of their registers.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaChaRng;
use sha2::{Digest, Sha256};
use snarkvm::console::{network::MainnetV0, prelude::Uniform, types::Field};

use crate::{circuit::poseidon::constant, plan::Registers, program::Type};

/// snarkVM's `SolutionID`: the first eight bytes of a double SHA-256 over the epoch hash's first eight bytes, the
/// address and the counter, all little endian.
pub(crate) fn solution_id(epoch_hash: &[u8; 32], address: &[u8; 32], counter: u64) -> u64 {
    let mut message = [0; 48];
    message[..8].copy_from_slice(&epoch_hash[..8]);
    message[8..40].copy_from_slice(address);
    message[40..].copy_from_slice(&counter.to_le_bytes());
    let digest: [u8; 32] = Sha256::digest(Sha256::digest(message)).into();
    let mut id = [0; 8];
    id.copy_from_slice(&digest[..8]);
    u64::from_le_bytes(id)
}

/// Draws the inputs. Returns whether they are valid: snarkVM refuses a field element that is zero.
pub(crate) fn sample(types: &[Type], seed: u64, registers: &mut Registers) -> bool {
    let mut rng = ChaChaRng::seed_from_u64(seed);
    for (register, ty) in types.iter().enumerate() {
        let integer = match ty {
            Type::Boolean => rng.random::<bool>() as u128,
            Type::Integer(ty) => match ty.bits {
                8 => rng.random::<u8>() as u128,
                16 => rng.random::<u16>() as u128,
                32 => rng.random::<u32>() as u128,
                64 => rng.random::<u64>() as u128,
                _ => rng.random::<u128>(),
            },
            Type::Field => {
                let Some(element) = constant(Field::<MainnetV0>::rand(&mut rng)) else { return false };
                if element.is_zero() {
                    return false;
                }
                registers.fields[register] = element;
                continue;
            }
        };
        registers.integers[register] = integer;
    }
    true
}
