//! Keeps what the table needs between checks.

use std::{
    collections::{HashMap, VecDeque},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use super::{
    Following, NewerVersion, Patience, Seen, SyncState,
    access::access,
    judge,
    votes::{self, Claims, Voice},
};
use crate::{chain::Peer, types::BLOCKS_PER_EPOCH};

/// The span over which our tip's pace is measured.
const PACE_SPAN: Duration = Duration::from_secs(30);
/// More seconds of the chain per second of ours than the network makes, by far.
const OUTPACES: u32 = 3;
/// How far a block's time may be ahead of the wall clock before one of the two is wrong.
const CLOCK_TOLERANCE: i64 = 30;

/// Represents the committee among the peers.
const COMMITTEE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// What is seen at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Observation<'a> {
    /// Since some fixed time.
    pub now: Duration,
    /// The same by the wall clock, in Unix seconds.
    pub unix: i64,
    /// The height of our tip, and its block's time in Unix seconds; `None` while the ledger does not answer.
    pub tip: Option<(u32, i64)>,
    pub peers: &'a [Peer],
    /// How many peers the operator has named.
    pub trusted: usize,
    /// What the other validators claim, on a node that is one.
    pub committee: Option<u32>,
    /// The newest message and consensus version that this release knows and that has a height.
    pub known: Known,
}

/// What a release knows of the network's protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    pub message_version: u32,
    pub consensus_version: u16,
}

/// A peer sent a block of another consensus version than this release expects at its height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OtherVersion {
    pub peer: SocketAddr,
    pub version: u16,
    /// What this release expects there.
    pub expected: u16,
    pub height: u32,
}

/// Follows the tip and the peers.
#[derive(Debug)]
pub struct Tracker {
    patience: Patience,
    state: SyncState,
    /// The tip, and since when.
    tip: Option<(u32, Duration)>,
    started: Option<Duration>,
    moved: bool,
    /// When the tip moved recently, and its block's time.
    pace: VecDeque<(Duration, i64)>,
    claims: Claims,
    ahead_since: Option<Duration>,
    /// When peers whose claims count last answered.
    answered: Option<Duration>,
    /// Since when the node is stuck or isolated; kept until it follows again.
    cut_off_since: Option<Duration>,
    witnesses: HashMap<SocketAddr, Voice>,
    /// What the witnesses have shown.
    newer: Option<NewerVersion>,
}

impl Tracker {
    /// `newer`: what an earlier run has seen.
    pub fn new(patience: Patience, newer: Option<NewerVersion>) -> Self {
        Self {
            patience,
            state: SyncState { newer, ..SyncState::default() },
            tip: None,
            started: None,
            moved: false,
            pace: VecDeque::new(),
            claims: Claims::default(),
            ahead_since: None,
            answered: None,
            cut_off_since: None,
            witnesses: HashMap::new(),
            newer,
        }
    }

    /// Notes a block of a newer consensus version. Older versions do not matter: they come from peers that
    /// missed an upgrade.
    pub fn note(&mut self, other: &OtherVersion, peers: &[Peer], unix: i64) {
        if other.version <= other.expected {
            return;
        }
        let known = peers.iter().find(|peer| peer.address == other.peer).and_then(votes::voice_of);
        let Some(voice) = known.or_else(|| self.witnesses.get(&other.peer).copied()) else { return };
        self.claims.note(other.peer, voice, other.height);
        self.witnesses.insert(other.peer, voice);
        let NewerVersion { version, height, since } =
            self.newer.unwrap_or(NewerVersion { version: other.version, height: other.height, since: unix });
        let (version, height) = (version.max(other.version), height.min(other.height));
        self.newer = Some(NewerVersion { version, height, since });
        if votes::proves(&self.witnesses) {
            self.state.newer = self.newer;
        }
    }

    /// The state at the last check.
    pub const fn state(&self) -> SyncState {
        self.state
    }

