use std::{net::SocketAddr, time::Duration};

use proptest::prelude::*;

use super::{tracker::Known, *};
use crate::{
    chain::Peer,
    reject::{NoNetwork, Reject},
};

const KNOWN: Known = Known { message_version: 33, consensus_version: 22 };
/// The wall clock at the start, and the time of block 0.
const CLOCK: i64 = 1_764_540_000;
/// Seconds from block to block.
const PACE: u64 = 3;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], port))
}

fn trusted(port: u16, height: u32) -> Peer {
    Peer { trusted: true, height: Some(height), message_version: 33, ..Peer::chosen(address(port)) }
}

fn chosen(port: u16, height: u32) -> Peer {
    Peer { trusted: false, ..trusted(port, height) }
}

fn inbound(port: u16, height: u32) -> Peer {
    Peer { outbound: false, ..chosen(port, height) }
}

/// A node in a network that makes a block every three seconds.
struct Node {
    tracker: Tracker,
    now: u64,
    /// The network's height, and ours.
    network: u32,
    tip: u32,
    named: usize,
    clock_error: i64,
}

impl Node {
    fn new(named: usize) -> Self {
        let tracker = Tracker::new(Patience::default(), None);
        Self { tracker, now: 0, network: 1_000, tip: 1_000, named, clock_error: 0 }
    }

    fn observe(&mut self, peers: &[Peer]) -> SyncState {
        // The chain's time is that of its heights.
        let time = CLOCK + (i64::from(self.tip) - 1_000) * PACE as i64;
        self.tracker.observe(&Observation {
            now: seconds(self.now),
            unix: CLOCK + self.now as i64 + self.clock_error,
            tip: Some((self.tip, time)),
            peers,
            trusted: self.named,
            committee: None,
            known: KNOWN,
        })
    }

    /// So many seconds in which the network goes on and our node follows if it `follows`; peers as `peers` says for
    /// the network's height and ours. The states seen, without repetition.
    fn run(&mut self, time: u64, follows: bool, peers: impl Fn(u32, u32) -> Vec<Peer>) -> Vec<Following> {
        let mut states = vec![];
        for _ in 0..time {
            self.now += 1;
            if self.now.is_multiple_of(PACE) {
                self.network += 1;
                if follows {
                    self.tip = self.network;
                }
            }
            let state = self.observe(&peers(self.network, self.tip)).following;
            if states.last() != Some(&state) {
                states.push(state);
            }
        }
        states
    }

    fn access(&self) -> Access {
        self.tracker.state().access
    }
}

fn seen() -> Seen {
    Seen {
        tip_age: Duration::ZERO,
        moved: true,
        outpaces: false,
        block_age: Some(seconds(3)),
        ahead: Some(0),
        ahead_for: Duration::ZERO,
        outdated: false,
    }
}

