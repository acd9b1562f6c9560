//! From a dump back to the round it was made of, for a database that lacks the round.

use std::str::FromStr;

use pool_core::{
    accounting::terms::{Fee, Rules, Scheme, Terms},
    types::{EpochHash, Network, Solution, Worker},
};

use crate::{
    books::dump::{
        check::check,
        document::{Document, Settlement, SolutionEntry},
    },
    ledger::records::{Adopted, Basis, DumpMark, Round, RoundSolution},
};

/// The round and the mark of a consistent dump of `network`.
pub fn adopt(bytes: &[u8], network: Network) -> Result<Adopted, String> {
    let document = Document::read(bytes)?;
    check(&document)?;
    if document.network != network.name() {
        return Err(format!("it is of {}, the database is of {}", document.network, network.name()));
    }
    let epoch_hash = epoch_hash(&document.epoch_hash)?;
    let solutions =
        document.solutions.iter().map(|entry| solution(entry, epoch_hash)).collect::<Result<_, _>>()?;
    let (first_seq, last_seq) = match &document.settlement {
        Some(settlement) => (settlement.round.first_seq, settlement.round.last_seq),
        None => (document.window.first_seq, document.window.last_seq),
    };
    let mark = match (&document.settlement, &document.link) {
        (Some(settlement), Some(link)) => Some(DumpMark {
            digest: bytes_of(&link.digest)?,
            carried_out: settlement.carried_out,
            window_first_seq: document.window.first_seq,
        }),
        _ => None,
    };
    let round = Round {
        height: document.height,
        hash: parsed(&document.hash)?,
        timestamp: document.timestamp,
        epoch: document.epoch,
        epoch_hash,
        address: parsed(&document.pool_address)?,
        solutions,
        first_seq,
        last_seq,
        basis: document.settlement.as_ref().map(basis).transpose()?,
    };
    Ok(Adopted { round, mark })
}

fn basis(settlement: &Settlement) -> Result<Basis, String> {
    let entry = &settlement.scheme;
    let scheme = match entry.window {
        Some(window) => Scheme::Pplns { window },
        None => entry.name.parse()?,
    };
    let fee = |entry: &crate::books::dump::document::FeeEntry| Fee {
        account: entry.account.clone(),
        basis_points: entry.basis_points,
    };
    let terms = Terms {
        rules: Rules { scheme, fees: settlement.fees.iter().map(fee).collect() },
        since_seq: entry.since_seq,
        // Only PPLNS looks back, and says how far.
        reach_seq: entry.reach_seq.unwrap_or(entry.since_seq),
    };
    Ok(Basis { terms, proof_target: settlement.proof_target })
}

fn solution(entry: &SolutionEntry, epoch_hash: EpochHash) -> Result<RoundSolution, String> {
    let solution = Solution {
        epoch_hash,
        address: parsed(&entry.address)?,
        counter: entry.counter,
        target: entry.target,
    };
    if solution.id().to_string() != entry.id {
        return Err(format!("the id of solution {} does not match its content", entry.id));
    }
    let finder = entry
        .finder
        .as_ref()
        .map(|finder| Worker { account: finder.account.clone(), name: finder.worker.clone() });
    Ok(RoundSolution { solution, reward: entry.reward, finder })
}

fn epoch_hash(text: &str) -> Result<EpochHash, String> {
    bytes_of(text).map(EpochHash)
}

fn bytes_of(text: &str) -> Result<[u8; 32], String> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes)
        .map_err(|error| format!("'{text}' is not 32 bytes in hex ({error})"))?;
    Ok(bytes)
}

fn parsed<T: FromStr<Err: ToString>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}
