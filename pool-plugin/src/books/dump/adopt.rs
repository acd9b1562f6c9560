//! From a dump back to the round it was made of, for a database that lacks the round.

use pool_core::{
    accounting::terms::{Fee, Rules, Terms},
    types::{EpochHash, Network, ParseTextError, Solution, Worker},
};

use crate::{
    books::dump::{
        InvalidDump,
        check::{check, scheme},
        document::{Document, FeeEntry, Settlement, SolutionEntry, bytes_of},
    },
    ledger::records::{Adopted, Basis, DumpMark, Round, RoundSolution},
};

/// Why a dump does not become a round of the database.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdoptError {
    #[error(transparent)]
    Invalid(#[from] InvalidDump),
    #[error("it is of {dump}, the database is of {database}")]
    OtherNetwork { dump: String, database: &'static str },
    #[error("the id of solution {id} does not match its content")]
    SolutionId { id: String },
    #[error(transparent)]
    Text(#[from] ParseTextError),
}

/// The round and the mark of a consistent dump of `network`.
pub fn adopt(bytes: &[u8], network: Network) -> Result<Adopted, AdoptError> {
    let document = Document::read(bytes)?;
    check(&document)?;
    if document.network != network.name() {
        return Err(AdoptError::OtherNetwork { dump: document.network, database: network.name() });
    }
    let epoch_hash = EpochHash(bytes_of(&document.epoch_hash)?);
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
        hash: document.hash.parse()?,
        timestamp: document.timestamp,
        epoch: document.epoch,
        epoch_hash,
        address: document.pool_address.parse()?,
        solutions,
        first_seq,
        last_seq,
        basis: document.settlement.as_ref().map(basis).transpose()?,
    };
    Ok(Adopted { round, mark })
}

fn basis(settlement: &Settlement) -> Result<Basis, InvalidDump> {
    let entry = &settlement.scheme;
    let scheme = scheme(entry)?;
    let fee = |entry: &FeeEntry| Fee { account: entry.account.clone(), basis_points: entry.basis_points };
    let terms = Terms {
        rules: Rules { scheme, fees: settlement.fees.iter().map(fee).collect() },
        since_seq: entry.since_seq,
        // Only PPLNS looks back, and says how far.
        reach_seq: entry.reach_seq.unwrap_or(entry.since_seq),
    };
    Ok(Basis { terms, proof_target: settlement.proof_target })
}

fn solution(entry: &SolutionEntry, epoch_hash: EpochHash) -> Result<RoundSolution, AdoptError> {
    let solution = Solution {
        epoch_hash,
        address: entry.address.parse()?,
        counter: entry.counter,
        target: entry.target,
    };
    if solution.id().to_string() != entry.id {
        return Err(AdoptError::SolutionId { id: entry.id.clone() });
    }
    let finder = entry
        .finder
        .as_ref()
        .map(|finder| Worker { account: finder.account.clone(), name: finder.worker.clone() });
    Ok(RoundSolution { solution, reward: entry.reward, finder })
}