#[test]
fn the_table() {
    use Following::{CatchingUp, Following as ON, Isolated, NetworkHalted, Stuck};
    let still = |tip_age, ahead, ahead_for| Seen {
        tip_age: seconds(tip_age),
        block_age: Some(seconds(tip_age)),
        ahead,
        ahead_for: seconds(ahead_for),
        ..seen()
    };
    let moving = |block_age: u64, outpaces, ahead| Seen {
        outpaces,
        block_age: Some(seconds(block_age)),
        ahead,
        ahead_for: seconds(100),
        ..seen()
    };
    let at_start = |ahead, ahead_for| Seen { moved: false, ..still(1, ahead, ahead_for) };
    for (was, seen, becomes, why) in [
        (ON, seen(), ON, "all is well"),
        (Isolated, seen(), ON, "a first block of now"),
        (ON, moving(5, false, Some(1_000)), ON, "no claims count against a fresh tip"),
        (Isolated, moving(5, false, None), ON, "a fresh tip needs no peer"),
        (Stuck, moving(5, false, Some(1_000)), ON, "the same after a stop"),
        (CatchingUp, moving(5, false, Some(5)), ON, "caught up, by the clock"),
        (CatchingUp, moving(500, true, Some(5)), CatchingUp, "not yet near"),
        (CatchingUp, moving(500, true, Some(2)), ON, "near, though the clock is wrong"),
        (ON, moving(500, false, Some(9)), ON, "a little behind is no change"),
        (ON, moving(500, false, Some(11)), CatchingUp, "far behind"),
        (ON, moving(45, false, Some(11)), ON, "not old enough"),
        (CatchingUp, moving(45, false, Some(11)), CatchingUp, "not fresh enough"),
        (Isolated, moving(500, true, None), CatchingUp, "blocks of long ago"),
        (ON, moving(500, false, None), ON, "a wrong clock and nobody to ask"),
        (ON, Seen { block_age: None, ..moving(0, false, Some(0)) }, ON, "a clock that is behind"),
        (
            CatchingUp,
            Seen { block_age: None, ..moving(0, true, Some(900)) },
            CatchingUp,
            "the same, far behind",
        ),
        (ON, still(19, None, 0), ON, "a gap between blocks"),
        (ON, still(20, None, 0), Isolated, "nobody answers"),
        (ON, still(59, Some(0), 0), ON, "a long gap, and nobody is ahead"),
        (ON, still(60, Some(0), 0), NetworkHalted, "nobody has a block"),
        (NetworkHalted, still(4_000, Some(0), 0), NetworkHalted, "for an hour"),
        (NetworkHalted, still(4_000, Some(1), 14), NetworkHalted, "a block is on its way"),
        (NetworkHalted, still(4_000, Some(1), 15), Stuck, "it does not come"),
        (ON, still(25, Some(3), 14), ON, "a block may be on its way"),
        (ON, still(25, Some(3), 15), Stuck, "peers are ahead"),
        (Stuck, still(90, Some(3), 2), Stuck, "new claims change nothing"),
        (Stuck, still(90, None, 0), Isolated, "they are gone"),
        (Isolated, still(90, Some(5_000), 1), CatchingUp, "they are back"),
        (Isolated, at_start(None, 0), Isolated, "a start"),
        (Isolated, at_start(Some(1), 0), ON, "a start near the tip"),
        (Isolated, at_start(Some(9_000), 20), CatchingUp, "a start far from it"),
        (CatchingUp, at_start(Some(9_000), 40), Stuck, "no block comes"),
        (
            Isolated,
            Seen { outdated: true, ..at_start(Some(1), 0) },
            Stuck,
            "we cannot process the next block",
        ),
        (ON, Seen { outdated: true, ..still(20, Some(1), 1) }, Stuck, "the same, without a restart"),
        (ON, Seen { outdated: true, ..seen() }, ON, "the last blocks that we can take"),
    ] {
        assert_eq!(judge(was, &seen), becomes, "{why}: {was} and {seen:?}");
    }
}

#[test]
fn a_node_that_follows_stays_so_whatever_peers_claim() {
    let mut node = Node::new(2);
    let liars =
        |_, _| vec![trusted(1, 9_000_000), trusted(2, 9_000_000), chosen(3, 9_000_000), inbound(4, u32::MAX)];
    assert_eq!(
        node.run(2, true, |network, _| vec![trusted(1, network), trusted(2, network)]),
        [Following::Following]
    );
    assert_eq!(node.run(3_600, true, liars), [Following::Following]);
    assert_eq!(node.access(), Access::Open);
    assert_eq!(node.run(3_600, true, |_, _| vec![]), [Following::Following], "and without any");
}

#[test]
fn a_node_that_stops_is_stuck_refuses_closes_and_comes_back() {
    let mut node = Node::new(2);
    let peers = |network, _| vec![trusted(1, network), trusted(2, network)];
    node.run(60, true, peers);
    assert_eq!(node.run(25, false, peers), [Following::Following, Following::Stuck]);
    assert_eq!(node.access(), Access::Open, "a short stop changes nothing");
    node.run(39, false, peers);
    assert_eq!(node.access(), Access::Refusing);
    assert_eq!(node.tracker.state().refusal(), Some(Reject::NoNetwork(NoNetwork::Stuck)));
    assert_eq!(node.tracker.state().closing(), None);
    node.run(240, false, peers);
    assert_eq!(node.access(), Access::Closed);
    assert_eq!(node.tracker.state().closing(), Some(Reject::NoService(NoNetwork::Stuck)));
    // The blocks come in at once, in two seconds.
    node.now += 1;
    node.tip = node.network - 60;
    assert_eq!(node.observe(&peers(node.network, node.tip)).following, Following::CatchingUp);
    assert_eq!(node.access(), Access::Closed, "closed until it follows again");
    node.now += 1;
    node.tip = node.network;
    assert_eq!(node.observe(&peers(node.network, node.tip)).following, Following::Following);
    assert_eq!(node.access(), Access::Open);
}

