//! Makes the proving keys of a public transfer and its fee, and puts them where snarkVM looks for downloaded
//! ones (`~/.aleo/resources`), so that upstream's own command can pay on a devnet without a network.
//!
//! A key follows from a circuit and the powers of the universal setup. Of these snarkVM carries the first
//! 32,768; the next as many, which these circuits need, are given as a file. snarkVM knows the checksum of
//! each of these files, so a key that differs from upstream's in any bit is refused.

#![forbid(unsafe_code)]

use std::{fs, path::Path};

use anyhow::{Context, Result, anyhow};
use serde_json::Value;
use snarkvm::{
    circuit::AleoTestnetV0,
    console::{network::TestnetV0 as N, program::Identifier},
    parameters::{
        mainnet::Degree16,
        testnet::{FeePublicProver, TransferPublicProver},
    },
    prelude::{FromStr, ToBytes},
    synthesizer::{Process, program::StackTrait},
};

fn main() -> Result<()> {
    let powers =
        std::env::args_os().nth(1).context("usage: proving-keys FILE, the second powers of the setup")?;
    // Synthesis needs more stack than the main thread has.
    let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(move || install(powers.as_ref()))?;
    thread.join().map_err(|_| anyhow!("making the proving keys panicked"))?
}

fn install(powers: &Path) -> Result<()> {
    let powers = fs::read(powers).with_context(|| format!("cannot read {}", powers.display()))?;
    keep("powers-of-beta-16.usrs", Degree16::METADATA, "checksum", &powers)?;
    Degree16::load_bytes().context("these are not the expected powers")?;

    let process = Process::<N>::load()?;
    for (name, metadata) in
        [("transfer_public", TransferPublicProver::METADATA), ("fee_public", FeePublicProver::METADATA)]
    {
        let key = proving_key(&process, name).with_context(|| format!("no key for {name}"))?;
        keep(&format!("{name}.prover"), metadata, "prover_checksum", &key)?;
    }
    TransferPublicProver::load_bytes().context("the key of transfer_public is not upstream's")?;
    FeePublicProver::load_bytes().context("the key of fee_public is not upstream's")?;
    Ok(())
}

fn proving_key(process: &Process<N>, function: &str) -> Result<Vec<u8>> {
    let stack = process.get_stack("credits.aleo")?;
    let function = Identifier::from_str(function)?;
    stack.synthesize_key::<AleoTestnetV0, _>(&function, &mut rand::rng())?;
    stack.get_proving_key(&function)?.to_bytes_le()
}

/// With snarkVM's name for the downloaded file: the expected checksum is part of it.
fn keep(name: &str, metadata: &str, checksum: &str, bytes: &[u8]) -> Result<()> {
    let metadata: Value = serde_json::from_str(metadata)?;
    let expected =
        metadata[checksum].as_str().and_then(|text| text.get(..7)).context("no checksum is known")?;
    let folder = aleo_std::aleo_dir().join("resources");
    fs::create_dir_all(&folder)?;
    let path = folder.join(format!("{name}.{expected}"));
    fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
}
