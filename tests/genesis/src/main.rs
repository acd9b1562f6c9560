//! Writes the devnet's genesis block into a file; made offline.
//!
//! A separate program, because any crate that names snarkVM's VM compiles it.
//!
//! Upstream computes one with proving keys that it downloads. The four transactions inside the genesis block
//! that snarkVM embeds are already proven, though, and stay valid under other targets. So this takes them and
//! their public balances out of that block, adds the development committee, lets the VM speculate, and signs.

#![forbid(unsafe_code)]

use aleo_std::StorageMode;
use anyhow::{Context, Result, anyhow, bail, ensure};
use indexmap::IndexMap;
use rand::SeedableRng;
use rand_chacha::ChaChaRng;
use snarkvm::{
    console::{
        account::{Address, PrivateKey},
        network::{Network, TestnetV0 as N},
    },
    ledger::{
        authority::Authority,
        block::{Block, Header, Ratifications, Ratify, Solutions, Transaction, Transactions},
        committee::Committee,
        store::{ConsensusStore, helpers::memory::ConsensusMemory},
    },
    prelude::{FromBytes, ToBytes},
    synthesizer::{VM, program::FinalizeGlobalState},
};

/// Upstream's seed of the development accounts (`--dev`).
const DEVELOPMENT_SEED: u64 = 1_234_567_890;

const NUM_VALIDATORS: u16 = 4;

/// What snarkVM's embedded genesis block brings along.
struct Embedded {
    transactions: Vec<Transaction<N>>,
    public_balances: IndexMap<Address<N>, u64>,
}

fn main() -> Result<()> {
    let path = std::env::args_os().nth(1).context("usage: devnet-genesis FILE")?;
    // The VM needs more stack than the main thread has.
    let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(build)?;
    let block = thread.join().map_err(|_| anyhow!("making the genesis block panicked"))??;
    std::fs::write(&path, block).with_context(|| format!("cannot write {}", path.to_string_lossy()))
}

/// A genesis block of four development validators with half of the supply bonded to them.
fn build() -> Result<Vec<u8>> {
    let mut rng = ChaChaRng::seed_from_u64(DEVELOPMENT_SEED);
    let keys = (0..NUM_VALIDATORS).map(|_| PrivateKey::<N>::new(&mut rng)).collect::<Result<Vec<_>>>()?;
    let validators = keys.iter().map(Address::try_from).collect::<Result<Vec<_>>>()?;
    let embedded = read_embedded().context("failed to read snarkVM's embedded genesis block")?;

    let stake = N::STARTING_SUPPLY / 2 / u64::from(NUM_VALIDATORS);
    let bonded_total = stake * u64::from(NUM_VALIDATORS);
    let committee =
        Committee::new_genesis(validators.iter().map(|address| (*address, (stake, true, 0))).collect())?;
    let bonded: IndexMap<_, _> =
        validators.iter().map(|address| (*address, (*address, *address, stake))).collect();
    let public_total = N::STARTING_SUPPLY - bonded_total;
    let public = fit_balances(embedded.public_balances, validators[0], public_total);

    let store = ConsensusStore::<N, ConsensusMemory<N>>::open(StorageMode::new_test(None))?;
    let vm = VM::from(store)?;
    let ratifications = vec![Ratify::Genesis(Box::new(committee), Box::new(public), Box::new(bonded))];
    let solutions = Solutions::from(None);
    let (ratifications, transactions, aborted, finalize_operations) = vm.speculate(
        FinalizeGlobalState::new_genesis::<N>()?,
        0,
        None,
        ratifications,
        &solutions,
        embedded.transactions.iter(),
        &mut rng,
    )?;
    ensure!(aborted.is_empty(), "the embedded transactions were aborted: {aborted:?}");
    let header = Header::genesis(&ratifications, &transactions, finalize_operations)?;
    let block = Block::new_beacon(
        &keys[0],
        <N as Network>::BlockHash::default(),
        header,
        ratifications,
        solutions,
        vec![],
        transactions,
        vec![],
        &mut rng,
    )?;
    block.to_bytes_le()
}

/// Reads past the header, which does not parse under the devnet's targets, to what follows it.
fn read_embedded() -> Result<Embedded> {
    const VERSION: usize = 1;
    const HASH: usize = 32;
    const HEADER: usize = VERSION + 6 * 32 + METADATA;
    const METADATA: usize = 1 + 2 + 8 + 4 + 16 + 16 + 8 + 8 + 8 + 8 + 8;

    let bytes = N::genesis_bytes();
    let mut rest = bytes.get(VERSION + 2 * HASH + HEADER..).context("it is too short")?;
    let _authority = Authority::<N>::read_le(&mut rest)?;
    let ratifications = Ratifications::<N>::read_le(&mut rest)?;
    let _solutions = Solutions::<N>::read_le(&mut rest)?;
    ensure!(u32::read_le(&mut rest)? == 0, "it holds aborted solutions");
    let transactions = Transactions::<N>::read_le(&mut rest)?;

    let Some(Ratify::Genesis(_, balances, _)) = ratifications.iter().next() else {
        bail!("its first ratification is not the genesis one");
    };
    Ok(Embedded {
        transactions: transactions.iter().map(|confirmed| confirmed.transaction().clone()).collect(),
        public_balances: balances.iter().map(|(address, balance)| (*address, *balance)).collect(),
    })
}

/// Makes the public balances sum to `total`: the largest are kept as far as they fit (the embedded
/// transactions spend from them), and `heir` takes what is left.
fn fit_balances(
    mut balances: IndexMap<Address<N>, u64>,
    heir: Address<N>,
    total: u64,
) -> IndexMap<Address<N>, u64> {
    balances.sort_by(|_, left, _, right| right.cmp(left));
    let mut left = total;
    let mut fitted = IndexMap::new();
    for (address, balance) in balances {
        let kept = balance.min(left);
        left -= kept;
        if kept > 0 {
            fitted.insert(address, kept);
        }
    }
    *fitted.entry(heir).or_default() += left;
    fitted
}