#[test]
fn a_network_that_stands_still_is_no_fault_of_ours_however_long() {
    let mut node = Node::new(2);
    let peers = |_, tip| vec![trusted(1, tip), trusted(2, tip), inbound(3, tip + 100)];
    node.run(60, true, |network, _| vec![trusted(1, network), trusted(2, network)]);
    // Nothing is made: the peers stand where we do.
    assert_eq!(node.run(7_200, false, peers), [Following::Following, Following::NetworkHalted]);
    assert_eq!(node.access(), Access::Open);
    // And goes on.
    node.network = node.tip;
    let on = |network, _| vec![trusted(1, network), trusted(2, network)];
    assert_eq!(node.run(60, true, on), [Following::NetworkHalted, Following::Following]);
    assert_eq!(node.access(), Access::Open);
}

#[test]
fn who_connects_to_us_neither_stops_the_pool_nor_hides_that_it_is_stuck() {
    // Half of the places, and all but one of them.
    for liars in [10u16, 20] {
        let attack = |claim: u32| {
            move |_: u32, tip: u32| -> Vec<Peer> {
                let lies = (0..liars).map(|port| inbound(100 + port, tip.saturating_add(claim)));
                lies.chain([trusted(1, tip)]).collect()
            }
        };
        let mut node = Node::new(1);
        node.run(60, true, |network, _| vec![trusted(1, network)]);
        assert_eq!(node.run(600, false, attack(50)), [Following::Following, Following::NetworkHalted]);
        assert_eq!(node.access(), Access::Open, "they do not bring it about");

        let mut node = Node::new(1);
        node.run(60, true, |network, _| vec![trusted(1, network)]);
        let hiding = |network: u32, tip: u32| -> Vec<Peer> {
            let lies = (0..liars).map(|port| inbound(100 + port, tip));
            lies.chain([trusted(1, network)]).collect()
        };
        assert_eq!(node.run(600, false, hiding), [Following::Following, Following::Stuck]);
        assert_eq!(node.access(), Access::Closed, "nor hide it");
    }
}

#[test]
fn without_trusted_peers_the_majority_of_the_chosen_decides_and_one_is_none() {
    let halted =
        |lie: u32| move |_: u32, tip: u32| vec![chosen(1, tip), chosen(2, tip), chosen(3, tip + lie)];
    let mut node = Node::new(0);
    node.run(60, true, |network, _| (1..4).map(|port| chosen(port, network)).collect());
    assert_eq!(node.run(600, false, halted(50)), [Following::Following, Following::NetworkHalted]);

    let stuck = |network: u32, tip: u32| vec![chosen(1, tip), chosen(2, network), chosen(3, network)];
    let mut node = Node::new(0);
    node.run(60, true, |network, _| (1..4).map(|port| chosen(port, network)).collect());
    assert_eq!(node.run(600, false, stuck), [Following::Following, Following::Stuck]);

    for claim in [0, 50] {
        let mut node = Node::new(0);
        node.run(60, true, |network, _| vec![chosen(1, network)]);
        let alone = node.run(600, false, |_, tip| vec![chosen(1, tip + claim)]);
        assert_eq!(alone, [Following::Following, Following::Isolated], "{claim}");
    }
}

#[test]
fn where_the_operator_named_peers_strangers_do_not_vouch_for_a_halt() {
    let mut node = Node::new(2);
    node.run(60, true, |network, _| vec![trusted(1, network), chosen(2, network), chosen(3, network)]);
    let left = |_, tip| vec![chosen(2, tip), chosen(3, tip)];
    assert_eq!(node.run(600, false, left), [Following::Following, Following::Isolated]);
    assert_eq!(node.tracker.state().refusal(), Some(Reject::NoNetwork(NoNetwork::Isolated)));
}

#[test]
fn a_peer_that_says_nothing_does_not_answer() {
    let mut node = Node::new(1);
    node.run(60, true, |network, _| vec![trusted(1, network)]);
    let silent = |_, tip| vec![Peer { silent_for: seconds(61), ..trusted(1, tip) }];
    assert_eq!(node.run(600, false, silent), [Following::Following, Following::Isolated]);
    assert_eq!(node.access(), Access::Closed);
}