    /// The state at this moment.
    pub fn observe(&mut self, observation: &Observation<'_>) -> SyncState {
        let started = *self.started.get_or_insert(observation.now);
        self.follow_tip(observation);
        let tip = self.tip.map_or(0, |(height, _)| height);
        self.claims.note_claims(observation.peers, tip);
        if let Some(height) = observation.committee {
            // Members of the committee have proved who they are: their claims are trusted.
            self.claims.note(COMMITTEE, Voice::Trusted, height);
        }
        self.drop_known_version(tip, observation.known.consensus_version);
        let ahead = self.ahead(tip, observation.trusted);
        if ahead.is_some() {
            self.answered = Some(observation.now);
        }
        let is_ahead = ahead.is_some_and(|ahead| ahead > 0);
        self.ahead_since = is_ahead.then(|| self.ahead_since.unwrap_or(observation.now));
        let moved_at = self.tip.map_or(started, |(_, at)| at);
        let seen = Seen {
            tip_age: observation.now.saturating_sub(moved_at),
            moved: self.moved,
            outpaces: self.outpaces(),
            block_age: block_age(observation),
            ahead,
            outdated: self.state.newer.is_some(),
            ahead_for: self.ahead_since.map_or(Duration::ZERO, |since| observation.now.saturating_sub(since)),
        };
        let following = judge(self.state.following, &seen);
        if following != self.state.following || self.state.since == 0 {
            self.state.since = observation.unix;
        }
        self.cut_off_since = match following {
            Following::Following | Following::NetworkHalted => None,
            Following::CatchingUp => self.cut_off_since,
            Following::Stuck => {
                self.cut_off_since.or(Some(moved_at.max(self.ahead_since.unwrap_or(moved_at))))
            }
            Following::Isolated => {
                self.cut_off_since.or(Some(moved_at.max(self.answered.unwrap_or(started))))
            }
        };
        let cut_off = self.cut_off_since.map(|since| observation.now.saturating_sub(since));
        let epoch_over = ahead.is_some_and(|ahead| (tip + ahead) / BLOCKS_PER_EPOCH > tip / BLOCKS_PER_EPOCH);
        self.state = SyncState {
            following,
            behind: ahead,
            access: access(self.state.access, following, cut_off, epoch_over, &self.patience),
            announced: votes::announced(observation.peers, observation.known.message_version)
                .map(|version| consensus_version(version, observation.known)),
            ..self.state
        };
        self.state
    }

    fn follow_tip(&mut self, observation: &Observation<'_>) {
        let Some((height, time)) = observation.tip else { return };
        match self.tip {
            Some((last, _)) if last == height => return,
            Some(_) => self.moved = true,
            None => {}
        }
        // The first sight of a tip does not show when it moved.
        let at = self.tip.map_or(self.started.unwrap_or(observation.now), |_| observation.now);
        self.tip = Some((height, at));
        self.claims.forget();
        self.ahead_since = None;
        self.pace.push_back((observation.now, time));
        while self.pace.front().is_some_and(|(then, _)| observation.now.saturating_sub(*then) > PACE_SPAN) {
            self.pace.pop_front();
        }
    }

    fn outpaces(&self) -> bool {
        let (Some((first, from)), Some((last, to))) = (self.pace.front(), self.pace.back()) else {
            return false;
        };
        let chain = Duration::from_secs(u64::try_from(to.saturating_sub(*from)).unwrap_or(0));
        chain > PACE_SPAN && chain > OUTPACES * last.saturating_sub(*first)
    }

    /// A release that knows the version, or a tip beyond the block, makes the warning obsolete.
    fn drop_known_version(&mut self, tip: u32, known: u16) {
        if self.newer.is_some_and(|newer| newer.version <= known || newer.height <= tip) {
            self.newer = None;
            self.state.newer = None;
            self.witnesses.clear();
        }
    }

    fn ahead(&self, tip: u32, trusted: usize) -> Option<u32> {
        let ahead = self.claims.ahead(tip, trusted);
        match (ahead, self.state.newer) {
            // Those that are left stand still as we do.
            (Some(0), Some(newer)) => Some(newer.height.saturating_sub(tip)),
            _ => ahead,
        }
    }
}

fn block_age(observation: &Observation<'_>) -> Option<Duration> {
    let (_, time) = observation.tip?;
    let age = observation.unix.saturating_sub(time);
    (age >= -CLOCK_TOLERANCE).then(|| Duration::from_secs(u64::try_from(age).unwrap_or(0)))
}

/// Upstream raises both versions together, by one.
fn consensus_version(message_version: u32, known: Known) -> u16 {
    let newer = message_version.saturating_sub(known.message_version);
    known.consensus_version.saturating_add(u16::try_from(newer).unwrap_or(u16::MAX))
}
