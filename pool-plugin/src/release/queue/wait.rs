//! Why a solution is not on its way.

use pool_core::chain::{Epoch, Puzzle};

/// Why a solution is not on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wait {
    /// Its address may land no more than what is released already.
    StakeLimit,
    /// A better one may come, and its address may not land both.
    Better,
    /// The stake limit could not be read.
    UnknownLimit,
    /// The proof target has risen above it.
    ProofTarget,
    /// Its epoch begins with the next block: a validator that gets it before that block refuses it for good.
    NextEpoch,
    /// Its epoch is neither the chain's current one nor the next.
    Epoch,
    /// The node does not follow the network, and a solution it sent might never land.
    Network,
    /// No peer can be written to.
    NoPeer,
    /// Every peer got its limit for this minute.
    Pace,
}

impl Wait {
    /// The reason, in words that follow "it waits: ".
    pub const fn text(self) -> &'static str {
        match self {
            Self::StakeLimit => "the pool address may land no more in this epoch; bond more stake to it",
            Self::Better => "a better one may come, and the stake does not land both",
            Self::UnknownLimit => "the stake limit cannot be read; check the node's ledger",
            Self::ProofTarget => "the proof target has risen above it; it will be sent if that falls again",
            Self::NextEpoch => "its epoch begins with the next block; it will be sent then",
            Self::Epoch => "its epoch is not the chain's current one",
            Self::Network => "the node does not follow the network; it will be sent when the node does again",
            Self::NoPeer => "no peer can be written to; check the network and the trusted peers",
            Self::Pace => "the peers accept no more this minute",
        }
    }

    /// Why a solution of `epoch` with this target cannot be in the next block, if so.
    pub(super) fn for_block(puzzle: &Puzzle, epoch: Epoch, target: u64) -> Option<Self> {
        if puzzle.next_epoch() == Some(epoch) {
            return Some(Self::NextEpoch);
        }
        if puzzle.current_epoch() != epoch {
            return Some(Self::Epoch);
        }
        (target < puzzle.proof_target).then_some(Self::ProofTarget)
    }
}