#[test]
fn peers_that_were_ahead_and_left_still_count() {
    // As when the network activates a version that we lack: the peers close the connection, and the outdated stay.
    let mut node = Node::new(0);
    node.run(60, true, |network, _| (1..8).map(|port| chosen(port, network)).collect());
    node.run(4, false, |network, tip| {
        (1..6).map(|port| chosen(port, network)).chain([chosen(6, tip), chosen(7, tip)]).collect()
    });
    let left = |_, tip| vec![chosen(6, tip), chosen(7, tip)];
    assert_eq!(node.run(600, false, left), [Following::Following, Following::Stuck]);
    assert_eq!(node.access(), Access::Closed);
}

fn other(peer: u16, version: u16, height: u32) -> OtherVersion {
    OtherVersion { peer: address(peer), version, expected: 22, height }
}

#[test]
fn a_block_of_a_newer_version_names_the_cause_if_it_comes_from_one_that_counts() {
    let mut node = Node::new(1);
    node.run(60, true, |network, _| vec![trusted(1, network)]);
    let (tip, peers) = (node.tip, [trusted(1, node.tip), inbound(2, node.tip), chosen(3, node.tip)]);
    for (noted, counts) in [
        (other(2, 23, tip + 1), false),
        (other(9, 23, tip + 1), false),
        (other(1, 21, tip + 1), false),
        (other(1, 22, tip + 1), false),
        (other(3, 23, tip + 1), false),
        (other(1, 23, tip + 2), true),
    ] {
        node.tracker.note(&noted, &peers, CLOCK + 7);
        assert_eq!(node.tracker.state().newer.is_some(), counts, "{noted:?}");
    }
    let newer = NewerVersion { version: 23, height: tip + 1, since: CLOCK + 7 };
    assert_eq!(node.tracker.state().newer, Some(newer));
    // The peers close the connection; what they have shown goes on counting.
    assert_eq!(node.run(100, false, |_, _| vec![]).last(), Some(&Following::Stuck));
    assert_eq!(node.tracker.state().refusal(), Some(Reject::NoNetwork(NoNetwork::Outdated)), "the cause");

    // After a restart only others that stand still are left.
    let mut again = Node::new(0);
    (again.tracker, again.tip) = (Tracker::new(Patience::default(), Some(newer)), tip);
    let outdated = |_, tip| vec![chosen(6, tip), chosen(7, tip)];
    let states = again.run(400, false, outdated);
    assert!(
        !states.contains(&Following::NetworkHalted) && !states.contains(&Following::Following),
        "{states:?}"
    );
    assert_eq!(again.access(), Access::Closed);
    // A release that knows the version, or a tip beyond, makes it old news.
    again.tip = newer.height;
    again.now += 1;
    assert_eq!(again.observe(&[]).newer, None);
    let mut upgraded = Tracker::new(Patience::default(), Some(NewerVersion { version: 22, ..newer }));
    let observation = Observation {
        now: seconds(1),
        unix: CLOCK,
        tip: Some((tip, CLOCK)),
        peers: &[],
        trusted: 0,
        committee: None,
        known: KNOWN,
    };
    assert_eq!(upgraded.observe(&observation).newer, None);
}

#[test]
fn peers_that_are_ready_for_a_newer_version_are_noticed_before_it_comes() {
    let ready = |mut peer: Peer| {
        peer.message_version = 34;
        peer
    };
    for (peers, announced) in [
        (vec![trusted(1, 1_000), ready(trusted(2, 1_000))], Some(23)),
        (vec![trusted(1, 1_000), trusted(2, 1_000), ready(trusted(3, 1_000))], None),
        (vec![ready(inbound(1, 1_000)), ready(inbound(2, 1_000))], None),
        (vec![ready(chosen(1, 1_000))], None),
        (vec![ready(chosen(1, 1_000)), chosen(2, 1_000)], None),
        (vec![ready(chosen(1, 1_000)), ready(chosen(2, 1_000)), chosen(3, 1_000)], Some(23)),
    ] {
        let mut node = Node::new(0);
        node.now = 1;
        assert_eq!(node.observe(&peers).announced, announced, "{peers:?}");
    }
}

