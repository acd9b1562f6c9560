//! Whose claims count, and what follows from them.

use std::{collections::HashMap, net::SocketAddr, time::Duration};

use crate::chain::Peer;

/// A peer that has said nothing for this long does not answer. Peers ping each other every 20 seconds.
const SILENT: Duration = Duration::from_secs(60);
/// Without a trusted peer this many that the node chose itself must answer: the claim of one is no evidence.
const QUORUM: usize = 2;
/// How many peers that left are remembered while our tip stands still.
const MOST_GONE: usize = 256;

/// Whose claim it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Voice {
    /// Named by the operator.
    Trusted,
    /// The node chose it and opened the connection.
    Chosen,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Claim {
    voice: Voice,
    height: u32,
}

/// What peers have claimed since our tip last moved.
///
/// A peer that was ahead and left still counts until the tip moves: peers of a newer consensus version close
/// the connection to a node that lacks it, and leave it among others that stand still too.
#[derive(Clone, Debug, Default)]
pub(super) struct Claims(HashMap<SocketAddr, Claim>);

/// `None` for a peer that does not count: it came to us, or has no ledger.
pub(super) fn voice_of(peer: &Peer) -> Option<Voice> {
    match (peer.trusted, peer.outbound) {
        (true, _) => Some(Voice::Trusted),
        (false, true) => Some(Voice::Chosen),
        (false, false) => None,
    }
}

fn answers(peer: &Peer) -> bool {
    peer.silent_for < SILENT
}

impl Claims {
    /// Our tip has moved: earlier claims no longer mean anything.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }

    /// Notes what the peers claim now.
    pub(super) fn note_claims(&mut self, peers: &[Peer], tip: u32) {
        self.0.retain(|_, claim| claim.height > tip);
        for peer in peers.iter().filter(|peer| answers(peer)) {
            if let (Some(voice), Some(height)) = (voice_of(peer), peer.height) {
                self.note(peer.address, voice, height);
            }
        }
    }

    /// Notes one claim.
    pub(super) fn note(&mut self, peer: SocketAddr, voice: Voice, height: u32) {
        if self.0.len() < MOST_GONE || self.0.contains_key(&peer) {
            self.0.insert(peer, Claim { voice, height });
        }
    }

    /// How many blocks the network is ahead of `tip`; `None` if no peer whose claims count answers.
    /// `trusted`: how many trusted peers the operator has named.
    pub(super) fn ahead(&self, tip: u32, trusted: usize) -> Option<u32> {
        let heights =
            |voice| self.0.values().filter(move |claim| claim.voice == voice).map(|claim| claim.height);
        let named: Vec<u32> = heights(Voice::Trusted).collect();
        if !named.is_empty() {
            // Half is enough: a peer that stands still as we do proves nothing.
            return Some(blocks_ahead(tip, named, |ahead, all| 2 * ahead >= all));
        }
        let chosen: Vec<u32> = heights(Voice::Chosen).collect();
        if chosen.len() < QUORUM {
            return None;
        }
        let ahead = blocks_ahead(tip, chosen, |ahead, all| 2 * ahead > all);
        // Where the operator named peers, unknown ones cannot vouch that the whole network stands still.
        (ahead > 0 || trusted == 0).then_some(ahead)
    }
}

/// The lower median of those ahead, over our tip; 0 if they are too few.
fn blocks_ahead(tip: u32, heights: Vec<u32>, enough: impl Fn(usize, usize) -> bool) -> u32 {
    let all = heights.len();
    let mut ahead: Vec<u32> = heights.into_iter().filter(|height| *height > tip).collect();
    if !enough(ahead.len(), all) {
        return 0;
    }
    ahead.sort_unstable();
    let median = ahead.get(ahead.len().saturating_sub(1) / 2);
    median.map_or(0, |height| height - tip)
}

/// The newest message version announced by peers whose claims count, if it is above `known`; by the same
/// rules.
pub(super) fn announced(peers: &[Peer], known: u32) -> Option<u32> {
    let versions = |wanted| {
        let heard = peers.iter().filter(|peer| answers(peer));
        heard.filter(move |peer| voice_of(peer) == Some(wanted)).map(|peer| peer.message_version)
    };
    let (trusted, chosen): (Vec<u32>, Vec<u32>) =
        (versions(Voice::Trusted).collect(), versions(Voice::Chosen).collect());
    let newer = match trusted.is_empty() {
        false => blocks_ahead(known, trusted, |ahead, all| 2 * ahead >= all),
        true if chosen.len() < QUORUM => 0,
        true => blocks_ahead(known, chosen, |ahead, all| 2 * ahead > all),
    };
    (newer > 0).then(|| known.saturating_add(newer))
}

/// Whether enough peers have shown a block of a newer version: one trusted, or two that the node chose.
pub(super) fn proves(witnesses: &HashMap<SocketAddr, Voice>) -> bool {
    witnesses.values().any(|voice| *voice == Voice::Trusted) || witnesses.len() >= QUORUM
}