#[test]
fn a_validator_believes_its_committee() {
    let mut tracker = Tracker::new(Patience::default(), None);
    let mut observe = |now: u64, height, committee| {
        tracker.observe(&Observation {
            now: seconds(now),
            unix: CLOCK + now as i64,
            tip: Some((height, CLOCK)),
            peers: &[],
            trusted: 0,
            committee: Some(committee),
            known: KNOWN,
        })
    };
    assert_eq!(observe(1, 10, 10).following, Following::Following);
    observe(2, 11, 11);
    observe(30, 11, 20);
    assert_eq!(observe(60, 11, 20).following, Following::Stuck);
    assert_eq!(observe(61, 20, 20).following, Following::Following);
    assert_eq!(observe(200, 20, 20).following, Following::NetworkHalted);
}

#[test]
fn work_of_an_epoch_that_is_over_on_the_network_is_refused_while_the_node_catches_up() {
    let mut node = Node::new(1);
    node.clock_error = 100_000;
    node.tip = 350;
    node.now = 1;
    assert_eq!(node.observe(&[trusted(1, 359)]).access, Access::NoNewJobs);
    node.now = 2;
    let state = node.observe(&[trusted(1, 400)]);
    assert_eq!((state.following, state.access), (Following::CatchingUp, Access::Refusing));
    assert_eq!(state.refusal(), Some(Reject::NoNetwork(NoNetwork::Behind)));
}

#[test]
fn a_wrong_clock_alone_changes_nothing() {
    for error in [-86_400, -600, 600, 86_400] {
        let mut node = Node::new(1);
        node.clock_error = error;
        let states = node.run(600, true, |network, _| vec![trusted(1, network)]);
        assert_eq!(states, [Following::Following], "{error}");
    }
}

proptest! {
    /// Inbound peers may claim, come and go as they like: it is as if they were not there.
    #[test]
    fn strangers_change_nothing(
        steps in prop::collection::vec((any::<bool>(), 0u32..4, prop::collection::vec((any::<u32>(), 0u16..30), 0..12)), 1..200),
    ) {
        let (mut with, mut without) = (Node::new(2), Node::new(2));
        for (follows, honest, lies) in steps {
            let peers: Vec<Peer> = (0..honest).map(|port| trusted(port as u16 + 1, 1_000 + with.now as u32)).collect();
            let strangers = lies.iter().map(|(height, port)| inbound(100 + port, *height));
            let all: Vec<Peer> = peers.iter().copied().chain(strangers).collect();
            for node in [&mut with, &mut without] {
                node.now += 7;
                node.tip += u32::from(follows);
            }
            prop_assert_eq!(with.observe(&all), without.observe(&peers));
        }
    }

    /// However the peers come and go, a node whose tip moves at the network's pace never loses its miners.
    #[test]
    fn a_tip_that_moves_keeps_the_pool_open(
        claims in prop::collection::vec(prop::collection::vec((any::<u32>(), any::<bool>(), any::<bool>(), 0u16..9), 0..9), 1..120),
    ) {
        let mut node = Node::new(1);
        node.run(10, true, |network, _| vec![trusted(1, network)]);
        for claims in claims {
            let peers: Vec<Peer> = claims
                .into_iter()
                .map(|(height, trusted, outbound, port)| Peer { trusted, outbound, ..chosen(port, height) })
                .collect();
            let states = node.run(PACE, true, |_, _| peers.clone());
            prop_assert_eq!(states, vec![Following::Following]);
            prop_assert_eq!(node.access(), Access::Open);
        }
    }

    /// The state does not flap: while our tip stands and the network goes on, it changes a handful of times at most.
    #[test]
    fn it_does_not_flap(delays in prop::collection::vec(0u32..3, 20..60)) {
        let mut node = Node::new(2);
        node.run(60, true, |network, _| vec![trusted(1, network), trusted(2, network)]);
        let mut changes = 0;
        let mut last = node.tracker.state().following;
        for delay in delays {
            let states = node.run(10, false, |network, _| vec![trusted(1, network - delay), trusted(2, network)]);
            changes += states.iter().filter(|state| **state != last).count();
            last = *states.last().unwrap();
        }
        prop_assert!(changes <= 1, "{} changes", changes);
    }
}
